"""The built pages: links resolve, nothing is left raw, ids are unique, nothing comes from another host."""

import gzip
import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup

import evidence as ev
from sphinxext.pages import FACES

#: What reading leaves behind when a role, a directive or a citation was not understood.
RAW = re.compile(r"\[\?\]|\?\?|\{(?:cite|glue|finding|ref|numref|table|bibliography)\b|:::|\bIPython\.core\b|Traceback")


@pytest.fixture(scope="module")
def pages(html) -> dict[Path, BeautifulSoup]:
    """Every built page, parsed."""
    return {p: BeautifulSoup(p.read_text("utf-8"), "lxml") for p in sorted(html.rglob("*.html")) if "_static" not in p.parts}


def chapters(pages):
    return {p: s for p, s in pages.items() if p.name == "index.html" or p.parent.name == "chapters"}


def test_every_page_of_the_contents_is_built(pages, html):
    names = {p.relative_to(html).as_posix() for p in pages}
    chapters = {f"chapters/{p.stem}.html" for p in (html.parent.parent / "chapters").glob("*.ipynb")}
    assert {"index.html", "search.html"} | chapters <= names


def test_an_address_is_shown_as_it_is(pages):
    """Two hyphens in it are not a dash."""
    shown = [(a.get_text(), a["href"]) for s in pages.values() for a in s.select("a[href^=http]") if a.get_text().startswith("http")]
    assert len(shown) > 100 and any("--" in text for text, _ in shown)
    assert [it for it in shown if unquote(it[0]) != unquote(it[1])] == []


def test_links_resolve(pages, html):
    ids = {p.resolve(): {e["id"] for e in s.select("[id]")} for p, s in pages.items()}
    broken = []
    for page, soup in pages.items():
        for link in soup.select("a[href]"):
            where = urlsplit(link["href"])
            if where.scheme or where.netloc or link["href"] in ("#", ""):
                continue
            target = (page.parent / unquote(where.path)).resolve() if where.path else page.resolve()
            if not target.exists() or (where.fragment and target in ids and unquote(where.fragment) not in ids[target]):
                broken.append(f"{page.relative_to(html)}: {link['href']}")
    assert broken == []


def test_the_front_page_offers_every_table(pages):
    front = next(s for p, s in pages.items() if p.name == "index.html")
    assert {f"data/{name}.csv" for name in ev.schema()} <= {a["href"] for a in front.select("article a[href]")}


def test_a_reference_by_number_names_the_number_it_leads_to(pages):
    by_path = {p.resolve(): s for p, s in pages.items()}
    checked = 0
    for page, soup in chapters(pages).items():
        for link in soup.select("a:has(> span.std-numref)"):
            where = urlsplit(link["href"])
            target = by_path[(page.parent / where.path).resolve() if where.path else page.resolve()].find(id=unquote(where.fragment))
            assert link.get_text() == target.select_one(".caption-number").get_text().strip(), (page, link["href"])
            checked += 1
    assert checked > 60


def test_ids_are_unique(pages):
    for page, soup in chapters(pages).items():
        ids = [e["id"] for e in soup.select("main [id]")]
        assert sorted(ids) == sorted(set(ids)), page


def test_nothing_is_left_raw(pages):
    for page, soup in chapters(pages).items():
        article = BeautifulSoup(str(soup.select_one("article")), "lxml")
        for code in article.select("pre, script, code"):
            code.decompose()
        assert not RAW.search(article.get_text(" ")), (page, RAW.search(article.get_text(" ")))


def test_every_mark_leads_to_its_row(pages):
    marks = 0
    for page, soup in chapters(pages).items():
        for mark in soup.select("span.finding"):
            assert mark.find_parent("a")["href"].endswith(f"#finding-{mark.get_text().lower()}"), page
            marks += 1
    assert marks > 100


def test_every_citation_leads_to_its_reference(pages):
    keys = {e["id"] for p, s in pages.items() if p.name == "references.html" for e in s.select("div.citation[id]")}
    theme = next(s for p, s in pages.items() if p.name.startswith("theme-1"))
    cited = [a["href"] for a in theme.select("article a[href*='references.html#']")]
    assert len(cited) > 60 and all(unquote(urlsplit(h).fragment) in keys for h in cited)


def test_a_page_asks_no_other_host_for_anything(pages):
    for page, soup in pages.items():
        asked = [e.get("src") or e.get("href") for e in soup.select("script[src], img[src], iframe[src], link[href]")]
        assert [a for a in asked if urlsplit(a).netloc] == [], page


def test_every_picture_has_a_text(pages):
    for page, soup in chapters(pages).items():
        for picture in soup.select("article.bd-article img"):
            assert len(picture.get("alt", "")) > 20, (page, picture.get("src"))


def test_a_chart_is_a_picture_with_its_size_and_its_spec(pages, html):
    theme = next(s for p, s in pages.items() if p.name.startswith("theme-1"))
    charts = theme.select("figure .vega-chart")
    assert len(charts) >= 4
    for chart in charts:
        picture = chart.img
        assert picture["src"].endswith(".svg") and picture["width"].isdigit() and picture["height"].isdigit()
        assert (html / "chapters" / picture["src"]).resolve().exists()
        assert chart.find("script", type="application/json")
    assert all(f.figcaption.select_one(".caption-number") for f in theme.select("figure"))


def test_scripts_of_charts_are_only_where_there_is_a_chart(pages):
    for page, soup in pages.items():
        assert bool(soup.select("script[src*='charts.js']")) == bool(soup.select(".vega-chart")), page


def test_tables_have_headings_and_captions(pages):
    for page, soup in chapters(pages).items():
        for table in soup.select("article table"):
            assert table.select("thead th") and table.caption, page


def test_a_page_loads_no_style_and_no_script_of_the_theme(pages):
    for page, soup in chapters(pages).items():
        loaded = {Path(urlsplit(e.get("src") or e["href"]).path).name for e in soup.select("script[src], link[rel=stylesheet]")}
        assert loaded <= {"book.css", "pages.js", "lazy.js", "charts.js", "address.js", "listing.js", "explorer.js"}, page
        assert all(e.has_attr("defer") for e in soup.select("script[src]")), page
        assert not soup.select("i[class*=fa-]"), page


def test_a_page_says_what_it_is_to_who_shares_and_cites_it(pages):
    for page, soup in chapters(pages).items():
        described = soup.select_one("meta[name=description]")["content"]
        assert 40 < len(described) <= 202 and soup.select_one("meta[property='og:description']")["content"] == described, page
        known = json.loads(soup.select_one("script[type='application/ld+json']").string)
        kinds = [thing["@type"] for thing in known]
        assert kinds == (["Report", "Dataset"] if page.name == "index.html" else ["Chapter"]), page
        assert soup.select_one("details.cite pre").get_text().startswith("@"), page


def test_each_chart_has_its_data_one_click_away(pages, html):
    charts = 0
    for page, soup in chapters(pages).items():
        for figure in soup.select("figure:has(.vega-chart)"):
            files = [(page.parent / a["href"]).resolve() for a in figure.select("details.chart-data a")]
            assert files and all(f.exists() for f in files), (page, figure["id"])
            charts += 1
    assert charts > 50


def test_a_table_too_wide_for_a_phone_has_each_heading_with_its_cell(pages):
    cards = [t for s in pages.values() for t in s.select("table.cards")]
    assert len(cards) > 30
    for table in cards:
        heads = [th.get_text() for th in table.select("thead th")]
        for row in table.select("tbody tr"):
            assert [td["data-column"] for td in row.select("td")] == heads and row["role"] == "row", table.get("id")


def test_text_is_set_in_faces_cut_to_what_the_pages_use(pages, html, root):
    from fontTools.ttLib import TTFont

    used = {ord(c) for soup in pages.values() for c in soup.get_text()}
    fonts = {f.stem: f for f in (html / "_static/fonts").glob("*.woff2")}
    assert set(fonts) == set(FACES) and sum(f.stat().st_size for f in fonts.values()) < 90_000
    for name, file in fonts.items():
        assert used & set(TTFont(root / f"_static/fonts/{name}.ttf").getBestCmap()) <= set(TTFont(file).getBestCmap()), name


def test_a_page_is_light(pages, html):
    """Compressed, as a host sends it: 150 kB until a chart is in view, 500 kB with every chart live. The explorer brings its table's script."""
    def sent(file: Path) -> int:
        return len(file.read_bytes() if file.suffix == ".woff2" else gzip.compress(file.read_bytes()))

    fonts = sum(sent(f) for f in (html / "_static/fonts").glob("*.woff2"))
    for page, soup in chapters(pages).items():
        asked = {(page.parent / urlsplit(e.get("src") or e["href"]).path).resolve() for e in soup.select("script[src], link[rel=stylesheet]")}
        pictures = {(page.parent / e["src"]).resolve() for e in soup.select("img[src]")}
        first = sent(page) + fonts + sum(sent(f) for f in asked)
        live = first + sum(sent(f) for f in pictures) + (sent(html / "_static/vega.js") if soup.select(".vega-chart") else 0)
        assert first < 150_000 or soup.select_one("table.explorer"), (page, first)
        assert live < 500_000, (page, live)
