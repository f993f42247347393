"""The printed book, read back by other programs."""

import re
import subprocess

import pytest
from pybtex.database import parse_file
from pybtex.richtext import Text
from pypdf import PdfReader

import evidence as ev

from conftest import program


@pytest.fixture(scope="module")
def book(pdf) -> PdfReader:
    return PdfReader(pdf)


@pytest.fixture(scope="module")
def pages(book) -> list[str]:
    """The text of each page, its white space as single spaces."""
    return [re.sub(r"\s+", " ", page.extract_text()) for page in book.pages]


@pytest.fixture(scope="module")
def text(pages) -> str:
    return " ".join(pages)


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


def test_it_is_tagged_keeps_pdf_ua_and_says_what_it_is(book):
    root = book.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root and root["/Lang"] == "en-GB"
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()
    said = book.metadata
    assert said.title == "Doctors and managers: the evidence, re-runnable" and "book team" in said.author
    assert "narrative review" in said.subject and "NHS" in said["/Keywords"]
    assert said.creation_date_raw.startswith("D:20260101")  # SOURCE_DATE_EPOCH of the Makefile


@pytest.fixture(scope="module")
def opens(book) -> dict[str, int]:
    """The number of the page on which each part, chapter or section opens."""
    def walk(items):
        for item in items:
            yield from walk(item) if isinstance(item, list) else [(item.title, book.get_destination_page_number(item) + 1)]
    return dict(reversed(list(walk(book.outline))))


def test_the_cover_and_the_page_behind_it(pages):
    assert pages[0].startswith("Doctors and managers") and "Each square is one finding" in pages[0]
    for words in ("Version 0.", "How to cite", "Powell A, Davies H (2016)", "Creative Commons Attribution 4.0", "MIT licence"):
        assert words in pages[1], words


@pytest.mark.parametrize("kind", ["Figure", "Table"])
def test_the_list_of_figures_and_that_of_tables_name_each_with_its_page(pages, opens, book, kind):
    first = opens[next(headings(book.outline))]
    listed, current = {}, ""
    for number, text in enumerate(pages[:first - 1], 1):
        current = next((it for it in ("Contents", "Figure", "Table") if re.match(rf"{it}s? \D", text)), current)
        if current != kind:
            continue
        text = re.sub(rf"{number} {book.metadata.title} *$" if number % 2 == 0 else rf"{book.metadata.title} {number} *$", "", text)
        for line in re.split(rf"(?={kind} \d+\.\d+ )", text)[1:]:
            listed[re.match(rf"{kind} [\d.]+", line)[0]] = int(re.search(r"(\d+) *$", line)[1])
    named = {name for text in pages[first - 1:] for name in re.findall(rf"{kind} \d+\.\d+", text)}
    assert named and set(listed) == named
    assert [(name, page) for name, page in listed.items() if name not in pages[page - 1]] == []


def test_the_index_names_every_study_that_is_cited_with_the_pages_that_cite_it(book, opens):
    start, references = opens["Index of studies"], next(page for title, page in opens.items() if title.endswith(" References"))
    index, cited = {}, {}
    for number, page in enumerate(book.pages, 1):
        for link in page.get("/Annots", []):
            link = link.get_object()
            if (place := link.get("/Dest")) is None:
                continue  # to the web
            place = book.named_destinations[place].dest_array if isinstance(place, str) else place.get_object()
            where, at = book.get_page_number(place[0].get_object()) + 1, tuple(map(float, place[2:4]))
            if number >= start:
                index.setdefault(number, []).append((where, at))
            elif where >= references:
                cited.setdefault((where, at), set()).add(number)
    flat = [it for number in sorted(index) for it in index[number]]
    pages_of, study = {}, None
    for where, at in flat:  # each study's own link, then those of the pages that cite it
        if (where, at) in cited:
            study = pages_of.setdefault((where, at), set())
        else:
            study.add(where)
    assert len(pages_of) > 150
    for study, given in pages_of.items():  # the first page of a run is a link; the others follow
        assert given <= cited[study] and all(page - 1 in cited[study] for page in cited[study] - given), study


def test_there_is_no_bitmap_and_every_chart_has_its_text(book, pdf):
    assert len(subprocess.run([program("pdfimages"), "-list", pdf], capture_output=True, text=True, check=True).stdout.splitlines()) == 2
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


def test_running_heads_name_the_chapter_of_their_page(pages):
    opening = next(n for n, p in enumerate(pages) if "Are relationships between doctors and managers improving" in p and "Short answer" in p)
    assert "Improving or getting worse?" in pages[opening + 1][:80]
    assert "Background" in pages[opening - 1][:80]


def test_every_face_is_embedded(pdf):
    lines = subprocess.run([program("pdffonts"), pdf], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert lines and all(line.split()[-5] == "yes" for line in lines)


def test_the_file_is_sound(pdf):
    assert subprocess.run([program("qpdf"), "--check", pdf], capture_output=True).returncode == 0


def test_no_word_leaves_its_page(pdf):
    words = subprocess.run([program("pdftotext"), "-bbox", pdf, "-"], capture_output=True, text=True, check=True).stdout
    boxes = [tuple(map(float, box)) for box in re.findall(r'<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)"', words)]
    edge, width, height = 40, 595.3, 841.9  # points
    assert len(boxes) > 50_000
    assert [b for b in boxes if b[0] < edge or b[1] < edge or b[2] > width - edge or b[3] > height - edge] == []


def test_no_page_but_a_chapter_s_last_is_left_two_fifths_empty(pdf, opens, tmp_path):
    subprocess.run([program("pdftoppm"), "-r", "12", "-gray", pdf, tmp_path / "p"], check=True, stderr=subprocess.DEVNULL)
    chapters = {page for title, page in opens.items() if not re.match(r"\d+\.\d", title)}
    sparse = []
    for number, file in enumerate(sorted(tmp_path.glob("p-*.pgm")), 1):
        width, height = map(int, (data := file.read_bytes()).split(None, 3)[1:3])
        lines = [data[-width * height:][y * width:(y + 1) * width] for y in range(height)]
        inked = [y / height for y, line in enumerate(lines) if min(line) < 200 and y / height < 0.915]  # above the foot
        if number >= min(chapters) and number + 1 not in chapters and 0.915 - max(inked, default=0) > 0.4 * 0.82:
            sparse.append(number)
    assert sparse[:-1] == []  # the last page of all may be
