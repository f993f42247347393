"""Tables as MyST Markdown: real tables in HTML and PDF, with live citations."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from evidence.data import Dataset

#: What MyST would read as markup in a cell of data.
SPECIAL = re.compile(r"([\\`*_{}\[\]<>|$#~^@:%&!()])")


class Myst(str):
    """Text that is MyST already; any other text in a table is data, and shown as it stands."""


def escape(value: object) -> str:
    """A cell as MyST: data is escaped, so that markup in a title is text; a missing value is a dash."""
    if isinstance(value, Myst):
        return str(value)
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)) or value == "":
        return "–"
    return SPECIAL.sub(r"\\\1", str(value)).replace("\n", " ")


def cite(studies: Iterable[str] | str, textual: bool = True) -> Myst:
    """Live citations of one or more studies, by key: 'Davies and others (2003a)', or bracketed."""
    keys = [studies] if isinstance(studies, str) else list(studies)
    if not keys:
        return Myst("")
    return Myst(f"{{cite:{'t' if textual else 'p'}}}`{','.join(keys)}`")


def mark(findings: Iterable[str] | str) -> Myst:
    """Marks linked to the rows of the findings ledger."""
    ids = [findings] if isinstance(findings, str) else list(findings)
    return Myst(" ".join(f"{{finding}}`{i}`" for i in ids))


def sources(data: Dataset, section: str, name: str) -> Table:
    """The closing table of a chapter: each source a section cites, the findings it is printed for, its record.

    data: the dataset. section: its short name. name: label of the table. Columns Source, Used for, Evidence, Country, Record.
    """
    here = data.citations[data.citations.section == section]
    behind = here.groupby("study").finding.agg(lambda f: mark(dict.fromkeys(f)))
    studies = data.studies[data.studies.study.isin(behind.index)]
    frame = pd.DataFrame({
        "Source": [cite(s) for s in studies.study], "Used for": list(behind[studies.study]),
        "Evidence": list(studies.evidence.astype(str)), "Country": list(studies.countries.str.replace(";", ", ")),
        "Record": list(studies.record.astype(str))})
    return Table(frame, "The sources that the review cites here and the claims it prints them for. *Evidence*: UK studies *direct*ly on the relationship "
                 "or on a *related* subject, *international* studies, *review*s, *policy* texts, *theory* and comment. *Record*: how far the reference "
                 "was checked. Full entries are in the [references](references.ipynb).", name)


def firmness(data: Dataset, section: str, name: str) -> Table:
    """How firm a section's findings are: by attribution, basis, place and hedging, and by what they say.

    data: the dataset. section: its short name. name: label of the table. A row a code that occurs, columns Kind of finding, Findings,
    then the directions; every cell is a count of findings.
    """
    findings = data.findings[data.findings.section == section]
    kinds = {"attribution": {"cited": "Cites a source", "carried": "Rests on a source named nearby", "reviewers": "The reviewers' own"},
             "basis": {"empirical": "Stands on data", "argued": "Argued", "mixed": "Both"},
             "scope": {"UK": "About the UK", "abroad": "About another country", "general": "General, or several countries"},
             "hedging": {"established": "Stated flatly", "probable": "Hedged", "contested": "Contested"}}
    ways = ["strain", "mixed", "alignment", "neutral"]
    rows = [{"Kind of finding": label, "Findings": int((findings[column] == code).sum()),
             **{way.capitalize(): int(((findings[column] == code) & (findings.direction == way)).sum()) for way in ways}}
            for column, codes in kinds.items() for code, label in codes.items()]
    frame = pd.DataFrame(rows)
    return Table(frame[frame.Findings > 0], f"The {len(findings)} claims of the review's section: whose they are, what they stand on, where they hold and "
                 "how firmly they are put, each by what they say of the relationship.", name)


class Table:
    """A numbered table with a caption, shown as MyST Markdown.

    frame: the cells; column names are the headings. caption: MyST. name: label for {numref}.
    Columns of numbers are right-aligned; align overrides, 'left' or 'right' by column name. kind: 'explorer' for a table
    that can be searched on a page.
    """

    def __init__(self, frame: pd.DataFrame, caption: str, name: str, align: dict[str, str] | None = None, kind: str = ""):
        self.frame, self.caption, self.name, self.align, self.kind = frame, caption, name, align or {}, kind

    def markdown(self) -> str:
        """The table as a MyST {table} directive round a pipe table."""
        sides = [self.align.get(c) or ("right" if pd.api.types.is_numeric_dtype(self.frame[c]) else "left")
                 for c in self.frame]
        rule = ["---:" if side == "right" else ":---" for side in sides]
        rows = [[escape(c) for c in self.frame], rule,
                *([escape(v) for v in row] for row in self.frame.itertuples(index=False))]
        body = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        kind = f":class: {self.kind}\n" if self.kind else ""
        return f":::{{table}} {self.caption}\n:name: {self.name}\n{kind}\n{body}\n:::"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/markdown": self.markdown(), "text/plain": self.frame.to_string(index=False)}
