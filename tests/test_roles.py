"""The small extensions: marks, citations, references, and links to the repository."""

import subprocess
import sys

import pytest
from bs4 import BeautifulSoup

CONF = """
extensions = ["myst_parser", "sphinxcontrib.bibtex", "sphinxext.findings", "sphinxext.codes", "sphinxext.abbreviations", "sphinxext.citations"]
abbreviations = {"NHS": "National Health <Service>", "GP": "general practitioner"}
myst_enable_extensions = ["attrs_inline", "colon_fence"]
bibtex_bibfiles = ["r.bib"]
bibtex_reference_style = bibtex_default_style = "book"
"""
SCHEMA = """{"resources": [{"name": "findings", "schema": {"fields": [{"name": "direction", "values":
 {"strain": "conflict, or <distance>", "mixed": "both"}}, {"name": "statement"}]}}]}"""
BIB = """
@article{three2003, author={Zee, Ann B. and van der Wee, Jean-Luc and Exe, C.}, title={What {NHS} managers say: a study?}, journal={BMJ \\& more},
 year={2003a}, volume={1}, number={2}, pages={3--4}, doi={10.1/ab}}
@techreport{body2010, author={{A Body \\& Sons}}, title={Report <b>on</b> care}, year={2010}, institution={A Body}}
@misc{bare1999, author={Solo, Han}, title={[Title not known]}, year={1999}}
"""
INDEX = """# Book

Said {finding}`T1-03`, as {cite:t}`three2003` and others {cite:p}`body2010,bare1999`.

| Mark | Claim |
| :--- | :---- |
| [T1-03]{#finding-t1-03} | yes |

```{bibliography}
```
"""


@pytest.fixture
def build(tmp_path):
    """Build one small page; its article as a tree, and what Sphinx warned of."""
    def run(index=INDEX, bib=BIB):
        (tmp_path / "data").mkdir(exist_ok=True)
        for name, text in {"conf.py": CONF, "r.bib": bib, "data/datapackage.json": SCHEMA, "index.md": index}.items():
            if not (tmp_path / name).exists() or (tmp_path / name).read_text("utf-8") != text:
                (tmp_path / name).write_text(text, "utf-8")
        done = subprocess.run([sys.executable, "-m", "sphinx", "-q", "-n", "-b", "html", ".", "out"], cwd=tmp_path, capture_output=True, text=True)
        return BeautifulSoup((tmp_path / "out/index.html").read_text("utf-8"), "lxml"), done.stderr
    return run


def test_a_source_without_a_title_is_named_by_each_build(build):
    """What the last build made of it is not taken for good, though no page is read again."""
    for _ in range(2):
        page, warned = build(bib=BIB.replace("title={Report <b>on</b> care}, ", ""))
        assert "missing title in body2010" in warned and "missing title in body2010" in page.get_text()


def test_a_mark_is_a_link_to_its_row(build):
    page, warned = build()
    mark = page.select_one("span.finding")
    assert warned == "" and mark.get_text() == "T1-03"
    assert page.select_one(mark.find_parent("a")["href"]).get_text() == "T1-03"


def test_a_mark_without_a_row_is_a_warning_that_names_the_place(build):
    _, warned = build(INDEX.replace("{finding}`T1-03`", "{finding}`T1-99`"))
    assert "index.md:3: WARNING" in warned and "finding-t1-99" in warned


def test_a_definition_is_the_schema_s(build):
    page, warned = build(INDEX + "\n:::{definition} findings.direction mixed, strain\n:::\n")
    assert warned == "" and [p.get_text() for p in page.select(".definition p")] == ["Mixed: both.", "Strain: conflict, or <distance>."]


@pytest.mark.parametrize("asked", ["findings.direction bliss", "findings.statement strain", "finding.direction strain"])
def test_a_definition_of_what_is_no_code_names_the_place(build, asked):
    _, warned = build(INDEX + f"\n:::{{definition}} {asked}\n:::\n")
    assert "index.md:12: ERROR" in warned and f"asked for as {asked}" in warned


def test_the_first_of_each_abbreviation_on_a_page_says_what_it_stands_for(build):
    page, warned = build(INDEX + "\n## NHS heading\n\nNHSx and `NHS`: the NHS, a GP (NHS GP).\n\nNHS again.\n")
    assert warned == "" and [(a.get_text(), a["title"]) for a in page.select("abbr")] == [("NHS", "National Health <Service>"), ("GP", "general practitioner")]
    assert "NHSx and NHS: the NHS, a GP (NHS GP)." in page.get_text()


def test_citations_and_references_read_as_british_readers_expect(build):
    page, _ = build()
    text = " ".join(page.select_one("p").get_text().split())
    assert "as Zee and others (2003a) and others (A Body & Sons, 2010; Solo, 1999)." in text
    listed = [" ".join(c.get_text().split()).split("] ", 1)[1] for c in page.select("div.citation")]
    assert listed == [
        "A Body & Sons (2010). Report <b>on</b> care. A Body.",
        "Solo H (1999). [Title not known].",
        "Zee AB, van der Wee JL, Exe C (2003a). What NHS managers say: a study? BMJ & more 1(2), pp. 3–4. doi:10.1/ab",
    ]
    assert page.select_one("div.citation a[href='https://doi.org/10.1/ab']")


def test_a_reference_and_a_title_can_stand_anywhere(build):
    page, warned = build("# Book\n\n{reference}`three2003`\n\nIts title: {worktitle}`body2010`.\n\n```{bibliography}\n:all:\n```\n")
    first, second = (" ".join(p.get_text().split()) for p in page.select("section > p")[:2])
    assert warned == "" and second == "Its title: Report <b>on</b> care."
    assert first == "Zee AB, van der Wee JL, Exe C (2003a). What NHS managers say: a study? BMJ & more 1(2), pp. 3–4. doi:10.1/ab"
    _, warned = build("# Book\n\n{reference}`nobody1900`\n")
    assert "index.md:3: ERROR: no source has the key 'nobody1900'" in warned


@pytest.mark.parametrize("environment, expected", [
    ({}, None), ({"GITHUB_SERVER_URL": "https://git.example", "GITHUB_REPOSITORY": "a/b"}, "https://git.example/a/b")])
def test_launch_links_follow_the_repository_or_are_absent(monkeypatch, environment, expected):
    from types import SimpleNamespace

    from sphinxext.repository import _links
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_REF_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    config = SimpleNamespace(html_theme_options={"toc_title": "x"})
    _links(None, config)
    assert config.html_theme_options.get("repository_url") == expected
    assert ("launch_buttons" in config.html_theme_options) == bool(expected)
