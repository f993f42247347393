"""The pages as a reader has them: in a browser, on a desk and on a phone, light and dark, with and without JavaScript.

Each page is opened twice, and each visit checks all there is to check.
"""

import shutil
from pathlib import Path

import pytest

PAGES = ["index", "search", "genindex", "404", *(f"chapters/{p.stem}" for p in sorted((Path(__file__).resolve().parent.parent / "chapters").glob("*.ipynb")))]
DESK = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
#: WCAG 2.2 AA, and what its testers recommend besides.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def axe():
    """The script of axe-core."""
    module = pytest.importorskip("axe_playwright_python")
    return next(Path(module.__file__).parent.rglob("axe.min.js")).read_text("utf-8")


def visit(browser, html, name, **options):
    """A page with every chart brought into view; what it asked for outside the folder, and what it complained of."""
    page = browser.new_context(**options).new_page()
    asked, errors = [], []
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else asked.append(r.url))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto((html / f"{name}.html").as_uri())
    if options.get("java_script_enabled", True):
        for chart in page.locator(".vega-chart").all():
            chart.scroll_into_view_if_needed()
            chart.locator("svg.marks").wait_for(timeout=20000)
    return page, asked, errors


def faults(page, axe):
    """What axe finds on a page: rule, what it says, and the element, one line each."""
    page.evaluate(axe)
    return page.evaluate("""async rules => {
        const found = await axe.run(document, {runOnly: {type: "tag", values: rules}, resultTypes: ["violations"]});
        return found.violations.flatMap(({id, help, nodes}) => nodes.map(({html}) => `${id}: ${help}: ${html.slice(0, 200)}`));
    }""", RULES)


@pytest.mark.parametrize("reader", [DESK, PHONE], ids=["desk-light", "phone-dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_and_open_to_all(browser, axe, html, name, reader):
    """No request to another host, no error, every chart live, no sideways scroll, nothing for axe to find."""
    page, asked, errors = visit(browser, html, name, **reader)
    assert asked == [] and errors == []
    assert page.locator(".vega-chart img").count() == 0
    assert page.evaluate("document.documentElement.dataset.theme") == reader["color_scheme"]
    page.evaluate("for (const part of document.querySelectorAll('section')) part.style.contentVisibility = 'visible'")
    assert page.evaluate("document.documentElement.scrollWidth") <= reader["viewport"]["width"]
    assert faults(page, axe) == []
    if reader is PHONE:  # and on a desk's page enlarged fourfold
        page.set_viewport_size({"width": 320, "height": 256})
        page.wait_for_timeout(200)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.context.close()


@pytest.mark.parametrize("name", ["chapters/background", "chapters/theme-1-improving-or-worse"])
def test_without_javascript_every_chart_is_a_picture(browser, html, name):
    page, asked, _ = visit(browser, html, name, viewport={"width": 390, "height": 900}, java_script_enabled=False)
    pictures = page.locator(".vega-chart img")
    assert pictures.count() >= 2 and asked == []
    for i in range(pictures.count()):
        pictures.nth(i).scroll_into_view_if_needed()
        box = pictures.nth(i).bounding_box()
        assert box["width"] > 250 and box["height"] > 100 and box["x"] + box["width"] <= 390
    page.context.close()


def test_the_switch_recounts_in_the_page(browser, html):
    page, _, _ = visit(browser, html, "chapters/theme-1-improving-or-worse", **DESK)
    figure = page.locator("#fig-findings")
    squares = figure.locator("g.mark-rect.role-mark path")
    everything = squares.count()
    figure.get_by_label("Empirical only").check()
    squares.nth(everything - 1).wait_for(state="detached")
    assert 0 < squares.count() < everything
    page.context.close()


def test_a_chart_s_script_waits_for_the_chart(browser, html):
    page = browser.new_page(viewport={"width": 1280, "height": 700})
    loaded = []
    page.on("request", lambda r: loaded.append(r.url.rsplit("/", 1)[-1]))
    page.goto((html / "chapters/theme-1-improving-or-worse.html").as_uri())
    page.wait_for_timeout(400)
    assert "vega.js" not in loaded
    page.locator(".vega-chart").first.scroll_into_view_if_needed()
    page.locator(".vega-chart svg.marks").first.wait_for(timeout=20000)
    assert "vega.js" in loaded
    page.close()


def test_a_page_refuses_a_script_that_is_not_the_book_s(browser, html, tmp_path):
    """Text smuggled into a page does not run, nor does a handler in a tag, nor text as a script; the book's own scripts do."""
    shutil.copytree(html / "_static", tmp_path / "_static")
    (tmp_path / "eval.js").write_text("window.asked = 1; try { eval('window.ran = 3'); } catch { /* refused */ }", "utf-8")
    smuggled = "<script>window.ran = 1</script><img src='x.svg' onerror='window.ran = 2'><script src='eval.js'></script></main>"
    text = (html / "index.html").read_text("utf-8")
    (tmp_path / "index.html").write_text(text.replace("</main>", smuggled, 1), "utf-8")
    page = browser.new_page()
    refused = []
    page.on("console", lambda m: refused.append(m.text) if "Content Security Policy" in m.text else None)
    page.goto((tmp_path / "index.html").as_uri())
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate("[window.asked, window.ran]") == [1, None] and len(refused) == 2  # a text as a script throws, and is not told
    page.close()


@pytest.mark.parametrize("asked, where", [("degeling", "references.html#"), ("davies 2003", "references.html#"), ("T1-02", "findings.html#finding-t1-02"), ("darzi gulf", "findings.html#finding-t1-03")])
def test_the_search_finds_sources_and_findings(browser, html, asked, where):
    page = browser.new_page()
    errors = []
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto(f"{(html / 'search.html').as_uri()}?q={asked}")
    page.locator("#search-results li a").first.wait_for(timeout=10000)
    found = page.locator("#search-results li a").evaluate_all("links => links.map(a => a.getAttribute('href'))")
    assert any(where in link for link in found) and errors == []
    page.close()


def test_a_chart_s_data_open_as_a_table_and_colours_turn(browser, html):
    page, _, errors = visit(browser, html, "chapters/background", **DESK)
    data = page.locator("details.chart-data").first
    data.locator("summary").click()
    data.locator("tbody tr").first.wait_for()
    assert data.locator("tbody tr").count() > 2 and data.locator("th").count() > 1
    ink = "getComputedStyle(document.querySelector('.vega-chart svg text[fill=\"#1d2a35\"]')).fill"
    light = page.evaluate(ink)
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate(ink) != light and page.evaluate("localStorage.getItem('theme')") == "dark" and errors == []
    page.context.close()


def test_a_live_chart_takes_the_room_its_picture_had(browser, html):
    """Nothing moves while a reader scrolls: the sum of shifts, as browsers count them, is next to nothing."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto((html / "chapters/theme-1-improving-or-worse.html").as_uri())
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(300)
    page.evaluate("""window.moved = 0; new PerformanceObserver(l => { for (const e of l.getEntries()) if (!e.hadRecentInput) moved += e.value; })
        .observe({type: "layout-shift"})""")
    for chart in page.locator(".vega-chart").all():
        chart.scroll_into_view_if_needed()
        chart.locator("svg.marks").wait_for(timeout=20000)
        page.wait_for_timeout(100)
    assert page.evaluate("moved") < 0.05
    page.close()


@pytest.mark.parametrize("place", ["tab-sources", "fig-findings"])
def test_an_address_leads_to_its_place(browser, html, place):
    """Also where what is above it has not been laid out yet."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{(html / 'chapters/theme-1-improving-or-worse.html').as_uri()}#{place}")
    page.wait_for_timeout(500)
    assert -40 < page.locator(f"#{place}").bounding_box()["y"] < 400
    page.close()
