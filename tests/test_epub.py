"""The e-book: what it is made of, and what epubcheck says of it."""

import posixpath
import re
import subprocess
import zipfile
from pathlib import Path
from urllib.parse import unquote

import pytest
from bs4 import BeautifulSoup

import evidence as ev

from conftest import program


@pytest.fixture(scope="module")
def files(epub) -> dict[str, bytes]:
    """The e-book's files by name, in their order."""
    with zipfile.ZipFile(epub) as book:
        assert book.testzip() is None
        return {name: book.read(name) for name in book.namelist()}


@pytest.fixture(scope="module")
def pages(files) -> dict[str, BeautifulSoup]:
    """Its pages; one that is not well formed raises."""
    return {name: BeautifulSoup(text, "xml") for name, text in files.items() if name.endswith(".xhtml")}


def test_epubcheck_has_nothing_to_say(epub):
    checker = program("epubcheck")
    with open(checker, "rb") as file:  # Debian's is a jar, which needs a kernel that knows jars to run by itself
        command = [program("java"), "-jar", checker] if file.read(2) == b"PK" else [checker]
    done = subprocess.run([*command, epub], capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and "0 fatals / 0 errors / 0 warnings / 0 infos" in said, said[:3000]


def test_it_says_what_it_is(files):
    said = BeautifulSoup(files["content.opf"], "xml").metadata
    for name, text in (("language", "en-GB"), ("title", "Doctors and managers: the evidence, re-runnable"), ("identifier", "urn:uuid:"),
                       ("creator", "book team"), ("rights", "Creative Commons Attribution 4.0"), ("description", "narrative review"),
                       ("date", "2026-01-01"), ("subject", "NHS")):
        assert text in said.find(name).get_text(), name
    assert said.find("meta", property="schema:accessMode") and "unknown" not in said.get_text()


def test_it_has_a_cover(files):
    package = BeautifulSoup(files["content.opf"], "xml")
    cover = package.find("item", properties="cover-image")
    assert package.find("meta", attrs={"name": "cover"})["content"] == cover["id"]
    assert files[cover["href"]].startswith(b"\x89PNG") and package.find("itemref")["idref"] == package.find("item", href="epub-cover.xhtml")["id"]


def test_the_contents_list_has_parts_chapters_and_sections(pages, root):
    links = pages["nav.xhtml"].nav.select("li > a")
    depths = {a["href"]: len(a.find_parents("li")) for a in links}
    assert {f"chapters/{p.stem}.xhtml" for p in (root / "chapters").glob("*.ipynb")} <= set(depths)
    assert set(depths.values()) == {1, 2, 3}
    assert next(a for a in links if a.get_text() == "The six questions" and len(a.find_parents("li")) == 1)


def test_every_link_leads_to_a_place_in_it(pages, files):
    ids = {name: {e["id"] for e in page.select("[id]")} for name, page in pages.items()}
    broken = []
    for name, page in pages.items():
        for link in page.select("a[href]"):
            path, _, place = link["href"].partition("#")
            if ":" in path:
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(path))) if path else name
            if target not in files or (place and unquote(place) not in ids[target]):
                broken.append(f"{name}: {link['href']}")
    assert broken == []


def test_marks_and_citations_are_links(pages):
    theme = next(page for name, page in pages.items() if "theme-1" in name)
    marks = theme.select("span.finding")
    assert len(marks) > 50 and all(m.find_parent("a")["href"] == f"findings.xhtml#finding-{m.get_text().lower()}" for m in marks)
    assert len(theme.select("a[href^='references.xhtml#']")) > 60
    rows = {e["id"] for e in pages["chapters/findings.xhtml"].select("[id^=finding-]")}
    assert {f"finding-{f.lower()}" for f in ev.load().findings.finding} <= rows


def test_every_chart_is_a_drawing_with_its_description(pages, files):
    drawings = 0
    for name, page in pages.items():
        for picture in page.select("img"):
            assert picture.get("alt"), (name, picture)
            drawings += picture["src"].endswith(".svg") and len(picture["alt"]) > 20
    assert drawings > 50
    assert all(b"<a " not in data for name, data in files.items() if name.endswith(".svg"))


def test_there_is_no_code_of_cells_no_script_and_a_language_on_each_page(pages):
    for name, page in pages.items():
        assert not page.select("script, .cell_input, details"), name
        assert page.html["lang"].startswith("en"), name


def test_it_holds_only_what_is_used(files, pages):
    text = b" ".join(data for name, data in files.items() if name.endswith((".xhtml", ".css")))
    assert [name for name in files if name.startswith(("_static", "_images")) and Path(name).name.encode() not in text] == []
    assert not [name for name in files if name.endswith(".js")]
    assert not re.search(rb"\{(cite|finding|glue)|:::|Show the code", text)


@pytest.mark.parametrize("width", [390, 600])
def test_nothing_is_wider_than_a_page_that_is_turned(browser, epub, tmp_path, width):
    with zipfile.ZipFile(epub) as book:
        book.extractall(tmp_path)
    page = browser.new_page(viewport={"width": width, "height": 800})
    wide = []
    for file in sorted(tmp_path.rglob("*.xhtml")):
        page.goto(file.as_uri())
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(file.name)
    page.close()
    assert wide == []
