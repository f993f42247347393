"""The dataset keeps its rules, and each rule is shown to fail on a bad copy."""

import csv
import os
import re
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest

import evidence as ev
from evidence.check import faults, read


def check(folder):
    return faults(folder / "data", folder / "references.bib")


def edit(folder, table, change):
    """Rewrite one table: change takes the list of rows (dicts) and alters it in place."""
    path = folder / "data" / f"{table}.csv"
    rows = read(path)
    fields = list(rows[0])
    change(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def put(row, field, value):
    """A change that sets one cell; row is counted as a spreadsheet does, the header being row 1."""
    return lambda rows: rows[row - 2].__setitem__(field, value)


def cited(rows, mark):
    return next(n for n, r in enumerate(rows, 2) if r["finding"] == mark)


def test_the_dataset_is_sound():
    assert faults() == []


def test_the_copy_is_sound(copy):
    assert check(copy) == []


# table, change, and what the one line must name: file, row, field, expectation
BROKEN = {
    "enumeration": ("findings", put(5, "direction", "strained"),
                    r"data/findings\.csv, row 5, field direction: expected one of .*strain.*, found 'strained'"),
    "pattern": ("findings", put(5, "finding", "T1_03"), r"data/findings\.csv, row 5, field finding: expected the form"),
    "required": ("findings", put(7, "statement", ""), r"data/findings\.csv, row 7, field statement: expected a value"),
    "type": ("figures", put(3, "year", "twenty"), r"data/figures\.csv, row 3, field year: expected an integer"),
    "range": ("figures", put(11, "percent", "176"), r"data/figures\.csv, row 11, field percent: expected maximum 100"),
    "duplicate key": ("citations", lambda rows: rows.insert(1, dict(rows[0])), r"data/citations\.csv, row 3.*EX-c01"),
    "duplicate study": ("studies", lambda rows: rows.append(dict(rows[4])), r"data/studies\.csv, row \d+.*"),
    "unknown study": ("citations", put(9, "study", "nobody1999"),
                      r"data/citations\.csv, row 9, field study: expected a key that exists.*nobody1999"),
    "unknown finding": ("citations", put(9, "finding", "BG-99"), r"data/citations\.csv, row 9, field finding: .*BG-99"),
    "unknown section": ("findings", put(5, "section", "theme9"), r"data/findings\.csv, row 5, field section: .*theme9"),
    "section of the finding": ("citations", put(9, "section", "theme1"),
                               r"data/citations\.csv, row 9, field section: expected background"),
    "gap in the reading order": ("citations", put(9, "citation", "BG-c77"),
                                 r"data/citations\.csv, row 9, field citation: expected the numbers 1 to 31 in background"),
    "citation's letters": ("citations", put(9, "citation", "CO-c55"), r"data/citations\.csv, row 9, field citation: expected BG-c"),
    "line break": ("findings", put(4, "note", "one\ntwo"), r"data/findings\.csv, row 4, field note: expected one line"),
    "float noise": ("figures", put(11, "percent", "75.7281553"), r"data/figures\.csv, row 11, field percent: expected at most two decimals"),
    "quotation without page": ("citations", lambda rows: next(r for r in rows if r["role"] == "quotation").update(page=""),
                               r"data/citations\.csv, row \d+, field page: expected a page for a quotation"),
    "orphan finding": ("findings", lambda rows: next(r for r in rows if r["attribution"] == "reviewers").update(attribution="cited"),
                       r"data/findings\.csv, row \d+, field attribution: expected reviewers"),
    "rests on nothing": ("findings", lambda rows: next(r for r in rows if r["rests_on"]).update(rests_on="T1-08"),
                         r"data/findings\.csv, row \d+, field rests_on: expected a cited finding"),
    "letters of the section": ("findings", lambda rows: rows[-1].update(finding="T2-99"),
                               r"data/findings\.csv, row \d+, field finding: expected CO-"),
    "record without a page": ("studies", lambda rows: next(r for r in rows if r["record"] == "verified").update(record_source=""),
                              r"data/studies\.csv, row \d+, field record_source: expected an address"),
    "page without a record": ("studies", lambda rows: next(r for r in rows if r["record_source"]).update(record="unchecked"),
                              r"data/studies\.csv, row \d+, field record_source: expected nothing"),
    "level of people who are unknown": ("studies", lambda rows: next(r for r in rows if r["participants"] == "unknown").update(level="board"),
                                        r"data/studies\.csv, row \d+, field level: expected unknown, as participants is 'unknown', found 'board'"),
    "group where nobody was asked": ("studies", lambda rows: next(r for r in rows if r["participants"] == "not applicable").update(asked="unknown"),
                                     r"data/studies\.csv, row \d+, field asked: expected not applicable, as participants is"),
    "no group where people were asked": ("studies", lambda rows: next(r for r in rows if r["asked"] == "doctors").update(asked="not applicable"),
                                         r"data/studies\.csv, row \d+, field asked: expected a code other than not applicable"),
    "label of an uncited study": ("studies", lambda rows: next(r for r in rows if not r["cited_as"]).update(cited_as="X, 2001"),
                                  r"data/studies\.csv, row \d+, field cited_as: expected nothing"),
    "label of a cited study": ("studies", lambda rows: next(r for r in rows if r["cited_as"]).update(cited_as=""),
                               r"data/studies\.csv, row \d+, field cited_as: expected the label"),
    "percent and count": ("figures", put(11, "percent", "67"), r"data/figures\.csv, row 11, field percent: expected 75\.7 from 78/103"),
    "count over base": ("figures", put(11, "count", "178"), r"data/figures\.csv, row 11, field count: expected at most the base 103"),
    "base over sample": ("figures", put(12, "base", "446"), r"data/figures\.csv, row 12, field base: expected at most the sample 445"),
    "no number": ("figures", put(2, "count", ""), r"data/figures\.csv, row 2, field count: expected a count, a percent or a value"),
    "figure's key": ("figures", put(2, "figure", "hsj2003-99"), r"data/figures\.csv, row 2, field figure: expected davies2003a-"),
    "value without unit": ("figures", lambda rows: next(r for r in rows if r["unit"]).update(unit=""),
                           r"data/figures\.csv, row \d+, field unit: expected a unit with a value"),
    "example of another code": ("examples", put(2, "code", "contested"), r"data/examples\.csv, row 2, field row: expected a row whose"),
    "formula": ("findings", put(4, "note", "=HYPERLINK(1)"), r"data/findings\.csv, row 4, field note: expected text, found a spreadsheet formula"),
    "stray space": ("findings", put(4, "basis", "argued "), r"data/findings\.csv, row 4, field basis: expected no space"),
}


def assert_named(found, expected):
    """One of the faults is as expected, and every fault is one line."""
    assert any(re.search(expected, line) for line in found), found
    assert all("\n" not in line and "Traceback" not in line for line in found)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_named_in_one_line(copy, rule):
    table, change, expected = BROKEN[rule]
    edit(copy, table, change)
    assert_named(check(copy), expected)


BYTES = {
    "encoding": ("data/findings.csv", lambda b: b.replace(b"NHS", b"NH\xff", 1), r"data/findings\.csv, row \d+: expected UTF-8, found byte 0xff"),
    "merge conflict": ("data/citations.csv", lambda b: b.replace(b"\nBG", b"\n<<<<<<< HEAD\nBG", 1), r"data/citations\.csv, row 6: .*merge conflict mark"),
    "column dropped": ("data/sections.csv", lambda b: b.replace(b"section,title", b"section", 1), r"data/sections\.csv, row 1, field title: .*expected the header"),
    "column added": ("data/sections.csv", lambda b: b.replace(b"part,question", b"part,question,more", 1), r"data/sections\.csv, row 1, found further field 'more'"),
    "cell added": ("data/citations.csv", lambda b: b.replace(b"\nEX-c02,", b"\nEX-c02,,", 1), r"data/citations\.csv, row 3: expected 7 fields, found 8"),
    "open quote": ("data/citations.csv", lambda b: b.replace(b"EX-c02", b'"EX-c02', 1), r"data/citations\.csv: expected CSV with balanced quotes"),
    "empty file": ("data/events.csv", lambda b: b"", r"data/events\.csv, row 1, "),
    "header only": ("data/events.csv", lambda b: b.splitlines(keepends=True)[0], r"data/events\.csv: expected at least one row"),
    "schema syntax": ("data/datapackage.json", lambda b: b[:-20], r"data/datapackage\.json: expected a Frictionless Data Package"),
    "bib syntax": ("references.bib", lambda b: b.replace(b"author = {", b"author {", 1), r"references\.bib, line 2, entry ackroyd2007: expected BibTeX: syntax error: '=' expected"),
    "bib duplicate": ("references.bib", lambda b: b + b"\n@misc{arndt2007, title={T}, author={A, B}, year={2007}}\n", r"references\.bib: expected each key.* once.*arndt2007"),
    "bib unknown key": ("references.bib", lambda b: b + b"\n@misc{nobody1999, title={T}, author={A, B}, year={1999}}\n", r"references\.bib, entry nobody1999: expected a row in data/studies\.csv"),
    "bib missing key": ("references.bib", lambda b: b.replace(b"{arndt2007,", b"{arndt2017,", 1), r"data/studies\.csv, row \d+, field study: expected an entry in references\.bib, found none for 'arndt2007'"),
    "bib without a title": ("references.bib", lambda b: b.replace(b"  title = {Hospital", b"  note = {Hospital", 1), r"references\.bib, entry arndt2007, field title: expected a value"),
    "bib year": ("references.bib", lambda b: b.replace(b"year = {2007}", b"year = {MMVII}", 1), r"references\.bib, entry \w+, field year: expected four digits"),
    "bib DOI not seen": ("references.bib", lambda b: b.replace(b"{arndt2007,", b"{arndt2007,\n  doi = {10.1000/x},", 1), r"references\.bib, entry arndt2007, field doi: expected none"),
    "bib name": ("references.bib", lambda b: b.replace(b"author = {", b"author = {,,,,", 1), r"references\.bib: expected BibTeX"),
    "table dropped from the schema": ("data/datapackage.json", lambda b: b.replace(b'"name": "events"', b'"name": "evens"', 1), r"data/datapackage\.json: .*no table events"),
    "field without a name": ("data/datapackage.json", lambda b: b.replace(b'"name": "finding"', b'"nam": "finding"', 1), r"data/datapackage\.json: expected a Frictionless"),
    "field of an unknown type": ("data/datapackage.json", lambda b: b.replace(b'"type": "integer"', b'"type": "intger"', 1), r"data/datapackage\.json: "),
    "line separator": ("data/findings.csv", lambda b: b.replace("Asked about clinicians".encode(), "Asked\u2028about clinicians".encode(), 1), r"data/findings\.csv, row \d+, field note: expected one line"),
    "bib encoding": ("references.bib", lambda b: b.replace("ç".encode(), b"\xe7", 1), r"references\.bib, line \d+: expected UTF-8, found byte 0xe7"),
    "bib conflict": ("references.bib", lambda b: b"<<<<<<< HEAD\n" + b, r"references\.bib, line 1: .*merge conflict mark"),
}


@pytest.mark.parametrize("fault", BYTES)
def test_a_broken_file_is_named_in_one_line(copy, fault):
    name, change, expected = BYTES[fault]
    path = copy / name
    before = path.read_bytes()
    path.write_bytes(change(before))
    assert path.read_bytes() != before, "the change must change something"
    assert_named(check(copy), expected)


@pytest.mark.parametrize("name", ["data/studies.csv", "data/datapackage.json", "references.bib"])
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    found = check(copy)
    assert found and all(name in line for line in found)


@pytest.mark.parametrize("change", [lambda b: b"\xef\xbb\xbf" + b, lambda b: b.replace(b"\n", b"\r\n")], ids=["byte-order mark", "CRLF"])
def test_what_a_spreadsheet_leaves_behind_is_accepted(copy, change):
    for path in (copy / "data").glob("*.csv"):
        path.write_bytes(change(path.read_bytes()))
    assert check(copy) == []
    assert len(ev.load(copy / "data").findings) == len(ev.load().findings)


def test_booleans_as_a_spreadsheet_writes_them(copy):
    path = copy / "data/figures.csv"
    path.write_text(path.read_text("utf-8").replace(",true,", ",TRUE,").replace(",false,", ",FALSE,"), "utf-8")
    assert check(copy) == []
    assert ev.load(copy / "data").figures.approximate.tolist() == ev.load().figures.approximate.tolist()


def test_a_study_that_the_review_does_not_cite_can_be_added(copy):
    with (copy / "references.bib").open("a", encoding="utf-8") as file:
        file.write("\n@article{smith2024,\n  author = {Smith, Ann},\n  title = {A later survey},\n  year = {2024},\n  journal = {BMJ},\n}\n")
    edit(copy, "studies", lambda rows: rows.append({**rows[0], "study": "smith2024", "cited_as": ""}))
    edit(copy, "citations", lambda rows: rows.append({**next(r for r in rows if r["finding"] == "T1-02" or r["finding"] == "T1-03"),
                                                      "citation": "T1-c60", "study": "smith2024"}))
    assert check(copy) == []
    support = ev.load(copy / "data").support()
    assert support.finding[support.study == "smith2024"].tolist() == ["T1-03"]


def test_rows_in_another_order_are_the_same_dataset(copy):
    import pandas as pd

    for table in ("findings", "citations", "studies", "sections", "figures", "recoding"):
        edit(copy, table, lambda rows: rows.sort(key=lambda r: list(r.values())[-1] + list(r.values())[0], reverse=True))
    assert check(copy) == []
    here, there = ev.load(), ev.load(copy / "data")
    for table in ("findings", "citations", "studies", "sections", "figures", "recoding"):
        pd.testing.assert_frame_equal(getattr(here, table), getattr(there, table))


def test_the_command_prints_the_fault_and_fails(root, copy):
    """make check, as CI and readers see it: one line on stderr, exit status 1."""
    edit(copy, "findings", put(5, "direction", "strained"))
    script = ("import sys, pathlib; from evidence import check; "
              f"check.faults.__defaults__ = (pathlib.Path({str(copy / 'data')!r}), pathlib.Path({str(copy / 'references.bib')!r})); "
              "sys.exit(check.main())")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=root, env=os.environ)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith("data/findings.csv, row 5, field direction: expected one of")
    assert "Traceback" not in done.stderr


# --- what the tables are ---------------------------------------------------------------------------------

def test_citations_of_each_section_are_as_many_as_the_review_prints():
    """The counts by a reading of the review that was independent of the coding."""
    data = ev.load()
    labelled = data.studies.study[data.studies.cited_as != ""]
    assert data.citations[data.citations.study.isin(labelled)].section.value_counts().to_dict() == {
        "exec": 4, "background": 31, "theme1": 59, "theme2": 80, "theme3": 25, "theme4": 21, "theme5": 75, "theme6": 63,
        "leadership": 45, "improving": 28, "concluding": 9}


def test_columns_are_typed():
    data = ev.load()
    assert data.findings.direction.cat.categories.tolist() == ["strain", "alignment", "mixed", "neutral"]
    assert str(data.figures["count"].dtype) == "Int64" and str(data.figures.approximate.dtype) == "boolean"
    assert data.figures.set_index("figure").loc["davies2003a-10", "base"] == 103


def test_a_wrong_type_says_which_field(copy):
    edit(copy, "figures", put(3, "year", "twenty"))
    with pytest.raises(ValueError, match="figures.csv: field year: expected integer"):
        ev.load(copy / "data")


def test_a_carried_finding_has_the_sources_of_the_one_it_rests_on():
    support = ev.load().support()
    assert support[support.finding == "T1-06"][["study", "carried"]].values.tolist() == [["ihm2015", True]]
    assert support[support.finding == "BG-11"].study.tolist() == ["davies2003a", "davies2003b"]
    assert not (support.finding == "T1-02").any(), "a claim of the reviewers' own has no source"
    assert not support.duplicated(["finding", "study"]).any(), "a source cited twice for a finding counts once"


def test_a_study_is_british_by_the_countries_it_names():
    studies = pd.DataFrame({"study": list("abcde"), "countries": ["England;Wales", "Denmark;England", "unknown", "New South Wales", "United Kingdom"]})
    made = replace(ev.load(), studies=studies)
    assert made.british().tolist() == [True, True, False, False, True]
    assert made.british(alone=True).tolist() == [True, False, False, False, True]


def test_the_day_of_the_last_change_is_not_before_it(root):
    """Readers of the evidence map are told when the data were last changed."""
    def git(*words):
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True).stdout.strip()

    if git("rev-parse", "--is-shallow-repository") != "false":
        pytest.skip("the history is not here, or not whole")
    assert ev.changed().isoformat() >= git("log", "-1", "--format=%cs", "--", "data/*.csv")
