"""What readers take away, read back by the programs they would use: all sources, nothing lost on the way."""

import json
import warnings
import zipfile

import frictionless
import pandas as pd
import pytest
import rispy
from pybtex.database import parse_file, parse_string

import evidence as ev
from evidence import exports


@pytest.fixture(scope="module")
def taken(tmp_path_factory):
    """A folder with every export."""
    folder = tmp_path_factory.mktemp("taken")
    exports.write(folder)
    return folder


@pytest.fixture(scope="module")
def items(taken):
    """The sources as CSL-JSON, by key."""
    return {i["id"]: i for i in json.loads((taken / "studies.csl.json").read_text("utf-8"))}


def test_every_source_is_in_each_form(taken, items):
    studies = list(ev.load().studies.study)
    assert list(items) == studies
    assert list(parse_file(taken / "studies.bib").entries) == studies
    assert [e["id"] for e in rispy.loads((taken / "studies.ris").read_text("utf-8"))] == studies


def test_each_source_can_be_taken_alone(taken, items):
    whole = parse_file(taken / "studies.bib").entries
    for key in items:
        assert dict(parse_file(taken / f"references/{key}.bib").entries) == {key: whole[key]}
        assert [e["id"] for e in rispy.loads((taken / f"references/{key}.ris").read_text("utf-8"))] == [key]


def test_ris_says_what_csl_says(taken, items):
    for entry in rispy.loads((taken / "studies.ris").read_text("utf-8")):
        item = items[entry["id"]]
        assert entry["title"] == item["title"] and entry.get("doi") == item.get("DOI")
        assert int(entry["year"][:4]) == item["issued"]["date-parts"][0][0]
        assert [a.split(",")[0] for a in entry["authors"]] == [
            n.get("literal") or " ".join(filter(None, [n.get("non-dropping-particle"), n["family"]])) for n in item["author"]]
        assert "–".join(filter(None, [entry.get("start_page"), entry.get("end_page")])) == item.get("page", "")


def test_csl_is_read_by_a_citation_processor(items):
    """citeproc-py makes a reference of every item, in a style it brings along."""
    from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter
    from citeproc.source.json import CiteProcJSON

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says which fields of CSL it does not know
        source = CiteProcJSON(list(items.values()))
        made = CitationStylesBibliography(CitationStylesStyle("harvard-cite-them-right", validate=False), source, formatter.plain)
        for key in items:
            made.register(Citation([CitationItem(key)]))
        references = [str(r) for r in made.bibliography()]
    assert len(references) == len(items)
    assert any("Academy of Medical Royal Colleges" in r for r in references)


def test_bibtex_keeps_what_the_bibliography_has(taken, root):
    ours, theirs = parse_file(root / "references.bib").entries, parse_file(taken / "studies.bib").entries
    for key, entry in theirs.items():
        assert dict(entry.fields) == {**ours[key].fields, "note": entry.fields["note"]} and entry.persons == ours[key].persons
        assert entry.fields["note"].removeprefix("Record: ") in ("verified", "partial", "unchecked")


def test_accents_dashes_ampersands_and_corporate_authors_survive():
    entry = parse_string("""@article{x2003, author={{Trust \\& Sons} and van der Bézier, Zoë}, title={The {NHS} -- “Größe” \\& more},
        journal={Health \\& Place}, year={2003a}, pages={12--19}}""", "bibtex").entries["x2003"]
    item = exports.csl(entry, "partial", "https://example.org/a?b=c&d=e")
    assert item["author"] == [{"literal": "Trust & Sons"}, {"family": "Bézier", "given": "Zoë", "non-dropping-particle": "van der"}]
    assert (item["title"], item["container-title"], item["page"]) == ("The NHS – “Größe” & more", "Health & Place", "12–19")
    assert item["issued"] == {"date-parts": [[2003]]} and item["year-suffix"] == "a"
    again = rispy.loads(rispy.dumps([exports.ris(item)]))[0]
    assert again["authors"] == ["Trust & Sons", "van der Bézier, Zoë"] and again["title"] == item["title"]
    assert (again["start_page"], again["end_page"], again["year"]) == ("12", "19", "2003a") and again["urls"] == [item["URL"]]


def test_the_zip_is_a_data_package_and_the_tables_are_the_dataset_s(taken, tmp_path):
    with zipfile.ZipFile(taken / "doctors-and-managers.zip") as archive:
        archive.extractall(tmp_path)
    report = frictionless.Package(str(tmp_path / "datapackage.json")).validate()
    assert report.valid, report.flatten(["title", "message"])
    data = ev.load()
    for name in ev.schema():
        for folder in (taken, tmp_path):
            assert len(pd.read_csv(folder / f"{name}.csv")) == len(getattr(data, name))


def test_each_chart_s_rows_can_be_opened(taken, root):
    labels = {label for n in (root / "chapters").glob("*.ipynb") for label in exports.chart_data(n)}
    assert {f.stem for f in (taken / "charts").glob("*.csv")} == labels and len(labels) > 4
    frame = pd.read_csv(taken / "charts/fig-trend.csv")
    assert {"view", "year", "value", "low", "high"} <= set(frame.columns) and len(frame) == 4


def test_two_exports_are_the_same_bytes(taken, tmp_path):
    exports.write(tmp_path)
    files = sorted(p.relative_to(taken) for p in taken.rglob("*") if p.is_file())
    assert [f for f in files if (taken / f).read_bytes() != (tmp_path / f).read_bytes()] == []
