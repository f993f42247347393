"""The study dataset as typed tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from evidence.datapackage import DATA, schema

#: pandas' type for each Frictionless type; a string with an enumeration becomes an ordered category.
DTYPES = {"string": "string", "integer": "Int64", "number": "Float64", "boolean": "boolean"}


#: How studies.csv names the UK and what is in it.
BRITISH = {"United Kingdom", "Great Britain", "England", "Scotland", "Wales", "Northern Ireland"}


@dataclass(frozen=True)
class Dataset:
    """The tables of data/, one attribute each; columns and their meaning are in data/datapackage.json.

    Text that is not given is an empty string, a number that is not given is <NA>. Columns with a closed
    list of values are ordered categories, in the order of the schema.
    """

    sections: pd.DataFrame
    studies: pd.DataFrame
    findings: pd.DataFrame
    citations: pd.DataFrame
    figures: pd.DataFrame
    strategies: pd.DataFrame
    perspectives: pd.DataFrame
    events: pd.DataFrame
    approaches: pd.DataFrame
    types: pd.DataFrame
    examples: pd.DataFrame
    recoding: pd.DataFrame

    def support(self) -> pd.DataFrame:
        """Which study stands behind which finding: columns finding, study, role, carried.

        One row a pair, in reading order. A carried finding takes the studies of the finding it rests on
        (carried is then True); a finding of the reviewers' own has no row.
        """
        cited = self.citations[["finding", "study", "role"]].drop_duplicates(["finding", "study"])
        rests = self.findings.loc[self.findings.rests_on != "", ["finding", "rests_on"]]
        carried = rests.merge(cited, left_on="rests_on", right_on="finding", suffixes=("", "_cited"))
        both = pd.concat([cited.assign(carried=False), carried[["finding", "study", "role"]].assign(carried=True)])
        order = pd.Series(range(len(self.findings)), index=self.findings.finding)
        return both.sort_values("finding", key=lambda f: f.map(order), kind="stable").reset_index(drop=True)

    def british(self, alone: bool = False) -> pd.Series:
        """Which studies are known to cover the UK or one of its nations: True or False by study, shape (studies,).

        alone: leave out those that cover other countries too. A study whose country is unknown is False.
        Source: studies.csv, countries.
        """
        named = self.studies.set_index("study").countries.str.split(";").map(set)
        return named.map(lambda countries: countries <= BRITISH if alone else bool(countries & BRITISH)).astype(bool)


def load(folder: Path | str = DATA) -> Dataset:
    """Read the study dataset.

    folder: where datapackage.json and the CSV tables are.
    Returns a Dataset of typed pandas tables, in reading order: by section, then by key. The order of rows in
    the files does not matter, so a table re-sorted in a spreadsheet is the same table; only examples, which have
    no key, stay in the order of their file.
    Raises ValueError, naming file and field, for a value that is not of its declared type; run
    `make check` for every rule, row by row.
    """
    folder = Path(folder)
    return Dataset(**{name: _table(folder / r["path"], r["schema"]) for name, r in schema(folder).items()})


def _table(path: Path, schema: dict) -> pd.DataFrame:
    # utf-8-sig: a spreadsheet may have put a byte-order mark in front.
    raw = pd.read_csv(path, dtype="string", keep_default_na=False, encoding="utf-8-sig")
    table = pd.DataFrame({field["name"]: _column(raw, field, path) for field in schema["fields"]})
    order = [c for c in ("section", *schema.get("primaryKey", [])) if c in table]
    return table.sort_values(order, kind="stable", ignore_index=True) if order else table


def _column(raw: pd.DataFrame, field: dict, path: Path) -> pd.Series:
    name, kind = field["name"], field["type"]
    try:
        values = raw[name]
        if kind == "string":
            allowed = field.get("constraints", {}).get("enum")
            if not allowed:
                return values
            if unknown := set(values) - set(allowed) - {""}:
                raise ValueError(f"{sorted(unknown)[0]!r} is not one of {', '.join(allowed)}")
            return values.astype(pd.CategoricalDtype(allowed, ordered=True))
        if kind == "boolean":
            lower = values.str.lower()  # a spreadsheet writes TRUE
            if not lower.isin(["true", "false", ""]).all():
                raise ValueError("expected true or false")
            values = lower.map({"true": True, "false": False, "": ""})
        return values.replace("", pd.NA).astype(DTYPES[kind])
    except KeyError:
        raise ValueError(f"{path.name}: field {name} is missing") from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path.name}: field {name}: expected {kind}: {error}") from None
