"""The pages as a reader has them: in a browser, on a desk and on a phone, with and without JavaScript."""

from pathlib import Path

import pytest

PAGES = ["index", *(f"chapters/{p.stem}" for p in sorted((Path(__file__).resolve().parent.parent / "chapters").glob("*.ipynb")))]
WIDTHS = [1280, 390]


def visit(browser, html, name, **options):
    """A page, scrolled to its end; what it asked for outside the folder, and what it complained of."""
    page = browser.new_context(**options).new_page()
    asked, errors = [], []
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else asked.append(r.url))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: errors.append(str(e)))
    page.goto((html / f"{name}.html").as_uri())
    for y in range(0, page.evaluate("document.documentElement.scrollHeight") if options.get("java_script_enabled", True) else 0, 500):
        page.evaluate(f"scrollTo(0, {y})")
        page.wait_for_timeout(60)
    return page, asked, errors


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_whole_at_home(browser, html, name, width):
    """No request to another host, no error, every chart live, no sideways scroll."""
    page, asked, errors = visit(browser, html, name, viewport={"width": width, "height": 900})
    charts = page.locator(".vega-chart").count()
    if charts:
        page.wait_for_function(f"document.querySelectorAll('.vega-chart svg.marks').length == {charts}", timeout=20000)
    assert asked == [] and errors == []
    assert page.locator(".vega-chart img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
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
    page, _, _ = visit(browser, html, "chapters/theme-1-improving-or-worse", viewport={"width": 1280, "height": 900})
    figure = page.locator("#fig-findings")
    figure.scroll_into_view_if_needed()
    squares = figure.locator("g.mark-rect.role-mark path")
    page.wait_for_function("document.querySelectorAll('#fig-findings g.mark-rect.role-mark path').length > 0", timeout=20000)
    everything = squares.count()
    figure.get_by_label("Empirical only").check()
    page.wait_for_function(f"document.querySelectorAll('#fig-findings g.mark-rect.role-mark path').length < {everything}")
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
    page.wait_for_function("document.querySelector('.vega-chart svg.marks')", timeout=20000)
    assert "vega.js" in loaded
    page.close()
