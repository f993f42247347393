"""Check the dataset and the bibliography: `make check`.

Prints one line for each fault, naming file, row or entry, field and what was expected; exit status 1
when there is any. Nothing is written.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from evidence.datapackage import BIBLIOGRAPHY, DATA, PACKAGE, changed, schema

Row = dict[str, str]
TABLES = {"sections", "studies", "findings", "citations", "figures", "strategies", "perspectives", "events", "approaches",
          "types", "examples", "recoding"}
LAST_YEAR = 2015  # of the literature the review covers; a later study is an addition, and has no label in it
CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})")
MARKUP = re.compile(r"<[A-Za-z/!?][^>]*>?|&(#\d+|\w+);")
MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
#: What a spreadsheet makes of a cell that it takes for a date, a number or an error; an apostrophe keeps it from that.
MANGLED = re.compile(rf"\d+[-/ ]({MONTHS})([-/ ]\d+)?|({MONTHS})-\d+|\d+[-/]\d+[-/]\d+( \d+:\d+(:\d+)?)?|\d{{4}}-\d\d"
                     r"|\d+(\.\d+)?[eE][+-]?\d+|\d{1,3}(,\d{3})+|#[A-Z/0]+[!?]?|#+|TRUE|FALSE|NULL|N/?A|NaN|nan|None|'[\d=+@-].*")
#: Tables whose keys end in a number, and the key; a citation's number is its place in the reading order, and has its own rule.
NUMBERED = {"findings": "finding", "figures": "figure", "strategies": "strategy", "perspectives": "perspective", "events": "event",
            "approaches": "approach", "types": "type"}
#: The forms of cells that are not text.
FORMS = {"integer": (r"0|[1-9][0-9]*", "an integer in digits alone"), "number": (r"[0-9]+(\.[0-9]+)?", "a number in digits and a point"),
         "boolean": (r"(?i:true|false)", "true or false")}
#: The kinds of entry of the bibliography, each with the fields that it needs besides author, title and year.
ENTRIES = {"article": ["journal"], "techreport": ["institution"], "book": ["publisher"], "incollection": ["booktitle", "publisher"], "misc": []}
FIELDS = {"author", "editor", "title", "year", "journal", "booktitle", "institution", "publisher", "volume", "number", "pages", "doi"}
YEARS = range(1900, 2031)


def faults(folder: Path = DATA, bibliography: Path = BIBLIOGRAPHY) -> list[str]:
    """Every fault of the dataset in folder and of the bibliography, one line each, in file order.

    A later step needs what an earlier one found sound: files that cannot be read hide the rules on values,
    and broken values hide the rules across tables.
    """
    try:
        json.loads((folder / PACKAGE).read_text("utf-8"), object_pairs_hook=_once)
        resources, _ = schema(folder), changed(folder)
        if missing := TABLES - resources.keys():
            raise ValueError(f"no table {', '.join(sorted(missing))}")
        for r in resources.values():
            r["path"] + r["description"], [f["name"] + f["type"] + f["description"] for f in r["schema"]["fields"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"{folder.name}/{PACKAGE}: expected a Frictionless Data Package in JSON: {_line(error)}"]
    found = [f for r in resources.values() for f in _unreadable(folder / r["path"], r["schema"]["fields"])]
    entries: dict[str, Row] = {}
    found += _read_bibliography(bibliography, entries)
    if not found:
        found = list(_schema_faults(folder))
    if not found:
        tables = {name: read(folder / r["path"]) for name, r in resources.items()}
        found = [*_citation_faults(tables), *_finding_faults(tables), *_study_faults(tables, entries, bibliography),
                 *_figure_faults(tables), *_example_faults(tables, resources), *_number_faults(tables)]
    return found


def read(path: Path) -> list[Row]:
    """The rows of a CSV table as text; the first row of data is row 2, as in a spreadsheet."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _line(error: object) -> str:
    return ("no " if isinstance(error, KeyError) else "") + " ".join(str(error).split())


def _once(pairs: list[tuple[str, object]]) -> dict:
    """A JSON object whose keys are not doubled; JSON's reader takes the last and says nothing."""
    if doubled := [key for key, n in Counter(key for key, _ in pairs).items() if n > 1]:
        raise ValueError(f"key {doubled[0]!r} twice in one object")
    return dict(pairs)


# --- files -----------------------------------------------------------------------------------------------

def _unreadable(path: Path, fields: list[dict]) -> Iterator[str]:
    """Faults that keep a table from being read as one: missing, mis-encoded, merged, wrong columns, spoilt cells."""
    where = f"{path.parent.name}/{path.name}"
    try:
        raw = path.read_bytes()
    except OSError:
        yield f"{where}: expected a CSV table, found no such file"
        return
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        yield f"{where}, row {raw[:error.start].count(bytes([10])) + 1}: expected UTF-8, found byte 0x{raw[error.start]:02x}"
        return
    if mark := next((n for n, line in enumerate(text.splitlines(), 1) if CONFLICT.match(line)), None):
        yield f"{where}, row {mark}: expected data, found a merge conflict mark"
        return
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        yield f"{where}: expected CSV with balanced quotes: {error}"
        return
    names = [f["name"] for f in fields]
    head = rows[0] if rows else []
    if head != names:
        wrong = next((f"field {n}: found {h or 'nothing'!r}" for h, n in zip(head + [""] * len(names), names) if h != n),
                     f"found further field {head[len(names):][0] if len(head) > len(names) else ''!r}")
        yield f"{where}, row 1, {wrong}, expected the header {','.join(names)}"
        return
    if not text.endswith(("\n", "\r")):
        yield f"{where}, row {len(rows)}: expected a line end at the end of the file, found none: is the table whole?"
    if len(rows) == 1:
        yield f"{where}: expected at least one row of data, found none"
    for number, row in enumerate(rows[1:], 2):
        if len(row) != len(names):
            yield f"{where}, row {number}: expected {len(names)} fields, found {len(row)}"
        for field, value in zip(fields, row):
            if expected := value and _spoilt(value, field["type"]):
                yield f"{where}, row {number}, field {field['name']}: expected {expected} {value[:60]!r}"


def _spoilt(value: str, kind: str) -> str:
    """What was expected of a cell, and what was found, if an editor or a spreadsheet has spoilt it; else an empty string."""
    form, described = FORMS.get(kind, (".*", ""))
    if len(value.splitlines()) > 1:
        return "one line, found a line break in"
    if kind == "string" and value[0] in "=+-@\t":
        return "text, found a spreadsheet formula"
    if value != value.strip():
        return "no space at either end, found"
    if kind == "string" and MANGLED.fullmatch(value):
        return "text, found what a spreadsheet makes of it,"
    return f"{described}, found" if not re.fullmatch(form, value) else _unprintable(value)


def _unprintable(text: str) -> str:
    """What was expected of text that has a wrong or invisible character or markup; an empty string if it has none."""
    if MARKUP.search(text):
        return "plain text, found markup in"
    if text.isascii() and text.isprintable():
        return ""
    if odd := next((c for c in text if c == "\ufffd" or not c.isprintable()), None):
        return f"characters that print, found U+{ord(odd):04X} in"
    if any(_misread(word) for word in re.findall(r"[^\x00-\x7f]+", text)):
        return "UTF-8, found what another encoding makes of it,"
    return "an accented letter as one character, found two in" if unicodedata.normalize("NFC", text) != text else ""


def _misread(word: str) -> bool:
    """Whether characters beyond ASCII are UTF-8 that was read as Windows' encoding, as in Ã© for é."""
    try:
        return bool(word.encode("cp1252").decode("utf-8"))
    except UnicodeError:
        return False


def _read_bibliography(path: Path, entries: dict[str, Row]) -> Iterator[str]:
    """Fill entries from a BibTeX file, by key; yield what is wrong with it."""
    from pybtex.database import BibliographyDataError
    from pybtex.database.input.bibtex import Parser
    from pybtex.exceptions import PybtexError
    from pybtex.scanner import PybtexSyntaxError

    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError:
        yield f"{path.name}: expected a BibTeX file, found no such file"
        return
    except UnicodeDecodeError as error:
        yield f"{path.name}, line {raw[:error.start].count(bytes([10])) + 1}: expected UTF-8, found byte 0x{raw[error.start]:02x}"
        return
    for number, line in enumerate(text.splitlines(), 1):
        if CONFLICT.match(line):
            yield f"{path.name}, line {number}: expected an entry, found a merge conflict mark"
            return
        if expected := _unprintable(line.replace("\t", " ")):
            yield f"{path.name}, line {number}: expected {expected} {line.strip()[:60]!r}"
    try:
        parsed = Parser().parse_string(text)
    except PybtexSyntaxError as error:
        place, error = _broken_entry(text) or (f"line {error.lineno}", error)
        yield f"{path.name}, {place}: expected BibTeX: {re.sub(r' in line [0-9]+', '', _line(error))}"
        return
    except BibliographyDataError as error:
        yield f"{path.name}: expected each key, and each field of an entry, once: {_line(error)}"
        return
    except PybtexError as error:
        yield f"{path.name}: expected BibTeX: {_line(error)}"
        return
    if not parsed.entries:
        yield f"{path.name}: expected entries, found none"
    for key, entry in parsed.entries.items():
        where = f"{path.name}, entry {key}"
        entries[key] = fields = {name.lower(): value for name, value in entry.fields.items()}
        fields |= {role.lower(): " and ".join(map(str, people)) for role, people in entry.persons.items()}
        if entry.type not in ENTRIES:
            yield f"{where}: expected one of @{', @'.join(ENTRIES)}, found @{entry.original_type}"
        for field in ("author", "title", "year", *ENTRIES.get(entry.type, [])):
            if not fields.get(field, "").strip("{} "):
                yield f"{where}, field {field}: expected a value, found none"
        for field in fields.keys() - FIELDS:
            yield f"{where}, field {field}: expected one of {', '.join(sorted(FIELDS))}"
        for person in (p for people in entry.persons.values() for p in map(str, people)):
            if re.search(r"^and\b|\band$", person):
                yield f"{where}: expected a name on each side of 'and', found {person!r}"
        year = fields.get("year", "")
        if not re.fullmatch(r"[0-9]{4}[a-z]?", year) or int(year[:4]) not in YEARS:
            yield f"{where}, field year: expected four digits, from {YEARS[0]} to {YEARS[-1]}, found {year!r}"
        if not re.fullmatch(r"(10\.[0-9]{4,9}/\S+)?", fields.get("doi", "")):
            yield f"{where}, field doi: expected 10., digits, a slash and no space, found {fields['doi']!r}"
        if not re.fullmatch(r"([A-Za-z]?[0-9]+(--[A-Za-z]?[0-9]+)?)?", fields.get("pages", "")):
            yield f"{where}, field pages: expected a page, or two with -- between, found {fields['pages']!r}"


def _broken_entry(text: str) -> tuple[str, Exception] | None:
    """The first entry that does not parse by itself, and why: a brace left open is noticed only where the file ends."""
    from pybtex.database.input.bibtex import Parser
    from pybtex.scanner import PybtexSyntaxError

    line = 1
    for part in re.split(r"^(?=\s*@)", text, flags=re.M):
        try:
            Parser().parse_string(part)
        except PybtexSyntaxError as error:
            key = re.match(r"\s*@\s*\w*\s*[{(]?\s*([^\s,}]*)", part)
            return f"line {line + error.lineno - 1}" + (f", entry {key[1]}" if key and key[1] else ""), error
        line += part.count("\n")
    return None


# --- the schema ------------------------------------------------------------------------------------------

def _schema_faults(folder: Path) -> Iterator[str]:
    """What Frictionless finds: types, enumerations, patterns, keys and foreign keys."""
    from frictionless import Package, system

    with system.use_context(trusted=True):  # the folder may be anywhere, a copy under test for one
        try:
            report = Package(str(folder / PACKAGE)).validate()
        except Exception as error:  # Frictionless raises many kinds for a schema that is not one
            yield f"{folder.name}/{PACKAGE}: expected a Frictionless Data Package: {_line(error)}"
            return
    for error in report.errors:
        yield f"{folder.name}/{PACKAGE}: {_line(error.note)}"
    for task in report.tasks:
        for error in task.errors:
            # Frictionless names one of several fields in different ways; an error without a row is of the table.
            row = f", row {error.row_number}" if hasattr(error, "row_number") else ""
            field = getattr(error, "field_name", None) or ", ".join(getattr(error, "field_names", []) or [])
            value = getattr(error, "cell", None)
            found = f", found {value!r}" if value is not None else ""
            yield f"{folder.name}/{task.place}{row}{f', field {field}' if field else ''}: expected {_expected(error)}{found}"


def _expected(error) -> str:
    note = _line(error.note)
    if match := re.match(r'constraint "(\w+)" is "(.*)"$', note):
        kind, value = match.groups()
        return {"enum": f"one of {value}", "pattern": f"the form {value}", "required": "a value",
                "unique": "a value used once"}.get(kind, f"{kind} {value}")
    if match := re.match(r'type is "(\w+)/', note):
        return f"{'an' if match[1][0] in 'aeiou' else 'a'} {match[1]}"
    if error.type == "foreign-key":
        return f"a key that exists: {note}"
    if error.type in ("primary-key", "unique-error"):
        return f"a key used once: {note}"
    return f"otherwise: {note}"


# --- rules across tables ---------------------------------------------------------------------------------

def _citation_faults(tables: dict[str, list[Row]]) -> Iterator[str]:
    """A citation is in its finding's section, and the numbers, which are the reading order, have no gap."""
    section = {f["finding"]: f["section"] for f in tables["findings"]}
    letters = {f["section"]: f["finding"].split("-")[0] for f in tables["findings"]}
    counts = Counter(c["section"] for c in tables["citations"])
    for row, c in enumerate(tables["citations"], 2):
        where = f"data/citations.csv, row {row}"
        if c["section"] != section[c["finding"]]:
            yield (f"{where}, field section: expected {section[c['finding']]}, the section of finding {c['finding']}, "
                   f"found {c['section']!r}")
        prefix, number = c["citation"].split("-c")
        if prefix != letters.get(c["section"]):
            yield f"{where}, field citation: expected {letters.get(c['section'])}-c and a number, found {c['citation']!r}"
        if int(number) > counts[c["section"]]:
            yield (f"{where}, field citation: expected the numbers 1 to {counts[c['section']]} in {c['section']}, without a gap, "
                   f"found {c['citation']!r}")
        if (c["role"] == "quotation") != bool(c["page"]):
            yield f"{where}, field page: expected a page for a quotation and none otherwise, found {c['page']!r}"


def _finding_faults(tables: dict[str, list[Row]]) -> Iterator[str]:
    """A finding is cited, carried by a cited one, or the reviewers' own, and says which."""
    cited = {c["finding"] for c in tables["citations"]}
    letters: dict[str, str] = {}
    for row, f in enumerate(tables["findings"], 2):
        where, mark = f"data/findings.csv, row {row}", f["finding"]
        if letters.setdefault(f["section"], mark.split("-")[0]) != mark.split("-")[0]:
            yield f"{where}, field finding: expected {letters[f['section']]}-, as in the section's others, found {mark!r}"
        expected = "cited" if mark in cited else "carried" if f["rests_on"] else "reviewers"
        if f["attribution"] != expected:
            why = {"cited": "citations.csv cites a study for it", "carried": "it rests on another finding",
                   "reviewers": "no citation supports it and it rests on no other finding"}[expected]
            yield f"{where}, field attribution: expected {expected}, because {why}, found {f['attribution']!r}"
        if f["rests_on"] and (f["rests_on"] not in cited or mark in cited):
            yield f"{where}, field rests_on: expected a cited finding, on an uncited one, found {f['rests_on']!r}"


def _study_faults(tables: dict[str, list[Row]], entries: dict[str, Row], bibliography: Path) -> Iterator[str]:
    """A study is in references.bib and the other way round; it is used; its record and the coding of its people are honest."""
    cited = {c["study"] for c in tables["citations"]}
    counted = {f["study"] for f in tables["figures"]}
    studies = {s["study"] for s in tables["studies"]}
    used = cited | counted
    for row, s in enumerate(tables["studies"], 2):
        where, key = f"data/studies.csv, row {row}", s["study"]
        if key not in entries:
            yield f"{where}, field study: expected an entry in {bibliography.name}, found none for {key!r}"
        if key not in used:
            yield f"{where}, field study: expected a row in citations.csv or figures.csv, found none for {key!r}"
        added = int(re.search(r"\d{4}", key)[0]) > LAST_YEAR
        if bool(s["cited_as"]) != (key in cited) and not (added and not s["cited_as"]):
            yield (f"{where}, field cited_as: expected {'the label the review prints' if key in cited else 'nothing'}, "
                   f"since citations.csv {'cites' if key in cited else 'does not cite'} {key}, found {s['cited_as']!r}")
        for field in ("asked", "level"):
            silent = s["participants"] if s["participants"] in ("unknown", "not applicable") else ""
            if silent and s[field] != silent or not silent and s[field] == "not applicable":
                yield (f"{where}, field {field}: expected {silent or 'a code other than not applicable'}, "
                       f"as participants is {s['participants']!r}, found {s[field]!r}")
        if (s["record"] == "unchecked") == bool(s["record_source"]):
            yield (f"{where}, field record_source: expected {'nothing' if s['record_source'] else 'an address'} for a "
                   f"record that is {s['record']}, found {s['record_source']!r}")
        if s["record"] == "unchecked":
            for field in ("doi", "volume", "number", "pages"):
                if entries.get(key, {}).get(field):
                    yield f"{bibliography.name}, entry {key}, field {field}: expected none, since the record is unchecked"
    for key in entries.keys() - studies:
        yield f"{bibliography.name}, entry {key}: expected a row in data/studies.csv, found none"


def _figure_faults(tables: dict[str, list[Row]]) -> Iterator[str]:
    """Count, base, sample and percentage of a published number do not contradict each other."""
    for row, f in enumerate(tables["figures"], 2):
        where = f"data/figures.csv, row {row}"
        count, base, sample = (int(f[k]) if f[k] else None for k in ("count", "base", "sample"))
        if count is None and not f["percent"] and not f["value"]:
            yield f"{where}, field count: expected a count, a percent or a value, found none"
        if bool(f["value"]) != bool(f["unit"]):
            yield f"{where}, field unit: expected a unit with a value and none without, found {f['unit']!r}"
        if count is not None and base is not None:
            if count > base:
                yield f"{where}, field count: expected at most the base {base}, found {count}"
            elif f["percent"] and abs(100 * count / base - float(f["percent"])) > 0.5:
                yield f"{where}, field percent: expected {100 * count / base:.1f} from {count}/{base}, found {f['percent']}"
        for field in ("percent", "value"):
            if len(f[field].partition(".")[2]) > 2:
                yield f"{where}, field {field}: expected at most two decimals, found {f[field]!r}"
        if base is not None and sample is not None and base > sample:
            yield f"{where}, field base: expected at most the sample {sample}, found {base}"
        if not f["figure"].startswith(f["study"] + "-"):
            yield f"{where}, field figure: expected {f['study']}- and a number, found {f['figure']!r}"


def _example_faults(tables: dict[str, list[Row]], resources: dict[str, dict]) -> Iterator[str]:
    """An example of a code is a row that has the code; each code has two, and a borderline case."""
    keys = {"findings": "finding", "citations": "citation", "studies": "study"}
    rows = {r[key]: r for name, key in keys.items() for r in tables[name]}
    seen = set()
    for row, e in enumerate(tables["examples"], 2):
        if (same := (e["field"], e["code"], e["row"])) in seen:
            yield f"data/examples.csv, row {row}, field row: expected a row once for a code, found {e['row']!r} again"
        seen.add(same)
        found = rows.get(e["row"], {}).get(e["field"])
        if found != e["code"]:
            yield (f"data/examples.csv, row {row}, field row: expected a row whose {e['field']} is {e['code']}, "
                   f"found {e['row']!r}, where it is {found!r}")
    given = Counter((e["field"], e["code"], e["case"]) for e in tables["examples"])
    fields = {e["field"] for e in tables["examples"]}
    for f in (f for name in keys for f in resources[name]["schema"]["fields"] if f["name"] in fields):
        for code in f.get("values", {}):
            for case, wanted in {"example": 2, "borderline": 1}.items():
                if (n := given[f["name"], code, case]) != wanted:
                    yield (f"data/examples.csv, field code: expected {wanted} of case {case} for {code} in {f['name']}, found {n}")


def _number_faults(tables: dict[str, list[Row]]) -> Iterator[str]:
    """Numbers in keys count from 1 without a gap, so a row that was dropped is missed."""
    for name, key in NUMBERED.items():
        known = {r[key] for r in tables[name]}
        for row, r in enumerate(tables[name], 2):
            start, number = r[key].rsplit("-", 1)
            before = f"{start}-{int(number) - 1:02}"
            if int(number) > 1 and before not in known:
                yield f"data/{name}.csv, row {row}, field {key}: expected {before} too, since numbers have no gap, found {r[key]} without it"


def main() -> int:
    """Print the faults of the repository's dataset; 1 if there are any."""
    found = faults()
    for fault in found:
        print(fault, file=sys.stderr)
    if found:
        print(f"{len(found)} fault{'s' * (len(found) > 1)} in the dataset", file=sys.stderr)
        return 1
    print("The dataset and the bibliography are sound.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
