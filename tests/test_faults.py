"""What a tired editor does to the sources is named in one line, or shown to be harmless.

Hypothesis breaks copies in many ways; the examples are the same on each run. Each fault ends in one of three ways:

- caught: `make check` names file, row or entry, field and what was expected;
- harmless: `load()` gives the same tables;
- moved: another dataset that keeps the rules, such as one study fewer. No check can know better, so the digests of the
  chapter on reproducing differ, and nbval names that chapter and that cell.
"""

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

import evidence as ev
from evidence.check import ENTRIES, faults
from evidence.datapackage import digests
from evidence.exports import KINDS
from sphinxext import sources

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ev.schema()
TABLES = {name: list(csv.reader(io.StringIO((ROOT / "data" / f"{name}.csv").read_text("utf-8"), newline=""))) for name in SCHEMA}
BIB = (ROOT / "references.bib").read_text("utf-8")
LINE = re.compile(r"(data/[\w.-]+|references\.bib|_toc\.yml|_config\.yml|index\.md|chapters/[\w-]+\.ipynb)[,:] .*expected .+")


def tries(number):
    """The same examples on every run, on every machine; a failing one is shown as it is, since making it smaller takes minutes."""
    return settings(derandomize=True, deadline=None, database=None, max_examples=number, phases=[Phase.generate],
                    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much])


# --- breaking and looking ---------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A copy of the sources, its notebooks short ones, for the tests of this file; each puts back what it broke."""
    folder = tmp_path_factory.mktemp("book")
    for part in ("data", "_templates"):
        shutil.copytree(ROOT / part, folder / part)
    for part in ("references.bib", "_toc.yml", "_config.yml", "index.md"):
        shutil.copy(ROOT / part, folder)
    (folder / "_static").mkdir()
    (folder / "_static/book.css").touch()
    (folder / "chapters").mkdir()
    for path in ROOT.glob("chapters/*.ipynb"):
        (folder / "chapters" / path.name).write_text(json.dumps(NOTEBOOK, indent=1) + "\n", "utf-8")
    return folder


def code(name, number, source, result):
    """A code cell that ran."""
    return {"cell_type": "code", "id": name, "metadata": {}, "source": [source], "execution_count": number, "outputs": [
        {"output_type": "execute_result", "execution_count": number, "metadata": {}, "data": {"text/plain": [result]}}]}


NOTEBOOK = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"language_info": {"name": "python"}}, "cells": [
    {"cell_type": "markdown", "id": "title", "metadata": {}, "source": ["# Title\n", "\n", "Prose."]},
    code("first", 1, "x = 1; x", "1"), code("second", 2, "x + 1", "2"), code("third", 3, "x + 2", "3")]}


@contextmanager
def broken(book, changes):
    """The sources with some files changed: name to bytes, or to None for a file that is gone."""
    before = {name: (book / name).read_bytes() for name in changes}
    try:
        for name, raw in changes.items():
            (book / name).unlink() if raw is None else (book / name).write_bytes(raw)
        yield
    finally:
        for name, raw in before.items():
            (book / name).write_bytes(raw)


def look(book, check):
    """What a check says: lines of the right form, and nothing written."""
    def state():
        return {p: p.stat().st_mtime_ns for p in book.rglob("*")}
    before = state()
    found = check()
    assert state() == before, "a check writes nothing"
    assert all(LINE.fullmatch(line) for line in found), found
    return found


def checked(book):
    """What make check says of the dataset and the bibliography."""
    return look(book, lambda: faults(book / "data", book / "references.bib"))


@cache
def tables():
    """The dataset as it is, each table as pandas has it."""
    return {name: getattr(ev.load(), name) for name in SCHEMA}


def outcome(book):
    """'caught', 'harmless' or 'moved', and what was said."""
    if found := checked(book):
        return "caught", found
    loaded = ev.load(book / "data")
    try:
        for name, table in tables().items():
            pd.testing.assert_frame_equal(getattr(loaded, name), table)
    except AssertionError:
        assert digests(book / "data", book / "references.bib") != digests()
        return "moved", []
    return "harmless", []


def written(rows, **dialect):
    """Rows as the bytes of a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text, **{"lineterminator": "\n"} | dialect).writerows(rows)
    return text.getvalue().encode()


def with_cells(cells):
    """Files that have some cells changed; cells is {(table, row, column): value}, row 1 the header."""
    changed = {table: [list(r) for r in TABLES[table]] for table, _, _ in cells}
    for (table, row, column), value in cells.items():
        changed[table][row - 1][column] = value
    return {f"data/{table}.csv": written(rows) for table, rows in changed.items()}


@st.composite
def places(draw, number, wanted=lambda field: True):
    """Some cells, each in a row of its own: (table, row, column), row 2 the first of data."""
    fields = [(table, column) for table, r in SCHEMA.items() for column, f in enumerate(r["schema"]["fields"]) if wanted(f)]
    found = {}
    for _ in range(number):
        table, column = draw(st.sampled_from(fields))
        row = draw(st.integers(2, len(TABLES[table])))
        found[table, row] = column
    return [(table, row, column) for (table, row), column in found.items()]


def name_of(table, column):
    return SCHEMA[table]["schema"]["fields"][column]["name"]


# --- cells ------------------------------------------------------------------------------------------------

#: What spreadsheets, copying and encodings do to a cell, whatever is in it. None of these is ever right.
SPOILT = {
    "space at the end": lambda v: v + " ", "space in front": lambda v: " " + v, "tab": lambda v: v + "\tx", "line break": lambda v: v + "\nx",
    "carriage return": lambda v: v + "\r\nx", "non-breaking space": lambda v: v + "\u00a0x", "zero-width space": lambda v: v + "\u200bx",
    "byte-order mark": lambda v: "\ufeff" + v, "soft hyphen": lambda v: v + "\u00adx", "NUL": lambda v: v + "\0", "control character": lambda v: v + "\x9d",
    "lost character": lambda v: v + "\ufffd", "UTF-8 read as Windows'": lambda v: v + "Ã©", "quote read as Windows'": lambda v: v + "â€™s",
    "accent apart": lambda v: v + "e\u0301", "formula": lambda v: '=HYPERLINK("http://example.org","x")', "sum": lambda v: "+A1", "at": lambda v: "@SUM(A1)",
    "minus": lambda v: "-" + v, "script": lambda v: v + "<script>alert(1)</script>", "tag": lambda v: v + "<b>", "entity": lambda v: v + "&amp;",
    "date": lambda v: "02-Mar", "date and year": lambda v: "02-Mar-2003", "month and year": lambda v: "Mar-03", "slashed date": lambda v: "02/03/2003",
    "date and time": lambda v: "02/03/2003 00:00", "exponent": lambda v: "2.003E+03", "thousands": lambda v: "1,234", "error": lambda v: "#REF!",
    "name error": lambda v: "#NAME?", "not available": lambda v: "#N/A", "too narrow": lambda v: "########", "not a number": lambda v: "NaN",
    "apostrophe": lambda v: "'0123",
}


@tries(8)
@given(data=st.data())
def test_a_spoilt_cell_is_named(book, data):
    """Every kind at once, each in a cell of its own."""
    kinds = dict(zip(data.draw(places(3 * len(SPOILT))), 3 * list(SPOILT)))
    with broken(book, with_cells({(t, r, c): SPOILT[kind](TABLES[t][r - 1][c]) for (t, r, c), kind in kinds.items()})):
        found = checked(book)
    for (t, r, c), kind in kinds.items():
        assert any(line.startswith(f"data/{t}.csv, row {r}, field {name_of(t, c)}: expected ") for line in found), (kind, found)


RETYPED = {  # cells that are not text, typed otherwise
    "integer": ["twenty", "12.5", "1 234", "0x10", "007", "1_000", "１０", "~50", "50%", "TRUE"],
    "number": ["about 5", "12,5", "5%", "1e1", "1_0", ".5", "5.", "inf", "TRUE"],
    "boolean": ["yes", "1", "0", "Y", "t", "wahr", "true "],
}


@tries(12)
@given(data=st.data())
def test_a_cell_of_another_type_is_named(book, data):
    cells = {}
    for t, r, c in data.draw(places(8, lambda f: f["type"] != "string")):
        cells[t, r, c] = data.draw(st.sampled_from(RETYPED[SCHEMA[t]["schema"]["fields"][c]["type"]]))
    with broken(book, with_cells(cells)):
        found = checked(book)
    for table, row, column in cells:
        assert any(line.startswith(f"data/{table}.csv, row {row}, field {name_of(table, column)}: expected ") for line in found), (cells, found)


TYPOS = {"emptied": lambda v: "", "other case": lambda v: v.swapcase(), "letter dropped": lambda v: v[:-1], "letter doubled": lambda v: v + v[-1:],
         "letters swapped": lambda v: v[1::-1] + v[2:], "smart quote": lambda v: v + "’"}


def named_in_turn(book, broken_by, faults, names):
    """Every fault is named, at once or when those named before it are mended: what cannot be read hides rules on values.

    faults is {place: fault}; broken_by makes changed files of it, names tells whether a line is about one of them.
    """
    while faults:
        with broken(book, broken_by(faults)):
            found = checked(book)
        left = {place: fault for place, fault in faults.items() if not any(names(line, place, fault) for line in found)}
        assert len(left) < len(faults), (left, found)
        faults = left


@tries(5)
@given(data=st.data())
def test_a_typo_in_a_code_or_a_key_is_named(book, data):
    """At the cell, or at the cells that need the key it had. A year with other digits may be a year, so years are left out."""
    def coded(f):
        bound = {"enum", "pattern", "unique"} & f.get("constraints", {}).keys() or f["name"] in ("finding", "study")
        return f["type"] == "string" and bound and f["name"] not in ("statement", "record_source", "source", "sample_size", "year")

    def names(line, place, value):
        (t, r, _), was = place, TABLES[place[0]][place[1] - 1][place[2]]
        return line.startswith(f"data/{t}.csv, row {r},") or any(v and re.search(rf"['\" ]{re.escape(v)}(['\" :]|$)", line) for v in (value, was))

    cells = {(t, r, c): TYPOS[data.draw(st.sampled_from(sorted(TYPOS)))](TABLES[t][r - 1][c]) for t, r, c in data.draw(places(16, coded))}
    named_in_turn(book, with_cells, {(t, r, c): v for (t, r, c), v in cells.items() if v != TABLES[t][r - 1][c]}, names)


# --- rows, columns, files ---------------------------------------------------------------------------------

def rows_of(change):
    """A fault that is made of a table's rows; change takes the rows (the header first), a place and another."""
    def make(table, here, there):
        rows = [list(r) for r in TABLES[table]]
        return written(change(rows, 1 + here % (len(rows) - 1), 1 + there % (len(rows) - 1)))
    return make


def columns_of(change):
    """A fault that is made of each row in the same way; change takes a row, a column and another."""
    def make(table, here, there):
        width = len(TABLES[table][0])
        return written([change(list(r), here % width, there % width) for r in TABLES[table]])
    return make


def text_of(change):
    """A fault that is made of the file's text; change takes the text, a place and another."""
    def make(table, here, there):
        text = written(TABLES[table]).decode()
        return change(text, here % len(text), there % len(text))
    return make


def swap(values, here, there):
    values[here], values[there] = values[there], values[here]
    return values


def marked(mark):
    """A fault: a merge's mark put before some line."""
    def change(text, here, there):
        lines = text.splitlines(keepends=True)
        lines.insert(here % len(lines), f"{mark}\n")
        return "".join(lines).encode()
    return text_of(change)


REFUSED = {
    "row doubled": rows_of(lambda rows, a, b: rows[:a] + [rows[a]] + rows[a:]),
    "row doubled elsewhere": rows_of(lambda rows, a, b: rows[:b] + [rows[a]] + rows[b:]),
    "row truncated": rows_of(lambda rows, a, b: rows[:a] + [rows[a][:b % len(rows[a])]] + rows[a + 1:]),
    "row shifted": rows_of(lambda rows, a, b: rows[:a] + [[""] + rows[a][:-1]] + rows[a + 1:]),
    "row with a cell too many": rows_of(lambda rows, a, b: rows[:a] + [rows[a] + [""]] + rows[a + 1:]),
    "rows joined": rows_of(lambda rows, a, b: rows[:a] + [rows[a] + rows[b]] + rows[a + 1:]),
    "blank row": rows_of(lambda rows, a, b: rows[:a] + [[""] * len(rows[0])] + rows[a:]),
    "blank line": rows_of(lambda rows, a, b: rows[:a] + [[]] + rows[a:]),
    "header again": rows_of(lambda rows, a, b: rows[:a] + [rows[0]] + rows[a:]),
    "header dropped": rows_of(lambda rows, a, b: rows[1:]),
    "title above": rows_of(lambda rows, a, b: [["Table 1"] + [""] * (len(rows[0]) - 1)] + rows),
    "column dropped": columns_of(lambda row, a, b: row[:a] + row[a + 1:]),
    "column doubled": columns_of(lambda row, a, b: row[:a] + [row[a]] + row[a:]),
    "columns swapped": columns_of(swap),
    "column added": columns_of(lambda row, a, b: row + [""]),
    "semicolons": lambda t, a, b: written(TABLES[t], delimiter=";"),
    "tabs": lambda t, a, b: written(TABLES[t], delimiter="\t"),
    "UTF-16": text_of(lambda text, a, b: text.encode("utf-16")),
    "UTF-16 without a mark": text_of(lambda text, a, b: text.encode("utf-16-le")),
    "Latin-1": text_of(lambda text, a, b: (text[:a] + "é" + text[a:]).encode("latin-1", "replace")),
    "NUL bytes": text_of(lambda text, a, b: text[:a].encode() + bytes(4) + text[a:].encode()),
    "doubled": text_of(lambda text, a, b: (text + text).encode()),
    "empty": lambda t, a, b: b"",
    "gone": lambda t, a, b: None,
    "conflict": marked("<<<<<<< HEAD"),
    "conflict's middle": marked("======="),
    "conflict's base": marked("||||||| parent"),
    "conflict's end": marked(">>>>>>> branch"),
    "another table": lambda t, a, b: written(TABLES[[n for n in TABLES if n != t][a % (len(TABLES) - 1)]]),
}

HARMLESS = {
    "rows swapped": rows_of(swap),
    "all quoted": lambda t, a, b: written(TABLES[t], quoting=csv.QUOTE_ALL),
    "CRLF": lambda t, a, b: written(TABLES[t], lineterminator="\r\n"),
    "CR": lambda t, a, b: written(TABLES[t], lineterminator="\r"),
    "byte-order mark": lambda t, a, b: b"\xef\xbb\xbf" + written(TABLES[t]),
}

CUT = {  # what is left may be a smaller dataset that keeps every rule
    "row dropped": rows_of(lambda rows, a, b: rows[:a] + rows[a + 1:]),
    "truncated": text_of(lambda text, a, b: text[:a].encode()),
}

PLACES = dict(here=st.integers(0, 10**6), there=st.integers(0, 10**6))


@tries(8)
@given(order=st.permutations(sorted(TABLES)), first=st.integers(0, len(REFUSED) - 1), **PLACES)
def test_a_spoilt_table_is_named(book, order, first, here, there):
    """Each table is spoilt in another way."""
    kinds = (sorted(REFUSED) * 2)[first:first + len(order)]
    spoilt = {table: (kind, REFUSED[kind](table, here, there)) for table, kind in zip(order, kinds)}
    named_in_turn(book, lambda left: {f"data/{table}.csv": raw for table, (_, raw) in left.items()},
                  {t: s for t, s in spoilt.items() if s[1] != written(TABLES[t])}, lambda line, table, _: line.startswith(f"data/{table}.csv"))


@tries(4)
@given(order=st.permutations(sorted(TABLES)), **PLACES)
def test_what_a_spreadsheet_does_to_a_whole_table_is_harmless(book, order, here, there):
    order = [t for t in order if t != "examples"]  # their order is the reader's
    kinds = zip(order, sorted(HARMLESS) * len(order))
    with broken(book, {f"data/{table}.csv": HARMLESS[kind](table, here, there) for table, kind in kinds}):
        assert outcome(book) == ("harmless", [])


@pytest.mark.parametrize("kind", CUT)
@tries(6)
@given(table=st.sampled_from(sorted(TABLES)), **PLACES)
def test_a_table_that_lost_rows_is_named_or_another_dataset(book, kind, table, here, there):
    """The last row of most tables may be gone and no rule broken; the digest of the table still differs."""
    with broken(book, {f"data/{table}.csv": CUT[kind](table, here, there)}):
        end, found = outcome(book)
    assert end != "harmless"


@tries(12)
@given(table=st.sampled_from(sorted(TABLES)), here=st.integers(0, 10**6), byte=st.binary(max_size=2), cut=st.integers(0, 2))
def test_any_other_bytes_give_no_traceback(book, table, here, byte, cut):
    raw = written(TABLES[table])
    here %= len(raw)
    with broken(book, {f"data/{table}.csv": raw[:here] + byte + raw[here + cut:]}):
        outcome(book)


# --- the schema -------------------------------------------------------------------------------------------

def parts(value, path=()):
    """Every place in a JSON value: the keys and numbers that lead to it."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from parts(child, (*path, key))


PACKAGE = json.loads((ROOT / "data/datapackage.json").read_text("utf-8"))
PARTS = [p for p in parts(PACKAGE) if "values" not in p[:-1]]
GONE, DOUBLED = object(), object()


@tries(18)
@given(path=st.sampled_from(PARTS), value=st.sampled_from([GONE, GONE, DOUBLED, None, 5, "", "x", [], {}]))
def test_a_broken_schema_is_named_or_harmless(book, path, value):
    package = json.loads(json.dumps(PACKAGE))
    holder = package
    for key in path[:-1]:
        holder = holder[key]
    if value is GONE:
        del holder[path[-1]]
    elif value is DOUBLED:
        assume(isinstance(holder, list))
        holder.append(holder[path[-1]])
    else:
        holder[path[-1]] = value
    with broken(book, {"data/datapackage.json": json.dumps(package, indent=2).encode()}):
        end, found = outcome(book)
    needed = {"resources", "fields", "name", "type", "schema"}
    assert end == "caught" or not (value is GONE and path[-1] in needed and path[0] == "resources"), found


JSON = (ROOT / "data/datapackage.json").read_text("utf-8")
TEXTS = {"truncated": lambda s, n: s[:n].encode(), "Latin-1": lambda s, n: (s[:n] + "é" + s[n:]).encode("latin-1", "replace"), "UTF-16": lambda s, n: s.encode("utf-16"),
         "NUL": lambda s, n: (s[:n] + "\0" + s[n:]).encode(), "empty": lambda s, n: b"", "conflict": lambda s, n: re.sub(r"^", "<<<<<<< HEAD\n", s, count=1).encode(),
         "conflict's end": lambda s, n: (s[:s.rindex("\n", 0, max(n, 9) + 99) + 1] + ">>>>>>> b\n" + s[s.rindex("\n", 0, max(n, 9) + 99) + 1:]).encode(),
         "doubled": lambda s, n: (s + s).encode(), "gone": lambda s, n: None}


@pytest.mark.parametrize("kind", TEXTS)
@tries(2)
@given(here=st.integers(0, 10**6))
def test_a_spoilt_file_is_named(book, kind, here):
    """The schema, the bibliography, the contents, the settings, the front page and a notebook, as files."""
    for name in ("data/datapackage.json", "references.bib", "_toc.yml", "_config.yml", "index.md", "chapters/background.ipynb"):
        text = (book / name).read_text("utf-8")
        if kind == "doubled" and name == "index.md" or kind == "truncated" and name.endswith((".md", ".yml", ".bib")):
            continue  # prose may say a thing twice; what a cut leaves of the others is tried below
        with broken(book, {name: TEXTS[kind](text, here % (len(text) - 200))}):
            found = checked(book) if name.startswith(("data", "ref")) else look(book, lambda: sources.faults(book))
        assert any(name.removesuffix(".ipynb") in line for line in found), (name, found)


def test_a_key_that_is_twice_in_the_schema_is_named(book):
    with broken(book, {"data/datapackage.json": JSON.replace('"path": "types.csv",', '"path": "types.csv", "path": "events.csv",').encode()}):
        assert checked(book) == ["data/datapackage.json: expected a Frictionless Data Package in JSON: key 'path' twice in one object"]


# --- the bibliography -------------------------------------------------------------------------------------

KEYS = re.findall(r"^@\w+\{([^,]+),", BIB, re.M)
ENTRY = r"^@(\w+)\{KEY,\n(.*?)\n\}\n"


def in_entry(change):
    """A fault in one entry; change takes the entry's text."""
    def make(key):
        entry = re.search(ENTRY.replace("KEY", key), BIB, re.M | re.S)
        return BIB.replace(entry[0], change(entry[0]), 1)
    return make


BIBLIOGRAPHY = {  # the fault, and what names it besides the key
    "entry dropped": (in_entry(lambda e: ""), "expected an entry in references.bib"),
    "entry doubled": (in_entry(lambda e: e + e), "once"),
    "last brace missing": (in_entry(lambda e: e[:-2]), "expected BibTeX"),
    "brace of a field missing": (in_entry(lambda e: e.replace("},\n", ",\n", 1)), "expected BibTeX"),
    "brace too many": (in_entry(lambda e: e.replace("title = {", "title = {{", 1)), "expected BibTeX"),
    "comma missing": (in_entry(lambda e: e.replace("},\n", "}\n", 1)), "expected BibTeX"),
    "equals sign missing": (in_entry(lambda e: e.replace("title =", "title", 1)), "expected BibTeX"),
    "quotes for braces, one of them": (in_entry(lambda e: e.replace("title = {", 'title = "', 1)), "expected BibTeX"),
    "at sign missing": (in_entry(lambda e: e.replace("@", "", 1)), "expected an entry in references.bib"),
    "commented out": (in_entry(lambda e: re.sub(r"@\w+", "@comment", e, count=1)), "expected an entry in references.bib"),
    "unknown kind": (in_entry(lambda e: re.sub(r"@\w+", "@artcle", e, count=1)), "found @artcle"),
    "author missing": (in_entry(lambda e: re.sub(r"  author = .*\n", "", e, count=1)), "field author: expected a value"),
    "title emptied": (in_entry(lambda e: re.sub(r"title = \{.*\},", "title = {},", e, count=1)), "field title: expected a value"),
    "year missing": (in_entry(lambda e: re.sub(r"  year = .*\n", "", e, count=1)), "field year"),
    "year of two digits": (in_entry(lambda e: re.sub(r"year = \{\d\d", "year = {", e, count=1)), "field year: expected four digits"),
    "year far ahead": (in_entry(lambda e: re.sub(r"year = \{\d", "year = {9", e, count=1)), "field year: expected four digits"),
    "year in words": (in_entry(lambda e: re.sub(r"year = \{[^}]*", "year = {in press", e, count=1)), "field year: expected four digits"),
    "field doubled": (in_entry(lambda e: re.sub(r"(  title = .*\n)", r"\1\1", e, count=1)), "once"),
    "field misspelt": (in_entry(lambda e: e.replace("  title =", "  titel =", 1)), "field titel: expected one of"),
    "key in capitals": (in_entry(lambda e: re.sub(r"\{(\w+),", lambda m: m[0].upper(), e, count=1)), "expected"),
    "key changed": (in_entry(lambda e: re.sub(r"\{(\w+),", r"{\g<1>x,", e, count=1)), "expected"),
    "name missing beside 'and'": (in_entry(lambda e: e.replace("author = {", "author = {and ", 1)), "expected a name on each side of 'and'"),
    "script": (in_entry(lambda e: e.replace("title = {", "title = {<script>x</script>", 1)), "found markup"),
    "zero-width space": (in_entry(lambda e: e.replace("title = {", "title = {\u200b", 1)), "U+200B"),
    "UTF-8 read as Windows'": (in_entry(lambda e: e.replace("title = {", "title = {Ã©", 1)), "another encoding"),
    "page range": (in_entry(lambda e: e.replace("title = {", "pages = {9-26},\n  title = {", 1)), ""),
    "DOI as an address": (in_entry(lambda e: e.replace("title = {", "doi = {https://doi.org/10.1/x},\n  title = {", 1)), ""),
    "unknown macro": (in_entry(lambda e: re.sub(r"year = \{(\d+)\}", "year = mmvii", e, count=1)), "expected BibTeX: undefined string: mmvii"),
    "@string left open": (in_entry(lambda e: "@string{x = {y}\n\n" + e), "expected BibTeX"),
    "other file inside": (in_entry(lambda e: e.replace("\n", "\n=======\n", 1)), "merge conflict mark"),
}


@pytest.mark.parametrize("kind", BIBLIOGRAPHY)
@tries(2)
@given(key=st.sampled_from(KEYS))
def test_a_broken_entry_is_named(book, kind, key):
    make, said = BIBLIOGRAPHY[kind]
    text = make(key)
    assert text != BIB
    with broken(book, {"references.bib": text.encode()}):
        found = checked(book)
    assert any(said in line and (key in line.lower() or ", line " in line) for line in found), found


@tries(10)
@given(here=st.integers(0, len(BIB) - 3), byte=st.sampled_from([b"", b"", b"{", b"}", b",", b"@", b'"', b"\xff", b"\\", b"#"]), cut=st.integers(0, 1))
def test_any_other_bytes_in_the_bibliography_give_no_traceback(book, here, byte, cut):
    with broken(book, {"references.bib": BIB[:here].encode() + byte + BIB[here + cut:].encode()}):
        outcome(book)


@tries(3)
@given(here=st.integers(0, len(BIB) - 3))
def test_a_bibliography_cut_short_is_named(book, here):
    with broken(book, {"references.bib": BIB[:here].encode()}):
        assert checked(book)


def test_what_does_not_change_a_bibliography_is_accepted(book):
    backwards = "".join(reversed(re.split(r"^(?=@)", BIB, flags=re.M)))
    assert (without := re.sub(r"^(@\w+\{\w+),", r"\1", BIB, flags=re.M)) != BIB  # pybtex needs no comma there
    for text in (without, BIB.replace("\n", "\r\n"), "\ufeff" + BIB, BIB.replace("  title =", "  TITLE ="), backwards):
        with broken(book, {"references.bib": text.encode()}):
            assert checked(book) == []


def test_each_kind_of_entry_can_be_exported():
    assert ENTRIES.keys() == KINDS.keys()


# --- contents and settings --------------------------------------------------------------------------------

def other(book, name):
    """Whether a YAML file of the copy says something else than the book's; it can be read."""
    return yaml.safe_load((book / name).read_text("utf-8")) != yaml.safe_load((ROOT / name).read_text("utf-8"))


LINES = {
    "dropped": lambda lines, a, b: lines[:a] + lines[a + 1:],
    "doubled": lambda lines, a, b: lines[:a] + [lines[a]] + lines[a:],
    "swapped": lambda lines, a, b: swap(list(lines), a, b),
    "indented": lambda lines, a, b: lines[:a] + ["  " + lines[a]] + lines[a + 1:],
    "outdented": lambda lines, a, b: lines[:a] + [lines[a].removeprefix("  ")] + lines[a + 1:],
    "indented by a tab": lambda lines, a, b: lines[:a] + ["\t" + lines[a]] + lines[a + 1:],
    "colon dropped": lambda lines, a, b: lines[:a] + [lines[a].replace(":", "", 1)] + lines[a + 1:],
    "letter dropped": lambda lines, a, b: lines[:a] + [lines[a][:len(lines[a].rstrip()) - 2] + "\n"] + lines[a + 1:],
    "bracket dropped": lambda lines, a, b: lines[:a] + [re.sub("[][{}]", "", lines[a], count=1)] + lines[a + 1:],
    "cut": lambda lines, a, b: lines[:a],
}


@pytest.mark.parametrize("kind", LINES)
@tries(12)
@given(here=st.integers(0, 10**6), there=st.integers(0, 10**6))
def test_spoilt_contents_and_settings_are_named(book, kind, here, there):
    """What keeps every rule is another order of chapters, another caption or another setting, and reads as one."""
    for name in ("_toc.yml", "_config.yml"):
        lines = (ROOT / name).read_text("utf-8").splitlines(keepends=True)
        with broken(book, {name: "".join(LINES[kind](lines, here % len(lines), there % len(lines))).encode()}):
            found = look(book, lambda: sources.faults(book))
            if found:
                assert all(line.startswith(name) for line in found)
            elif other(book, name):
                assert name == "_config.yml" or "file:" not in lines[here % len(lines)] or kind in ("swapped", "doubled")


def test_a_setting_is_one_that_something_reads(tmp_path):
    """A misspelt setting of Sphinx is silently nothing; each of ours is known once the extensions are loaded."""
    from sphinx.application import Sphinx

    ours = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))["sphinx"]["config"]
    (tmp_path / "index.md").write_text("# Title\n", "utf-8")
    app = Sphinx(tmp_path, None, tmp_path / "out", tmp_path / "doctrees", "html", status=None, warning=io.StringIO(), confoverrides={
        "extensions": ours["extensions"], "html_theme": "sphinx_book_theme", "external_toc_path": str(ROOT / "_toc.yml"),
        "bibtex_bibfiles": [str(ROOT / "references.bib")]})
    assert [key for key in ours if key not in app.config.values and key != "extensions"] == []


# --- notebooks --------------------------------------------------------------------------------------------

def cells(change):
    """A fault in a notebook; change alters its list of cells and is given a code cell's place among them, 1 to 3."""
    def make(here):
        notebook = json.loads(json.dumps(NOTEBOOK))
        change(notebook["cells"], here)
        return json.dumps(notebook, indent=1).encode()
    return make


NOTEBOOKS = {
    "never run": (cells(lambda c, n: c[n].update(execution_count=None, outputs=[])), "expected run number"),
    "run again": (cells(lambda c, n: c[n].update(execution_count=17)), "expected run number"),
    "moved": (cells(lambda c, n: c.insert(n % 3 + 1, c.pop(n))), "expected run number"),
    "dropped": (cells(lambda c, n: n < 3 and c.pop(n)), "expected run number"),
    "doubled": (cells(lambda c, n: c.insert(n, c[n])), "is of two cells"),
    "error": (cells(lambda c, n: c[n].update(outputs=[{"output_type": "error", "ename": "E", "evalue": "", "traceback": []}])), "kind error"),
    "warning": (cells(lambda c, n: c[n].update(outputs=[{"output_type": "stream", "name": "stderr", "text": ["w"]}])), "kind stream"),
    "conflict in the source": (cells(lambda c, n: c[n].update(source=["<<<<<<< HEAD\n", "x\n"])), "merge conflict mark"),
    "cell without a kind": (cells(lambda c, n: c[n].pop("cell_type")), "expected a notebook"),
    "output without a kind": (cells(lambda c, n: c[n].update(outputs=[{}])), "expected a notebook"),
    "source a number": (cells(lambda c, n: c[n].update(source=5)), "expected a notebook"),
    "no cells": (lambda n: b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "expected a notebook"),
    "older format": (lambda n: b'{"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []}', "nbformat is 3"),
    "a list": (lambda n: b"[]", "expected a notebook"),
    "not JSON": (lambda n: b"# Title", "line 1: expected a notebook in JSON"),
}


@pytest.mark.parametrize("kind", NOTEBOOKS)
def test_a_spoilt_notebook_is_named(book, kind):
    make, said = NOTEBOOKS[kind]
    for here in (1, 2, 3):
        raw = make(here)
        if json.dumps(NOTEBOOK, indent=1).encode() != raw and not (kind in ("moved", "dropped") and here == 3):
            with broken(book, {"chapters/methods.ipynb": raw}):
                found = look(book, lambda: sources.faults(book))
            assert any(line.startswith("chapters/methods.ipynb") and said in line for line in found), found


@pytest.mark.parametrize("spoil, cell", [
    (lambda book: (book / "data/findings.csv").write_bytes(with_cells({("findings", 9, 5): "mixed"})["data/findings.csv"]), 1),
    (lambda book: (book / "notebook.ipynb").write_text((book / "notebook.ipynb").read_text("utf-8").replace("x + 2", "x + 1"), "utf-8"), 2),
    (lambda book: (book / "notebook.ipynb").write_text((book / "notebook.ipynb").read_text("utf-8").replace('"3"', '"4"'), "utf-8"), 2),
], ids=["value", "cell", "output"])
def test_nbval_names_chapter_and_cell_of_a_change_that_keeps_the_rules(copy, spoil, cell):
    """A value of the data, the code of a cell, a stored output: a fresh run says which cell of which chapter it moved."""
    kept = "import evidence as ev; d = ev.load('data').findings.direction.value_counts().to_dict(); sorted(d.values())"
    counts = str(sorted(ev.load().findings.direction.value_counts().to_dict().values()))
    notebook = json.loads(json.dumps(NOTEBOOK))
    notebook["cells"][2:3] = [code("counts", 2, kept, counts)]
    (copy / "notebook.ipynb").write_text(json.dumps(notebook, indent=1), "utf-8")
    spoil(copy)
    done = subprocess.run([sys.executable, "-m", "pytest", "--nbval", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-c", os.devnull, "--rootdir", str(copy),
                           str(copy / "notebook.ipynb")], capture_output=True, text=True, cwd=copy, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 1 and "1 failed, 2 passed" in done.stdout, done.stdout
    assert f"notebook.ipynb::Cell {cell}" in done.stdout
