"""Math: what becomes of LaTeX, and what bad LaTeX says."""

import xml.etree.ElementTree as ElementTree
from io import StringIO
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from sphinxext.mathml import mathml

CONF = """
extensions = ["myst_nb", "sphinxext.mathml"]
myst_enable_extensions = ["dollarmath", "amsmath"]
html_math_renderer = "mathml"
html_theme = "basic"
project = copyright = "Math"
version = "1"
"""
PAGE = r"""
# Math

Where $p < 0.05$, see {eq}`interval`.

$$
\hat p \pm 1.96 \sqrt{\frac{\hat p (1 - \hat p)}{n}}
$$ (interval)

$$
a &= b \\
c &= d
$$
"""


def build(folder: Path, page: str, builder: str = "html") -> tuple[Path, str]:
    """Build a book of one page; return the output and the warnings."""
    warnings = StringIO()
    source, output = folder / "source", folder / builder
    source.mkdir(exist_ok=True)
    (source / "conf.py").write_text(CONF)
    (source / "index.md").write_text(page)
    with docutils_namespace():
        Sphinx(source, source, output, folder / "doctrees", builder, status=None, warning=warnings).build()
    return output, warnings.getvalue()


def shape(latex: str, display: str = "inline") -> str:
    """Return the tags of a formula, each with what it holds in brackets, less the rows that only group."""

    def walk(element: ElementTree.Element) -> str:
        tag, inside = element.tag.partition("}")[2], "".join(map(walk, element)) or element.text or ""
        return inside if tag == "mrow" else f"{tag}({inside})"

    return walk(ElementTree.fromstring(mathml(latex, display)))


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        ("x^2", "math(msup(mi(x)mn(2)))"),
        (r"\frac{a}{b}", "math(mfrac(mi(a)mi(b)))"),
        ("p < 0.05", "math(mi(p)mo(<)mn(0.05))"),
        (r"5\,\text{\% of R\&D}", "math(mn(5)mspace()mtext(%\N{NO-BREAK SPACE}of\N{NO-BREAK SPACE}R&D))"),
        (r"\{a\}", "math(mo({)mi(a)mo(}))"),
        (r"a \\ b", "math(mtable(mtr(mtd(mi(a)))mtr(mtd(mi(b)))))"),
        (r"\begin{aligned} a \\ b \end{aligned}", "math(mtable(mtr(mtd(mi(a)))mtr(mtd(mi(b)))))"),
        (r"\begin{align} a \\ b \end{align}", "math(mtable(mtr(mtd(mi(a)))mtr(mtd(mi(b)))))"),
    ],
)
def test_latex_becomes_mathml(latex, expected):
    assert shape(latex) == expected


@pytest.mark.parametrize(
    ("latex", "message"),
    [
        (r"\frac{a}{b", "unbalanced braces"),
        ("}", "unbalanced braces"),
        (r"\frac{a}", r"an argument is missing \(<mfrac>\)"),
        (r"\nosuch{x}", r"unknown command \\nosuch"),
        (r"\left( x", "ExtraLeftOrMissingRightError"),
        ("a_b_c", "DoubleSubscriptsError"),
        ("a &= b", "an & outside an alignment"),
    ],
)
def test_bad_latex_is_refused(latex, message):
    with pytest.raises(ValueError, match=message):
        mathml(latex, "inline")


def test_page_holds_both_kinds_numbered_and_without_script(tmp_path):
    output, warnings = build(tmp_path, PAGE)
    assert warnings == ""
    page = BeautifulSoup((output / "index.html").read_text(), "html.parser")
    assert [math["display"] for math in page("math")] == ["inline", "block", "block"]
    numbered = page.select_one("div.math#equation-interval")
    assert numbered.math and numbered.select_one(".eqno").get_text().startswith("(1)")
    assert page.select_one('p a[href="#equation-interval"]').get_text() == "(1)"
    assert not [script for script in page("script") if "math" in str(script).lower()]


def test_epub_holds_the_same_math(tmp_path):
    output, warnings = build(tmp_path, PAGE, "epub")
    assert warnings == ""
    page = ElementTree.parse(output / "index.xhtml")
    assert len(list(page.iter("{http://www.w3.org/1998/Math/MathML}math"))) == 3


def test_bad_math_is_a_warning_that_names_its_place(tmp_path):
    output, warnings = build(tmp_path, PAGE + "\nA line.\n\nAnd $\\frac{a < b$.\n\n$$\n\\nosuch\n$$\n")
    first, second = warnings.strip().splitlines()
    line = PAGE.count("\n") + 4
    assert f"index.md:{line}: WARNING: math: unbalanced braces in \\frac{{a < b" in first
    assert f"index.md:{line + 2}: WARNING: math: unknown command \\nosuch" in second
    assert r"<code>\frac{a &lt; b</code>" in (output / "index.html").read_text()
