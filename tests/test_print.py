"""The printed book and the e-book, read back by other programs."""

import posixpath
import re
import shutil
import subprocess
import zipfile
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from pybtex.database import parse_file
from pybtex.richtext import Text
from pypdf import PdfReader

import evidence as ev


@pytest.fixture(scope="module")
def book(pdf) -> PdfReader:
    return PdfReader(pdf)


@pytest.fixture(scope="module")
def text(book) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in book.pages))


def headings(outline):
    for item in outline:
        yield from headings(item) if isinstance(item, list) else [item.title]


def test_the_text_is_there(text):
    for words in ("Short answer", "What is known.", "Davies and others (2003a)", "78 of 103, 76% (67% to 83%)", "T1-47", "Limits"):
        assert words in text, words


def test_no_code_and_nothing_raw_is_in_print(text):
    assert not re.search(r"\bimport (pandas|altair)|ev\.load\(|Show the code|\{(cite|finding|glue)|\[\?\]|\?\?", text)


def test_every_finding_and_every_reference_is_in_print(text, root):
    data = ev.load()
    assert [f for f in data.findings.finding if f not in text] == []
    entries = parse_file(root / "references.bib").entries.values()
    openings = [" ".join(str(Text.from_latex(e.fields["title"])).split()[:2]) for e in entries]
    assert len(openings) == len(data.studies) and [o for o in openings if o not in text] == []


def test_the_outline_names_the_chapters(book):
    titles = " | ".join(headings(book.outline))
    for title in ("Background: why the relationship matters", "Improving or getting worse?", "The findings ledger", "References", "Limits"):
        assert title in titles, title


def test_it_is_tagged_and_says_its_language_and_title(book):
    root = book.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root and root["/Lang"].startswith("en")
    assert book.metadata.title == "Doctors and managers: the evidence, re-runnable"
    assert "/CreationDate" not in book.metadata


def test_there_is_no_bitmap_and_every_chart_has_its_text(book):
    assert [i for page in book.pages for i in page.images] == []
    texts = [o.get_object()["/Alt"] for o in _structure(book.trailer["/Root"]["/StructTreeRoot"]) if "/Alt" in o.get_object()]
    assert sum("Dot plot" in t or "Slope chart" in t or "Stacked bars" in t for t in texts) >= 3


def _structure(node):
    """Every element of the tree of tags."""
    kids = node.get_object().get("/K", [])
    for kid in kids if isinstance(kids, list) else [kids]:
        found = kid.get_object() if hasattr(kid, "get_object") else kid
        if hasattr(found, "get") and "/S" in found:
            yield kid
            yield from _structure(kid)


def test_running_heads_name_the_chapter_of_their_page(book):
    pages = [p.extract_text() for p in book.pages]
    opening = next(n for n, p in enumerate(pages) if "Are relationships between doctors and managers improving" in p and "Short answer" in p)
    assert "Improving or getting worse?" in pages[opening + 1][:80]
    assert "Background" in pages[opening - 1][:80]


@pytest.mark.skipif(not shutil.which("pdffonts"), reason="no pdffonts on this machine")
def test_every_face_is_embedded(pdf):
    lines = subprocess.run(["pdffonts", pdf], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert lines and all(line.split()[-5] == "yes" for line in lines)


@pytest.mark.skipif(not shutil.which("qpdf"), reason="no qpdf on this machine")
def test_the_file_is_sound(pdf):
    assert subprocess.run(["qpdf", "--check", pdf], capture_output=True).returncode == 0


def test_the_e_book_opens_and_its_charts_are_pictures_with_texts(epub):
    with zipfile.ZipFile(epub) as book:
        assert book.testzip() is None and book.namelist()[0] == "mimetype"
        names = book.namelist()
        theme = next(n for n in names if "theme-1" in n and n.endswith(".xhtml"))
        page = ElementTree.fromstring(book.read(theme))  # XHTML that is not well formed raises
        pictures = page.findall(".//{http://www.w3.org/1999/xhtml}img")
        assert sum(p.get("src").endswith(".svg") for p in pictures) >= 4 and all(p.get("alt") for p in pictures)
        assert not page.findall(".//{http://www.w3.org/1999/xhtml}script")
        for name in names:
            if name.endswith(".svg"):
                ElementTree.fromstring(book.read(name))


def test_the_e_book_links_to_nothing_that_it_lacks(epub):
    broken = []
    with zipfile.ZipFile(epub) as book:
        names = set(book.namelist())
        for name in names:
            if name.endswith(".xhtml"):
                for link in re.findall(r'<a[^>]* href="([^"#]+)', book.read(name).decode()):
                    if ":" not in link and posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(link))) not in names:
                        broken.append(f"{name}: {link}")
    assert broken == []
