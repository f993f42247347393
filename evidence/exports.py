"""The data to take away: `python -m evidence.exports FOLDER`, as `make book` runs it.

Everything is made from data/, references.bib and the notebooks; nothing carries a time, so two runs write the same bytes.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import zipfile
from pathlib import Path

import rispy
from pybtex.database import BibliographyData, Entry, Person, parse_file
from pybtex.database.output.bibtex import Writer
from pybtex.richtext import Text

from evidence.charts import MIME
from evidence.data import load
from evidence.datapackage import BIBLIOGRAPHY, DATA, PACKAGE, ROOT, schema

#: BibTeX's kinds of entry in the terms of CSL and of RIS, and the CSL field for what holds the piece or issued it.
KINDS = {"article": ("article-journal", "JOUR"), "techreport": ("report", "RPRT"), "book": ("book", "BOOK"),
         "incollection": ("chapter", "CHAP"), "misc": ("document", "GEN")}
PLACES = {"journal": "container-title", "booktitle": "container-title", "institution": "publisher", "publisher": "publisher",
          "volume": "volume", "number": "issue", "pages": "page", "doi": "DOI"}
#: Text that is the same in LaTeX and without; reading LaTeX takes most of the time of all exports.
UNMARKED = re.compile(r"([^\W_]|[.,:;()/]|(?<=\S) (?=\S))*")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can hold


class AsWritten(Writer):
    """BibTeX as the bibliography has it: its fields are LaTeX already, and pybtex would escape them again."""

    def _encode(self, text: str) -> str:
        return text


def plain(latex: str) -> str:
    """BibTeX's text as plain text: no braces, real dashes and ampersands."""
    return latex if UNMARKED.fullmatch(latex) else str(Text.from_latex(latex))


def _name(person: Person) -> dict[str, str]:
    """A person as CSL has it; a corporate author, braced in BibTeX, is a literal."""
    whole = str(person)
    if whole.startswith("{") and whole.endswith("}"):
        return {"literal": plain(whole)}
    parts = {"family": " ".join(person.last_names), "given": " ".join(person.first_names + person.middle_names),
             "non-dropping-particle": " ".join(person.prelast_names), "suffix": " ".join(person.lineage_names)}
    return {k: plain(v) for k, v in parts.items() if v}


def csl(entry: Entry, record: str, address: str) -> dict:
    """One source as a CSL-JSON item.

    record and address are how far the reference was checked, and where. A letter behind the year stays in 'year-suffix'.
    """
    year, letter = re.fullmatch(r"(\d{4})([a-z]?)", entry.fields["year"]).groups()
    item = {"id": entry.key, "type": KINDS[entry.type][0], "title": plain(entry.fields["title"]),
            "author": [_name(p) for p in entry.persons["author"]], "issued": {"date-parts": [[int(year)]]}}
    if entry.persons.get("editor"):
        item["editor"] = [_name(p) for p in entry.persons["editor"]]
    item |= {place: plain(entry.fields[f]) for f, place in PLACES.items() if f in entry.fields}
    return item | ({"year-suffix": letter} if letter else {}) | ({"URL": address} if address else {}) | {"note": f"Record: {record}"}


def ris(item: dict) -> dict:
    """A CSL item in the terms of rispy, which writes RIS."""
    def written(name: dict) -> str:
        family = " ".join(name[k] for k in ("non-dropping-particle", "family") if k in name)
        return name.get("literal") or ", ".join(filter(None, [family, name.get("given"), name.get("suffix")]))

    kinds = dict(KINDS.values())
    entry = {"type_of_reference": kinds[item["type"]], "id": item["id"], "title": item["title"],
             "authors": [written(n) for n in item["author"]], "year": f"{item['issued']['date-parts'][0][0]}{item.get('year-suffix', '')}"}
    same = {"container-title": "journal_name" if item["type"] != "chapter" else "secondary_title", "publisher": "publisher",
            "volume": "volume", "issue": "number", "DOI": "doi"}
    entry |= {name: item[field] for field, name in same.items() if field in item}
    if "page" in item:
        first, _, last = item["page"].partition("–")
        entry |= {"start_page": first} | ({"end_page": last} if last else {})
    return entry | ({"urls": [item["URL"]]} if "URL" in item else {}) | {"notes": [item["note"]]}


def references(data: Path = DATA, bib: BibliographyData | None = None) -> list[dict]:
    """Every source as a CSL-JSON item, in the order of studies.csv."""
    bib = bib or parse_file(BIBLIOGRAPHY, "bibtex")
    studies = load(data).studies
    return [csl(bib.entries[s], str(r), a) for s, r, a in zip(studies.study, studies.record, studies.record_source)]


def chart_data(notebook: Path) -> dict[str, list[dict]]:
    """The rows each chart of a notebook draws, by the chart's label; further tables of one chart are numbered from 2."""
    found = {}
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            if spec := output.get("data", {}).get(MIME):
                label = cell["metadata"]["mystnb"]["figure"]["name"]
                tables = sorted(spec.get("datasets", {}).values(), key=len, reverse=True)
                found |= {label if n == 1 else f"{label}-{n}": rows for n, rows in enumerate(tables, 1)}
    return found


def write(folder: Path, data: Path = DATA, bibliography: Path = BIBLIOGRAPHY) -> None:
    """Write every export into folder: tables, the Data Package as one zip, references in three forms and one by one, notebooks, charts' data."""
    for part in ("charts", "notebooks", "references"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    bib = parse_file(bibliography, "bibtex")
    items = references(data, bib)
    for item in items:
        bib.entries[item["id"]].fields["note"] = item["note"]
    package = [data / PACKAGE, *(data / r["path"] for r in schema(data).values()), bibliography]
    for file in package[:-1]:
        (folder / file.name).write_bytes(file.read_bytes())
    for name, chosen in {"studies": items, **{f"references/{i['id']}": [i] for i in items}}.items():
        (folder / f"{name}.bib").write_text(AsWritten().to_string(BibliographyData({i["id"]: bib.entries[i["id"]] for i in chosen})), "utf-8")
        (folder / f"{name}.ris").write_text(rispy.dumps([ris(i) for i in chosen]), "utf-8")
    (folder / "studies.csl.json").write_text(json.dumps(items, ensure_ascii=False, indent=1) + "\n", "utf-8")
    with zipfile.ZipFile(folder / "doctors-and-managers.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in package:
            archive.writestr(zipfile.ZipInfo(file.name, EPOCH), file.read_bytes(), zipfile.ZIP_DEFLATED)
    for notebook in sorted((ROOT / "chapters").glob("*.ipynb")):
        (folder / "notebooks" / notebook.name).write_bytes(notebook.read_bytes())
        for label, rows in chart_data(notebook).items():
            with (folder / "charts" / f"{label}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(dict.fromkeys(k for row in rows for k in row)), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
