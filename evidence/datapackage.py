"""Where the dataset is, and its published schema."""

from __future__ import annotations

import json
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
