"""Chapters: run from top to bottom, every finding used, every citation in the dataset, no number typed."""

import ast
import json
import re
from pathlib import Path

import nbformat
import pytest

import evidence as ev

CHAPTERS = sorted((Path(__file__).resolve().parent.parent / "chapters").glob("*.ipynb"))
SECTIONS = {"background": "background", "theme1": "theme-1-improving-or-worse", "theme2": "theme-2-same-perspectives",
            "theme3": "theme-3-managing-doctors", "theme4": "theme-4-how-doctors-respond", "theme5": "theme-5-doctor-managers",
            "theme6": "theme-6-policy-context", "leadership": "clinical-leadership", "improving": "improving-relationships",
            "concluding": "conclusions", "exec": "conclusions"}


def cited(name):
    """The sources that a chapter's prose cites."""
    return {k for keys in re.findall(r"\{cite:\w+\}`([^`]+)`", prose(name)) for k in keys.split(",")}


def prose(name):
    """The Markdown cells of a chapter, as one text."""
    notebook = nbformat.read(next(p for p in CHAPTERS if p.stem == name), as_version=4)
    return "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_a_notebook_ran_from_top_to_bottom(path):
    """nbval passes a cell that was never run; this does not."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert [c.execution_count for c in code] == list(range(1, len(code) + 1))
    assert not any("execution" in c.metadata for c in code), "timings change from run to run"
    assert not any(o.output_type in ("error", "stream") for c in code for o in c.outputs), "no warning, no error"
    assert notebook.metadata.language_info == {"name": "python"}


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_a_notebook_names_no_place_on_a_machine(path):
    assert not re.search(r"(?<!\w)/(home|root|work|tmp|Users)/", path.read_text("utf-8"))


@pytest.mark.parametrize("section", SECTIONS)
def test_every_finding_of_the_section_is_in_the_prose(section):
    findings = ev.load().findings
    marked = set(re.findall(r"\{finding\}`([^`]+)`", prose(SECTIONS[section])))
    assert set(findings.finding[findings.section == section]) <= marked
    assert marked <= set(findings.finding)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_citation_in_the_prose_is_in_citations_csv(section):
    citations = ev.load().citations
    sections = [s for s, name in SECTIONS.items() if name == SECTIONS[section]]  # a chapter may tell more than one
    assert cited(SECTIONS[section]) and cited(SECTIONS[section]) <= set(citations.study[citations.section.isin(sections)])


@pytest.mark.parametrize("section", SECTIONS)
def test_each_source_of_the_section_is_cited_in_the_prose(section):
    citations = ev.load().citations
    assert set(citations.study[citations.section == section]) <= cited(SECTIONS[section])


#: Numbers that name something and measure nothing: years, a scale, a level, a threshold that a paper reports.
NAMED = re.compile(r"(?:19|20)\d\d(?:s)?|4 or 5 out of 5|P < 0\.01|95%")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_no_number_in_prose_is_typed(path):
    text = prose(path.stem)
    text = re.sub(r"\{[\w:]+\}`[^`]*`|\]\([^)]*\)|`[^`]*`|^\(.*\)=$|^\d\. ", " ", text, flags=re.M)
    assert re.findall(r"\S*\d\S*", NAMED.sub(" ", text)) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_every_glued_number_is_used_and_every_used_number_is_glued(path):
    notebook = nbformat.read(path, as_version=4)
    glued = {o.metadata["scrapbook"]["name"] for c in notebook.cells if c.cell_type == "code" for o in c.outputs
             if "scrapbook" in o.get("metadata", {})}
    used = set(re.findall(r"\{glue:text\}`([^`]+)`", prose(path.stem)))
    assert used == glued - {"picture", "cover"}  # the front page and the cover of the printed book show these


def test_the_front_page_takes_its_numbers_from_the_chapters():
    text = (CHAPTERS[0].parent.parent / "index.md").read_text("utf-8")
    for section, name in SECTIONS.items():
        if section.startswith("theme"):
            assert f"{{picture}} chapters/{name}.ipynb::picture" in text
            assert f"{{glue:text}}`chapters/{name}.ipynb::" in text
    typed = re.sub(r"\{picture\} \S+|\{[\w:]+\}`[^`]*`|\]\([^)]*\)|^\d\. |Version [\d.]+|Attribution 4\.0", " ", text, flags=re.M)
    assert re.findall(r"\S*\d\S*", NAMED.sub(" ", typed)) == []


@pytest.mark.parametrize("name", dict.fromkeys(SECTIONS.values()))
def test_a_chapter_opens_with_its_answer_and_ends_with_limits_and_sources(name):
    text = prose(name)
    assert text.index(":class: short-answer") < text.index("\n## ")
    for part in ("**What is known.**", "**How firmly.**", "**What would change it.**"):
        assert part in text
    assert re.findall(r"^## (.+)$", text, re.M)[-2:] == ["Limits", "Sources of this chapter"]


@pytest.mark.parametrize("name", [name for section, name in SECTIONS.items() if section.startswith("theme")])
def test_a_theme_has_its_charts_and_tables(name):
    notebook = nbformat.read(next(p for p in CHAPTERS if p.stem == name), as_version=4)
    outputs = [o.data for c in notebook.cells if c.cell_type == "code" for o in c.outputs if "data" in o]
    charts = [d["application/vnd.vegalite.v6+json"] for d in outputs if "application/vnd.vegalite.v6+json" in d]
    tables = [d for d in outputs if "{table}" in d.get("text/markdown", "")]
    assert len(charts) >= 4 and len(tables) >= 3
    for spec in charts:
        assert len(spec["description"]) > 80 and spec["title"]["text"] and spec["title"]["subtitle"]


def test_every_chart_has_a_caption_with_its_source():
    for path in CHAPTERS:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if any("application/vnd.vegalite.v6+json" in o.get("data", {}) for o in cell.get("outputs", [])):
                figure = cell["metadata"]["mystnb"]["figure"]
                assert figure["name"].startswith("fig-") and re.search(r"Sources?: ", figure["caption"])


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_no_number_in_a_chart_s_words_is_typed(path):
    """Titles, measures and alt texts are computed as prose is; years and the level of an interval name something."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            calls = [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, ast.Call) and getattr(n.func, "attr", "") == "titled"]
            words = [m.value for call in calls for a in call.args[1:] for m in ast.walk(a) if isinstance(m, ast.Constant) and isinstance(m.value, str)]
            plain = [w for w in words if not re.fullmatch(r"[,.\d]*[fd%]", w)]  # the rest are formats of computed numbers
            assert [w for w in plain if re.search(r"\d", NAMED.sub("", w))] == []
