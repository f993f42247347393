"""What a page says of itself where it will stand, and what it leaves out where that is not known."""

import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import pytest
from docutils.frontend import get_default_settings
from docutils.nodes import paragraph
from docutils.utils import new_document

from sphinxext import sharing


@pytest.mark.parametrize("repository, url", [
    ("", ""), ("Owner/book", "https://owner.github.io/book/"), ("owner/owner.github.io", "https://owner.github.io/")])
def test_the_address_follows_the_repository(repository, url):
    assert sharing.base_url({"GITHUB_REPOSITORY": repository}) == url
    assert sharing.base_url({"GITHUB_REPOSITORY": repository, "GITHUB_SERVER_URL": "https://git.example.org"}) == ""


@pytest.mark.parametrize("text, shown", [
    ("One. Two.", "One. Two."), ("A sentence. " * 40, ("A sentence. " * 16).strip()), ("word " * 80, ("word " * 40).strip() + " …")])
def test_a_summary_ends_where_a_sentence_or_a_word_does(text, shown):
    document = new_document("page", get_default_settings())
    document += paragraph("", text.strip())
    assert sharing.summary(document) == shown


def test_bibtex_leaves_out_what_is_not_known():
    assert sharing.bibtex("key", "book", title="A", url="") == "@book{key,\n  title = {A},\n}"


def test_a_site_map_is_written_only_with_an_address(tmp_path):
    config = SimpleNamespace(project="A: b", author="C", version="1", html_baseurl="", root_doc="index")
    app = SimpleNamespace(builder=SimpleNamespace(name="html"), outdir=tmp_path / "html", config=config,
                          env=SimpleNamespace(found_docs={"index", "chapters/one"}))
    (tmp_path / "html/_static").mkdir(parents=True)
    sharing.write_files(app, None)
    assert (tmp_path / "html/_static/card.png").read_bytes().startswith(b"\x89PNG") and not (tmp_path / "html/sitemap.xml").exists()
    config.html_baseurl = "https://example.org/"
    sharing.write_files(app, None)
    places = [e.text for e in ElementTree.parse(tmp_path / "html/sitemap.xml").getroot().iter() if e.tag.endswith("loc")]
    assert places == ["https://example.org/chapters/one.html", "https://example.org/"]
