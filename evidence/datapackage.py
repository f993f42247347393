"""Where the dataset is, and its published schema."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
PACKAGE = "datapackage.json"
BIBLIOGRAPHY = ROOT / "references.bib"


def schema(folder: Path = DATA) -> dict[str, dict]:
    """The Frictionless resources of data/datapackage.json by name, in file order.

    Each is a dict with path, description and schema; schema has fields, keys and constraints. A field with a
    closed list has, besides, the meaning of each of its values, under "values".
    """
    package = json.loads((folder / PACKAGE).read_text("utf-8"))
    return {resource["name"]: resource for resource in package["resources"]}


def changed(folder: Path = DATA) -> date:
    """The day on which the tables were last changed, as data/datapackage.json says; a test holds it against the history."""
    return date.fromisoformat(json.loads((folder / PACKAGE).read_text("utf-8"))["modified"])


def digests(folder: Path = DATA, bibliography: Path = BIBLIOGRAPHY) -> dict[str, str]:
    """SHA-256 of each table, of the schema and of the bibliography, by file name, in file order.

    Of their text: line endings and a byte-order mark, which a spreadsheet may change, are set aside.
    """
    files = [*(folder / r["path"] for r in schema(folder).values()), folder / PACKAGE, bibliography]
    return {f.name: hashlib.sha256(f.read_text("utf-8-sig").encode()).hexdigest() for f in files}
