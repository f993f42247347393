"""Charts: what the pages of each builder hold, what a wrong chart says, and what is drawn only once."""

import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from io import StringIO
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from myst_nb.core.render import get_mime_priority, load_mime_renders
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, writes
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from sphinxext import vegalite

ROWS = [{"group": "doctors", "percent": 20}, {"group": "managers", "percent": 76}]
BARS = {
    "$schema": "https://vega.github.io/schema/vega-lite/v6.1.0.json",
    "description": 'Twenty < seventy-six, "managers" & doctors.',
    "title": "A </script> in a title",
    "data": {"values": ROWS},
    "mark": "bar",
    "encoding": {
        "x": {"field": "percent", "type": "quantitative"},
        "y": {"field": "group", "type": "nominal"},
    },
}
SLIDER = "datum.percent > least"
# As wide as its column, with a selection and a slider.
WIDE = {
    **{key: value for key, value in BARS.items() if key != "mark"},
    "width": "container",
    "height": 200,
    "params": [
        {"name": "chosen", "select": {"type": "point", "fields": ["group"]}, "views": ["bars"]},
        {"name": "least", "value": 0, "bind": {"input": "range", "min": 0, "max": 100}},
    ],
    "layer": [
        {"name": "bars", "mark": {"type": "bar", "clip": True}, "transform": [{"filter": SLIDER}]},
        {"mark": {"type": "text", "fontStyle": "italic"}, "encoding": {"text": {"field": "percent"}}},
    ],
}
STUB = b"// in place of a bundle that takes over a second to make"
CONF = """
extensions = ["myst_nb", "sphinxext.vegalite"]
nb_execution_mode = "off"
numfig = True
project = copyright = "Charts"
html_theme = "basic"
version = "1"
"""


def chart_cell(spec: dict, **figure: str) -> NotebookNode:
    output = new_output("display_data", {vegalite.MIME: spec, "text/plain": "a chart in words"})
    metadata = {"mystnb": {"figure": figure}}
    return new_code_cell("chart", outputs=[output], execution_count=1, metadata=metadata)


def write_book(folder: Path, *cells: NotebookNode) -> Path:
    """Write a book of two pages: a notebook, and a page without a chart."""
    folder.mkdir(parents=True)
    (folder / "conf.py").write_text(CONF)
    (folder / "index.md").write_text("# Plain\n\n```{toctree}\ncharts\n```\n")
    language = {"name": "python", "pygments_lexer": "ipython3"}
    title = new_markdown_cell("# Charts\n\nSee {numref}`bars-figure`.")
    notebook = new_notebook(cells=[title, *cells], metadata={"language_info": language})
    (folder / "charts.ipynb").write_text(writes(notebook))
    return folder


def build(book: Path, builder: str = "html", fresh: bool = False, bundle: bytes = STUB) -> tuple[Path, str]:
    """Build a book beside its source; return the output and the warnings."""
    warnings = StringIO()
    output = book.parent / "build" / builder
    doctrees = output.parent / "doctrees"
    with docutils_namespace(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(vegalite, "javascript_bundle", lambda: bundle)
        Sphinx(book, book, output, doctrees, builder, status=None, warning=warnings, freshenv=fresh).build()
    return output, warnings.getvalue()


def soup(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(), "html.parser")


@pytest.fixture(scope="module")
def bundle() -> bytes:
    return vegalite.javascript_bundle()


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    figure = {"name": "bars-figure", "caption": "Shares of *each* group."}
    folder = tmp_path_factory.mktemp("book") / "source"
    return write_book(folder, chart_cell(BARS, **figure), chart_cell(WIDE))


@pytest.fixture(scope="module")
def html(book) -> Path:
    output, warnings = build(book)
    assert warnings == ""
    return output


def test_myst_nb_finds_the_renderer():
    assert vegalite.VegaLite in load_mime_renders()


def test_html_page_holds_image_and_specification(html):
    bars, lines = soup(html / "charts.html").select("div.vega-chart")
    image = bars.img
    drawing = html / image["src"]
    root = ElementTree.parse(drawing).getroot()
    assert (image["width"], image["height"]) == (root.get("width"), root.get("height"))
    assert image["alt"] == BARS["description"] and image["loading"] == "lazy"
    assert lines.img["width"] == str(vegalite.STATIC_WIDTH)
    assert lines["style"] == f"--chart-height:{lines.img['height']}px;--chart-controls:1"
    assert "style" not in bars.attrs
    for chart, spec in ((bars, BARS), (lines, WIDE)):
        assert json.loads(chart.script.string) == {**spec, "config": {"font": "Inter", "axis": {"labelSeparation": 8}}}


def test_figure_has_caption_number_and_id(html):
    page = soup(html / "charts.html")
    figure = page.select_one("figure#bars-figure")
    assert figure.select_one("div.vega-chart img")
    assert figure.figcaption.get_text(strip=True).startswith("Fig. 1Shares ofeachgroup.")
    assert page.select_one('a[href="#bars-figure"] .std-numref').get_text() == "Fig. 1"


def test_scripts_are_loaded_only_beside_a_chart(html):
    for page, wanted in (("charts", ["_static/charts.js"]), ("index", [])):
        scripts = soup(html / f"{page}.html")("script")
        sources = [script.get("src", "").partition("?")[0] for script in scripts]
        assert [source for source in sources if source.endswith(("charts.js", "vega.js"))] == wanted
    assert (html / "_static/charts.js").read_bytes() == vegalite.LOADER.read_bytes()
    assert (html / "_static/vega.js").read_bytes() == STUB


def test_drawing_holds_its_fonts_and_nothing_from_elsewhere(html):
    page = soup(html / "charts.html")
    text = (html / page.select("div.vega-chart img")[1]["src"]).read_text()
    assert text.count("@font-face") == 3  # regular, semibold for the title, italic
    assert text.count("src:url(data:font/woff2;base64,") == 3
    links = [v for e in ElementTree.fromstring(text).iter() for k, v in e.items() if k.endswith("href")]
    assert not links
    assert len(text) < 40_000


def test_same_drawing_twice():
    spec = json.dumps({**vegalite.checked(WIDE), "width": 300})
    first = vegalite.svg(spec)
    assert 'clip-path="url(#i0)"' in first
    assert vegalite.svg(spec) == first


def test_other_builders_share_doctrees_and_hold_plain_images(book, html):
    epub, warnings = build(book, "epub")
    assert warnings == ""
    page = ElementTree.parse(epub / "charts.xhtml")
    space = "{http://www.w3.org/1999/xhtml}"
    images = list(page.iter(f"{space}img"))
    assert images[0].get("alt") == BARS["description"]
    assert all((epub / image.get("src")).exists() for image in images) and len(images) == 2
    assert not list(page.iter(f"{space}script"))
    assert not list(epub.glob("_static/vega.js")) and not list(epub.glob("_static/charts.js"))

    xml, warnings = build(book, "xml")
    assert warnings == ""
    figure = ElementTree.parse(xml / "charts.xml").find(".//figure")
    assert [child.tag for child in figure] == ["image", "caption"]

    before = soup(html / "charts.html").select("div.vega-chart")
    build(book, fresh=True)
    assert soup(html / "charts.html").select("div.vega-chart") == before


def test_a_warm_build_draws_nothing_and_a_lost_cache_is_drawn_again(tmp_path, monkeypatch):
    book = write_book(tmp_path / "source", chart_cell(BARS, name="bars-figure", caption="Bars"))
    output, _ = build(book)
    drawing = next(output.glob("_images/*.svg"))
    content = drawing.read_bytes()
    svg, drawn = vegalite.svg, []
    monkeypatch.setattr(vegalite, "svg", lambda spec: drawn.append(spec) or svg(spec))
    build(book, fresh=True, bundle=b"another bundle")
    assert drawn == [] and (output / "_static/vega.js").read_bytes() == STUB

    shutil.rmtree(tmp_path / "build/.cache")
    shutil.rmtree(output)
    _, warnings = build(book)
    assert len(drawn) == 1 and warnings == ""
    assert drawing.read_bytes() == content


def test_what_draws_starts_no_thread_before_pages_are_shared_out(tmp_path):
    """A process that begins as a copy of one with threads could wait for them for ever."""
    book = write_book(tmp_path / "source", chart_cell(BARS, name="bars-figure", caption="Bars"))
    count = "lambda app, *_: (app.outdir / 'threads').write_text(str(len(os.listdir('/proc/self/task'))))"
    for event, folder in (("env-before-read-docs", "before"), ("build-finished", "after")):
        (book / "conf.py").write_text(f"{CONF}\nimport os\nsetup = lambda app: app.connect({event!r}, {count}, priority=900) and None\n")
        subprocess.run([sys.executable, "-m", "sphinx", "-q", "-b", "html", ".", tmp_path / folder / "html"], cwd=book, check=True)
    before, after = (int((tmp_path / folder / "html/threads").read_text()) for folder in ("before", "after"))
    assert before == 1 < after


def test_wrong_charts_are_warnings_that_name_their_place(tmp_path):
    silent = {key: value for key, value in BARS.items() if key != "description"}
    broken = {**BARS, "mark": "no such mark"}
    figure = {"name": "bars-figure", "caption": "Bars"}
    book = write_book(tmp_path / "source", chart_cell(silent, **figure), chart_cell(broken))
    output, warnings = build(book)
    first, second = warnings.strip().splitlines()
    assert "charts.ipynb" in first and "chart of cell 2: no description" in first
    assert "charts.ipynb" in second and "chart of cell 3: Vega-Lite to SVG conversion failed" in second
    assert "a chart in words" in soup(output / "charts.html").get_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": {"url": "https://example.org/a.csv"}}, "External data url not allowed"),
        ({"$schema": "https://vega.github.io/schema/vega-lite/v5.json"}, "this book draws Vega-Lite 6"),
        ({"config": {"font": "Comic Sans MS"}}, "'Comic Sans MS', a font that _static/fonts does not hold"),
        ({"title": "Emoji \N{HOSPITAL}"}, "has no glyph for \N{HOSPITAL}"),
        ({"mark": {"type": "image", "url": "https://example.org/a.png"}}, "a picture from elsewhere"),
    ],
)
def test_what_a_chart_may_not_need(change, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        vegalite.draw(vegalite.checked({**BARS, **change}), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["a string", ["a list"], {**BARS, "config": "dark"}])
def test_specification_must_be_an_object(content):
    with pytest.raises(ValueError, match="not a JSON object"):
        vegalite.checked(content)


def test_controls_are_counted_one_a_slider_or_menu():
    menus = {"year": {"input": "range"}, "country": {"input": "select", "options": ["UK", "US"]}}
    binds = ["legend", "scales", {"input": "checkbox"}, menus]
    assert vegalite.control_count({"params": [{"name": "none"}, *({"bind": bind} for bind in binds)]}) == 3


def test_pdf_and_epub_prefer_charts_then_markdown():
    for builder in ("typst", "epub"):
        order = get_mime_priority(builder, [])
        wanted = [vegalite.MIME, "text/markdown", "text/plain"]
        assert sorted(wanted, key=order.index) == wanted and "application/javascript" not in order
    assert order.index("text/markdown") < order.index("text/html")


def test_bundle_holds_all_that_a_live_chart_needs(bundle):
    assert b"window.vegaEmbed=" in bundle and b"expressionInterpreter" in bundle


def test_chart_becomes_live_when_a_reader_comes_to_it(tmp_path, bundle, browser):
    from playwright.sync_api import expect

    above, below = (new_markdown_cell("\n\n".join(["A paragraph."] * 50)) for _ in range(2))
    wrong = {**BARS, "description": "Cannot be drawn in a browser."}
    cells = [above, chart_cell(WIDE, name="bars-figure", caption="Bars"), below, chart_cell(wrong)]
    output, _ = build(write_book(tmp_path / "source", *cells), bundle=bundle)
    page_file = output / "charts.html"
    # A chart that only fails when it is live keeps its image.
    start, _, end = page_file.read_text().rpartition('"mark":"bar"')
    page_file.write_text(f'{start}"mark":"no such mark"{end}')
    asked, errors = [], []
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(page_file.as_uri())
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if "charts.js" in url] and not [url for url in asked if "vega.js" in url]
    live, kept = page.locator("div.vega-chart").all()
    live.scroll_into_view_if_needed()
    live.locator("svg").wait_for()
    assert live.locator("img").count() == 0
    box = live.locator("[role=graphics-document]")
    assert box.get_attribute("aria-label") == BARS["description"]
    assert box.bounding_box()["width"] == live.bounding_box()["width"] <= 390
    bars = live.locator("path[aria-roledescription=bar]")
    assert bars.count() == 2
    live.locator("input[type=range]").fill("50")
    expect(bars).to_have_count(1)
    assert errors == []
    with page.expect_console_message(lambda message: message.type == "error"):
        kept.scroll_into_view_if_needed()
    assert kept.locator("img").is_visible() and kept.locator("svg").count() == 0
    page.close()
    assert all(url.startswith(("file:", "data:")) for url in asked)


def pasted(tmp_path, where: str) -> tuple[Path, str]:
    """Build a book whose first page pastes a chart that the second one glued as small."""
    glued = new_output("display_data", {vegalite.GLUED + vegalite.MIME: BARS}, metadata={"scrapbook": {"name": "small", "mime_prefix": vegalite.GLUED}})
    book = write_book(tmp_path / "source", new_code_cell("glue", outputs=[glued], execution_count=1))
    with (book / "index.md").open("a") as index:
        index.write(f"\n```{{picture}} {where}\n```\n")
    return build(book)


def test_a_glued_chart_is_a_picture_on_another_page(tmp_path):
    output, warnings = pasted(tmp_path, "charts.ipynb::small")
    picture = soup(output / "index.html").select_one("svg.small-picture")
    assert "bars-figure" in warnings and "picture" not in warnings  # this book has no such figure
    assert picture["role"] == "img" and picture["aria-label"] == BARS["description"]
    assert picture.select("path[aria-roledescription=bar]") and "@font-face" not in str(picture)
    assert not soup(output / "index.html").select(".vega-chart")


@pytest.mark.parametrize("where, said", [("charts.ipynb::large", "no chart is glued as large in charts.ipynb"), ("other.ipynb::small", "other.ipynb")])
def test_a_picture_that_is_not_there_is_named(tmp_path, where, said):
    _, warnings = pasted(tmp_path, where)
    assert said in warnings and "index.md" in warnings
