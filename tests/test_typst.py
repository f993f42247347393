"""The PDF builder: small books are built, and their PDFs read back with pypdf."""

import json
import re
import zlib
from collections.abc import Iterator
from functools import cached_property
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
import typst
from sphinx.testing.util import SphinxTestApp

from sphinxext.typst import TypstError
from sphinxext.typst_math import MathError, typst_math

ROOT = Path(__file__).resolve().parent.parent
# Every printable ASCII character, and what Typst would take for markup at the start of a line.
HARD = ("".join(map(chr, range(33, 127)))
        + " = h + e - l / t: 1. x // c /* d */ --- ... @ref <lab> $m$ \\u{41} é ü ¼ £ “q” ≤ → NHS’s")
SVG = ('<svg xmlns="http://www.w3.org/2000/svg" width="300" height="90"><circle cx="40" cy="40" r="30"/>'
       '<text x="90" y="45" font-family="Inter" font-size="14">Drawn text</text></svg>')

CONF = f'''
import sys
sys.path.insert(0, {str(ROOT)!r})
from docutils import nodes
from docutils.parsers.rst import Directive

HARD = {HARD!r}

class Hard(Directive):
    """Text that no markup has touched: in a paragraph, in code, twice under one id."""
    def run(self):
        return [nodes.paragraph("", HARD, ids=["hard"]), nodes.paragraph("", "", nodes.literal("", HARD)),
                nodes.paragraph("", "Once more.", ids=["hard"]),
                nodes.paragraph("", "", nodes.reference("", "back to it", refid="hard"))]

def setup(app):
    app.add_directive("hard", Hard)

project = "Proof"
html_title = "A proof & its #title"
author = "Ann Author, Ben Writer"
typst_fonts = [{str(ROOT / "_static" / "fonts")!r}]
numfig = True
smartquotes = False
numfig_format = {{"figure": "Figure %s", "table": "Table %s", "code-block": "Listing %s"}}
'''

BOOK_CONF = CONF + '''
extensions = ["myst_nb", "sphinx_design", "sphinxcontrib.bibtex", "sphinx_multitoc_numbering",
              "sphinxext.typst"]
nb_execution_mode = "off"
nb_render_markdown_format = "myst"
myst_enable_extensions = ["colon_fence", "dollarmath", "attrs_inline", "deflist"]
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"
typst_subtitle = "A subtitle"
typst_keywords = ["one", "two"]
typst_description = "What it is."
typst_imprint = {"Version": "Edition {version} of https://example.org/book/.", "Licence": "Free & open."}
typst_index = "Index of studies"
version = "3"
'''

INDEX = """
# Opening

See {numref}`fig-second` and {cite:p}`davies2003`, or {ref}`the deep place <deep>`.

```{toctree}
:numbered:
:caption: The first part

one
two
```

```{toctree}
:numbered:
:caption: The second part

three
sources
```
"""

ONE = r"""
# Chapter alpha

```{hard}
```

## Lists

- bullet one
  - bullet inside

4. number four
5. number five

Term of art
: What it means.

```{eval-rst}
c) letter c
d) letter d

:field: its value

-o FILE  an option

| line one
|    line two

    A quotation.

    -- The Attribution
```

Text[^note] twice[^note]. H{sub}`2`O, {abbr}`NHS (Health Service)`, {abbr}`NHS (Health Service)`.

[^note]: The note's *text*.

### Level three

#### Level four

(deep)=
##### Level five

Deep text.

## Same

A link to the other {ref}`chapter <same>`.

:::{admonition} The short answer
:class: short-answer
Yes, mostly.
:::

:::{warning}
Mind this.
:::

:::{card} Card title
Card body.
:::

```{raw} html
<i>raw html</i>
```

```{raw} typst
#emph[raw typst]
```

The interval of $k$ is {eq}`wilson`:

$$\hat{p} \pm z\sqrt{\frac{\hat p(1 - \hat p)}{n}}$$ (wilson)

```{figure} drawing.svg
:alt: A black circle
:name: fig-first

First caption {cite:p}`davies2003`.

The legend.
```
"""

TWO = """
# Chapter beta

(same)=
## Same

""" + "\n\n".join(f"Paragraph {n}. " + "The two see one event in two ways. " * 12 for n in range(30)) + """

```{figure} drawing.svg
:alt: Another circle
:name: fig-second

Second caption.
```

Back to {numref}`fig-first`; see [{ref}`F2 <deep>`]{.finding}.

| Marks |
|---|
| [{ref}`F3 <deep>`]{.finding} [{ref}`F4 <deep>`]{.finding} |

```{toctree}
two-more
```
"""

MORE = """
# More of beta

Text of a page under a chapter.

```{figure} drawing.svg
:alt: A third circle

Third caption.
```
"""

THREE_CELLS = [
    ("markdown", "# Chapter gamma\n\nA table with spans, and a long one."),
    ("markdown", """```{eval-rst}
.. table:: Spans

   +-------+-------+-------+
   | H one | H two | H thr |
   +=======+=======+=======+
   | across two    | right |
   +-------+-------+       |
   | left  | 12    |       |
   +-------+-------+-------+
```"""),
    ("code", "HIDDEN_SOURCE = 1", {"text/markdown": "| Word | Count |\n|:--|--:|\n" + "\n".join(
        f"| {{cite:t}}`davies2003` row{n} | {n} |" for n in range(60)), "text/plain": "plain"}),
    ("code", "HIDDEN_CHART = 1", {"image/svg+xml": SVG}, {"image": {"alt": "A drawn circle"}}),
    ("code", "HIDDEN_PRINT = 1", {"text/plain": "plain_output_42"}),
    ("markdown", "| " + " | ".join(f"Column {n}" for n in range(9)) + " |\n" + "|---" * 9 + "|\n"
     + "| " + " | ".join(["some words that must wrap", "unbreakable_identifier"] * 4 + ["last"]) + " |"),
]

BIB = """
@article{davies2003, title={Views of the relationship}, author={Davies, Huw and Hodges, C. and Rundall, T.},
  journal={BMJ}, year={2003}, url={https://example.org/a/paper}}
"""


class Built:
    """A built book: the application, its warnings, the PDF's bytes and its reader."""

    def __init__(self, app: SphinxTestApp) -> None:
        self.app = app
        self.warnings = re.sub(r"\x1b\[[\d;]*m", "", app.warning.getvalue())
        self.data = Path(app.outdir, "book.pdf").read_bytes()
        self.pdf = pypdf.PdfReader(BytesIO(self.data))

    @cached_property
    def texts(self) -> list[str]:
        """The text of each page."""
        return [page.extract_text() for page in self.pdf.pages]

    @property
    def text(self) -> str:
        return squeeze("".join(self.texts))

    def tags(self) -> list[pypdf.generic.DictionaryObject]:
        """The structure tree's elements, in reading order."""
        return list(elements(self.pdf.trailer["/Root"]["/StructTreeRoot"]["/K"]))


def elements(node: object) -> Iterator[pypdf.generic.DictionaryObject]:
    node = node.get_object()
    if isinstance(node, list):
        for child in node:
            yield from elements(child)
    elif isinstance(node, dict):
        if "/S" in node:
            yield node
        if "/K" in node:
            yield from elements(node["/K"])


def squeeze(text: str) -> str:
    """Text without white space: where a line breaks is Typst's affair."""
    return re.sub(r"\s+", "", text)


def build(folder: Path, out: str = "pdf") -> Built:
    app = SphinxTestApp("typst", srcdir=folder, builddir=folder / f"_build-{out}")
    try:
        app.build()
    finally:
        app.cleanup()
    return Built(app)


def notebook() -> str:
    cells = []
    for kind, source, *rest in THREE_CELLS:
        cell = {"cell_type": kind, "id": f"c{len(cells)}", "metadata": {}, "source": source}
        if rest:
            data, mystnb = rest[0], rest[1] if len(rest) > 1 else {}
            cell |= {"execution_count": 1, "metadata": {"mystnb": mystnb}, "outputs": [
                {"output_type": "execute_result", "execution_count": 1, "metadata": {}, "data": data}]}
        cells.append(cell)
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": cells, "metadata": {
        "kernelspec": {"name": "python3", "display_name": "Python 3"}, "language_info": {"name": "python"}}})


def write_book(folder: Path) -> Path:
    folder.mkdir()
    files = {"conf.py": BOOK_CONF, "index.md": INDEX, "one.md": ONE, "two.md": TWO, "two-more.md": MORE,
             "three.ipynb": notebook(), "sources.md": "# Sources\n\n```{bibliography}\n```\n",
             "references.bib": BIB, "drawing.svg": SVG}
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SOURCE_DATE_EPOCH", raising=False)  # as without make, which sets it
        yield build(write_book(tmp_path_factory.mktemp("typst") / "book"))


def openings(book: Built) -> dict[str, int]:
    """The page (from 0) that each heading of the outline leads to."""
    def walk(items: list) -> Iterator[tuple[str, int]]:
        for item in items:
            if isinstance(item, list):
                yield from walk(item)
            else:
                yield item.title, book.pdf.get_destination_page_number(item)
    return dict(walk(book.pdf.outline))


def titles(items: list) -> list:
    return [titles(item) if isinstance(item, list) else item.title for item in items]


def test_a_sound_book_gives_no_warning(book: Built):
    assert book.warnings == ""


def test_every_character_of_a_text_survives(book: Built):
    assert book.text.count(squeeze(HARD)) == 2  # in a paragraph and in code


def test_the_outline_nests_parts_chapters_and_sections(book: Built):
    assert titles(book.pdf.outline) == [
        "Opening",
        "The first part", [
            "1 Chapter alpha", [
                "1.1 Lists", ["1.1.1 Level three", ["1.1.1.1 Level four", ["1.1.1.1.1 Level five"]]],
                "1.2 Same"],
            "2 Chapter beta", ["2.1 Same", ["2.1.1 More of beta"]]],
        "The second part", ["3 Chapter gamma", "4 Sources"],
        "Index of studies"]


def test_the_contents_list_gives_the_page_of_each_heading(book: Built):
    pages = openings(book)
    contents = book.texts[2]
    for title in ("Opening", "1 Chapter alpha", "1.2 Same", "2 Chapter beta", "3 Chapter gamma", "4 Sources"):
        assert re.search(rf"^{re.escape(title)}[ .]+{pages[title] + 1}$", contents, re.M), title
    assert "The first part\n1 Chapter alpha" in contents


def test_each_page_names_the_chapter_in_force_and_its_number(book: Built):
    texts, pages = book.texts, openings(book)
    chapters = ["Opening", "1 Chapter alpha", "2 Chapter beta", "3 Chapter gamma", "4 Sources", "Index of studies"]
    assert pages["2 Chapter beta"] + 1 < pages["3 Chapter gamma"]  # or no page has a running head
    for number, text in enumerate(texts[pages["Opening"]:], pages["Opening"]):
        before = [title for title in chapters if pages[title] < number]
        opened = [title for title in chapters if pages[title] == number]
        heads = {title for title in chapters if text.lstrip().startswith(title)}
        assert heads - set(opened) == (set() if opened else set(before[-1:])), number
        for title in opened:  # once, as its title, and not in the head too
            assert squeeze(text).count(squeeze(title.split(" ", 1)[-1])) == 1, number
        foot = ("A proof & its #title", str(number + 1))[::1 if number % 2 == 0 else -1]  # the number is outermost
        assert text.rstrip().endswith("\n".join(foot)) or text.rstrip().endswith(" ".join(foot)), number


def test_figures_and_tables_have_the_numbers_of_the_web_pages(book: Built):
    numbers = book.app.env.toc_fignumbers
    assert numbers["one"]["figure"]["fig-first"] == (1, 1)
    text = book.text
    for docname, name in (("one", "first"), ("two", "second")):
        number = ".".join(map(str, numbers[docname]["figure"][f"fig-{name}"]))
        assert squeeze(f"Figure {number} {name.title()} caption") in text
    (number,) = numbers["three"]["table"].values()
    assert squeeze(f"Table {'.'.join(map(str, number))} Spans") in text


def test_references_give_the_page_of_what_is_elsewhere(book: Built):
    pages, text = openings(book), book.text
    figure = next(n for n, it in enumerate(book.texts, 1) if "Second caption" in it and n > pages["Opening"])
    assert f"SeeFigure2.1(p.{figure})and" in text
    assert f"thedeepplace(p.{pages['1.1.1.1.1 Level five'] + 1})" in text
    assert f"chapter(p.{pages['2.1 Same'] + 1})." in text  # not the Same of its own chapter


def test_lists_quotations_and_notes(book: Built):
    text = book.text
    for expected in ("• bullet one – bullet inside 4. number four 5. number five",
                     "Term of art What it means.", "c) letter c", "d) letter d", "field its value",
                     "-o FILE an option", "line one line two", "A quotation. — The Attribution",
                     "Text1 twice1.", "1 The note's text", "H2O, NHS (Health Service), NHS.",
                     "Card title", "Card body."):
        assert squeeze(expected) in text, expected
    assert text.count("Thenote") == 1


def test_panels(book: Built):
    text = book.text
    assert "TheshortanswerYes,mostly." in text and "WarningMindthis." in text


def test_of_raw_text_only_typst_s_passes(book: Built):
    text = book.text
    assert "rawtypst" in text
    assert "rawhtml" not in text


def test_formulas_have_numbers_and_a_spoken_form(book: Built):
    assert "is(1.1):" in book.text
    formulas = [tag["/Alt"] for tag in book.tags() if tag["/S"] == "/Formula"]
    assert "k" in formulas and any(r"\sqrt" in it for it in formulas)


def test_tables(book: Built):
    tables = [[it["/S"] for it in elements(tag)] for tag in book.tags() if tag["/S"] == "/Table"]
    assert [names.count("/TR") for names in tables] == [2, 3, 61, 2]
    spans = [attribute for tag in book.tags() if tag["/S"] in ("/TD", "/TH")
             for attribute in tag.get("/A", []) if isinstance(attribute, dict)]
    assert any(it.get("/ColSpan") == 2 for it in spans) and any(it.get("/RowSpan") == 2 for it in spans)
    long = [text for text in book.texts if re.search(r"row\d+", text)]
    assert len(long) > 1 and all("Count" in text for text in long)  # its header is on each page


def test_a_notebook_shows_its_outputs_and_not_its_code(book: Built):
    text = book.text
    assert "plain_output_42" in text and "Drawntext" in text and "Daviesetal.[2003]row59" in text
    assert "HIDDEN" not in text and "<IPython" not in text


def test_the_index_gives_the_pages_that_cite_a_source(book: Built):
    texts = book.texts
    cited = [number for number, text in enumerate(texts[:-2], 1) if "Davies" in text and number > openings(book)["Opening"]]
    index = re.search(r"Huw Davies, .*? relation ([\d, –]+?) (?:\d+ )?A proof", re.sub(r"\s+", " ", texts[-1]))[1]
    runs = [list(map(int, run.split("–"))) for run in index.split(", ")]
    assert [page for run in runs for page in range(run[0], run[-1] + 1)] == cited
    links = [it.get_object() for it in book.pdf.pages[-1]["/Annots"]]
    assert len(links) == 1 + len(runs) and len(runs) < len(cited)  # the source and its pages


def test_the_lists_of_figures_and_tables_give_the_page_of_each(book: Built):
    lists = {text.split("\n", 1)[0]: text for text in book.texts[3:5]}
    for kind, listed in (("Figure", {"Figure 1.1": "First caption [Davies et al., 2003]", "Figure 2.1": "Second caption"}), ("Table", {"Table 3.1": "Spans"})):
        for number, caption in listed.items():
            page = next(n for n, text in enumerate(book.texts[5:], 6) if squeeze(number + caption[:6]) in squeeze(text))
            assert re.search(rf"{squeeze(number)}{re.escape(squeeze(caption))}.*?{page}(Figure|Table|\d*A|$)", squeeze(lists[f"{kind}s"])), number


def test_behind_the_cover_stand_version_licence_and_what_else_is_asked(book: Built):
    assert "Edition 3 of example.org/book/." in book.texts[1].replace("\n", " ") and "Free & open." in book.texts[1]
    assert "A subtitle" in book.texts[0] and "Ben Writer" in book.texts[0]


def test_the_date_is_that_of_source_date_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "conf.py").write_text(CONF + 'extensions = ["sphinxext.typst"]\n', "utf-8")
    (tmp_path / "index.rst").write_text("Title\n=====\n\nText.\n", "utf-8")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    assert build(tmp_path).pdf.metadata.creation_date_raw.startswith("D:20260101")


def test_it_is_tagged_and_has_metadata(book: Built):
    root = book.pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root and root["/Lang"] == "en-GB"
    assert book.pdf.metadata.title == "A proof & its #title"
    assert "Ann Author" in book.pdf.metadata.author
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()
    assert book.pdf.metadata.subject == "What it is." and book.pdf.metadata["/Keywords"] == "one, two"
    assert "/CreationDate" not in book.pdf.metadata


def test_pictures_have_alt_text_and_drawings_stay_drawings(book: Built):
    alts = [tag.get("/Alt") for tag in book.tags() if tag["/S"] == "/Figure"]
    assert alts == ["A black circle", "Another circle", "A third circle", "A drawn circle"]
    bitmaps = [it for page in book.pdf.pages for it in page["/Resources"].get("/XObject", {}).values()
               if it.get_object()["/Subtype"] == "/Image"]
    assert bitmaps == []


def test_findings_are_marks_without_a_page(book: Built):
    assert "seeF2." in book.text and "F3F4" in book.text


def test_no_text_stands_outside_the_margins(book: Built):
    starts: list[float] = []
    for page in book.pdf.pages[1:]:
        page.extract_text(visitor_text=lambda text, page_matrix, matrix, *_: text.strip() and starts.append(
            matrix[4] * page_matrix[0] + page_matrix[4]))
    millimetres = [start / 72 * 25.4 for start in starts]
    assert 21.9 < min(millimetres) and 150 < max(millimetres) < 210 - 22  # a wide table reaches past the text


def test_two_builds_are_the_same(book: Built, tmp_path: Path):
    assert build(write_book(tmp_path / "elsewhere"), "again").data == book.data


def test_what_is_wrong_is_a_warning_that_names_its_place(tmp_path: Path):
    (tmp_path / "conf.py").write_text(CONF + 'extensions = ["sphinxext.typst"]\n', "utf-8")
    (tmp_path / "odd.svg").write_text(SVG.replace("Inter", "Comic Neue"), "utf-8")
    pixel = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\0\0\0\0")
             + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b""))
    (tmp_path / "pixel.png").write_bytes(pixel)
    (tmp_path / "index.rst").write_text(r"""Faults [1]_
===========

.. productionlist::
   rule: "kept"

A `link <missing.html>`_ and a face 🙂 and :math:`\foo{x}` here.

.. image:: odd.svg
   :alt: A circle

.. image:: pixel.png

.. [1] A note.
""", "utf-8")
    built = build(tmp_path)
    for line, message in ((4, "no rule for the node production"),
                          (7, "link to a missing place: missing.html"),
                          (7, r"formula '\\foo{x}': unknown command \foo"), (2, "a footnote in a title"),
                          (12, "picture without alt text: pixel.png")):
        assert re.search(rf"index\.rst:{line}: WARNING: typst: {re.escape(message)}", built.warnings), message
    assert "odd.svg asks for the typeface Comic Neue" in built.warnings
    assert re.search(r"the text `\"🙂\"` could not be displayed .*\(index:7, book\.typ:\d+\)", built.warnings)
    text = built.text
    assert "kept" in text and r"\foo{x}" in text and "Alinkandaface" in text


def chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)


@pytest.mark.parametrize(("fault", "message"), [
    (".. raw:: typst\n\n   #nosuch()\n", r"unknown variable: nosuch \(index:\d+, book\.typ:\d+\)"),
    (".. csv-table::\n\n   " + ",".join(["wordswithoutend"] * 30) + "\n",
     r"the table at index:\d+ is too wide for the page"),
])
def test_an_error_is_named_and_leaves_the_last_pdf_whole(tmp_path: Path, fault: str, message: str):
    (tmp_path / "conf.py").write_text(CONF + 'extensions = ["sphinxext.typst"]\n', "utf-8")
    page = tmp_path / "index.rst"
    page.write_text("Title\n=====\n\nText.\n", "utf-8")
    first = build(tmp_path)
    page.write_text("Title\n=====\n\nText.\n\n" + fault, "utf-8")
    with pytest.raises(TypstError, match=message):
        build(tmp_path)
    out = Path(first.app.outdir)
    assert (out / "book.pdf").read_bytes() == first.data
    assert sorted(it.name for it in out.iterdir()) == ["book.pdf", "book.typ", "images"]


GOOD_MATH = [
    r"\kappa = \frac{p_o - p_e}{1 - p_e}", r"\sum_{i=1}^{n} x_i^2", r"\left(\frac{a}{b}\right]",
    r"f(x, y; z)", r"\binom{n}{k}", r"\begin{cases} a & b \\ c & d \end{cases}",
    r"\begin{aligned} a &= b \\ c &= d \end{aligned}", r'\text{if "x" \#1}', r"50\% < \$5",
    r"\overline{x} + \vec v + x'", r"\underbrace{a+b}_{n}", r"\sqrt[3]{x}", r"\lim_{x \to 0} \log x",
    r"P(A \mid B) = \int_0^1 f\,dx", r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
]


def test_formulas_become_typst_that_compiles():
    source = "\n".join(f"$ {typst_math(latex)} $" for latex in GOOD_MATH)
    pdf = typst.compile(source.encode(), ignore_system_fonts=True)
    assert "50%" in pypdf.PdfReader(BytesIO(pdf)).pages[0].extract_text()


def test_a_formula_keeps_its_structure():
    assert typst_math(r"\frac{a_1}{b^2}") == "frac(attach(a, b: 1), attach(b, t: 2))"


@pytest.mark.parametrize("latex", [r"\nosuch{x}", r"\frac{a}", "{", r"a_b_c", r"\left( x", r"\boxed{x}"])
def test_a_formula_that_cannot_be_read_is_an_error_with_a_reason(latex: str):
    with pytest.raises(MathError, match="."):
        typst_math(latex)
