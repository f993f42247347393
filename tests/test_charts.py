"""Charts are stored so that a notebook can hold them, and their colours can be told apart."""

import itertools
import re
from pathlib import Path

import altair as alt
import nbformat
import numpy as np
import pandas as pd
import pytest

import evidence as ev
from evidence.charts import MIME
from sphinxext.vegalite import WORDS

MEANINGS = ["doctors", "managers", "doctor-managers", "strain", "alignment", "mixed", "neutral"]
#: Machado, Oliveira and Fernandes (2009), full deficiency, in linear RGB.
VISION = {
    "usual": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
}


def linear(colour):
    """Red, green and blue of a hex colour, as amounts of light."""
    rgb = np.array([int(colour[i:i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(colour, vision=VISION["usual"]):
    """CIE L*a*b* of a hex colour, as seen with the given vision."""
    seen = np.clip(vision @ linear(colour), 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("group", [MEANINGS[:3], MEANINGS[3:]], ids=["who", "direction"])
def test_colours_that_meet_can_be_told_apart(vision, group):
    for one, other in itertools.combinations(group, 2):
        apart = np.linalg.norm(lab(ev.COLOURS[one], VISION[vision]) - lab(ev.COLOURS[other], VISION[vision]))
        assert apart > 20, (one, other, apart)


@pytest.mark.parametrize("group", [MEANINGS[:3], ["strain", "alignment", "mixed"]], ids=["who", "direction"])
def test_colours_that_meet_differ_in_grey_print(group):
    for one, other in itertools.combinations(group, 2):
        assert abs(lab(ev.COLOURS[one])[0] - lab(ev.COLOURS[other])[0]) > 12, (one, other)


def test_words_of_a_picture_can_be_read_on_paper(html):
    """Every word is white, on a mark, or has the contrast that WCAG asks of small text."""
    fills = {fill for p in html.glob("_images/vega-*.svg") for fill in re.findall(r'<text\b[^>]* fill="([^"]+)"', p.read_text("utf-8"))}
    hexes = {{"#000": "#000000", "black": "#000000"}.get(fill, fill) for fill in fills - {"white", "#fff", "#ffffff"}}
    assert hexes & set(WORDS.values()), "some words are in a darker step"
    assert {fill for fill in hexes if 1.05 / (linear(fill) @ [0.2126, 0.7152, 0.0722] + 0.05) < 4.5} == set()


def test_live_words_are_the_colours_of_still_ones(root):
    css = (root / "_static/book.css").read_text("utf-8")
    assert dict(re.findall(r'&\[fill="(#\w{6})"\] \{ fill: (#\w{6}); \}', css)) == WORDS


@pytest.fixture
def chart():
    return ev.titled(alt.Chart(pd.DataFrame({"a": [1]})).mark_bar().encode(x="a:Q"), "A finding that needs more than one line on a phone",
                     "What is measured, on how many people, and nothing else at all", "What the chart shows.")


def test_a_chart_can_be_kept_in_a_notebook(chart):
    bundle = chart._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    assert set(bundle) == {MIME, "text/plain"} and bundle["text/plain"] == "What the chart shows."
    cell = nbformat.v4.new_code_cell("chart", outputs=[nbformat.v4.new_output("display_data", bundle)])
    nbformat.validate(nbformat.v4.new_notebook(cells=[cell]))


def test_titles_are_wrapped_and_the_chart_fills_its_column(chart):
    spec = chart.to_dict()
    assert spec["width"] == "container" and spec["description"] == "What the chart shows."
    assert all(len(line) <= 43 for line in spec["title"]["text"]) and len(spec["title"]["text"]) == 2
    assert len(spec["title"]["subtitle"]) == 2


def test_an_open_notebook_gets_a_picture_as_well(chart, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "chapter.ipynb")
    bundle = chart._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    assert bundle["image/svg+xml"].startswith("<svg")


# On dark paper


@pytest.fixture(scope="module")
def dark():
    """The colours of book.css on dark paper, by what they mean."""
    css = (Path(__file__).parent.parent / "_static/book.css").read_text("utf-8")
    colours = dict(re.findall(r"--(?:chart|book)-([\w-]+): (#\w{6});", css[css.index('html[data-theme="dark"]'):]))
    used = dict(re.findall(r'\[fill="(#\w{6})"\] \{ fill: var\(--(?:chart|book)-([\w-]+)\)', css))
    return {meaning: colours[used[colour]] for meaning, colour in ev.COLOURS.items()} | {"paper": colours["paper"]}


def contrast(one, other):
    """The ratio of luminances, as WCAG has it."""
    light, dark = sorted((((lab(c)[0] + 16) / 116) ** 3 for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("group", [MEANINGS[:3], MEANINGS[3:]], ids=["who", "direction"])
def test_on_dark_paper_too_colours_that_meet_can_be_told_apart(dark, vision, group):
    for one, other in itertools.combinations(group, 2):
        assert np.linalg.norm(lab(dark[one], VISION[vision]) - lab(dark[other], VISION[vision])) > 20, (one, other)


def test_on_dark_paper_words_and_marks_can_be_seen(dark):
    for meaning in {*MEANINGS, "both", "ink", "quiet"} - {"neutral"}:
        assert contrast(dark[meaning], dark["paper"]) > 4.5, meaning
    assert contrast(dark["neutral"], dark["paper"]) > 2.5


def test_on_light_paper_words_can_be_read():
    css = (Path(__file__).parent.parent / "_static/book.css").read_text("utf-8")
    words = dict(re.findall(r'&\[fill="(#\w{6})"\] \{ fill: (#\w{6}); \}', css))
    for meaning in {*MEANINGS, "both", "ink", "quiet"} - {"neutral"}:
        assert contrast(words.get(ev.COLOURS[meaning], ev.COLOURS[meaning]), "#ffffff") > 4.4, meaning
