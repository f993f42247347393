"""How far the balance of a section's findings hangs on its sources.

The unit is the finding: a claim as this book divided the review. A finding counts while at least one of its sources is kept,
so findings of the reviewers' own never count. Source and finding pairs are not independent of each other, so an interval here
is a help to the eye, and too narrow.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from evidence.data import Dataset
from evidence.stats import Proportion, wilson


def stance(data: Dataset, section: str) -> pd.Series:
    """Which findings of a section speak of strain, among those that speak of the relationship.

    data: the dataset. section: its short name. Returns True or False by finding, shape (findings that are not neutral,).
    Raises ValueError for a section without findings. Source: findings.csv, direction.
    """
    here = data.findings[data.findings.section == section]
    if here.empty:
        raise ValueError(f"expected a section with findings, got {section!r}")
    directed = here[here.direction != "neutral"].set_index("finding").direction
    return (directed == "strain").rename("says")


def balance(data: Dataset, section: str, keep: Iterable[str] | None = None, says: pd.Series | None = None) -> Proportion | None:
    """The share of a section's sourced findings that say so, when only some studies are kept.

    data: the dataset. section: its short name. keep: keys of the studies to keep; None keeps all. says: True or False by
    finding, the findings that count; None takes stance(). Returns count, base and share (fractions from 0 to 1, Wilson's 95%
    interval), or None where no finding has a source left. Raises ValueError for a study that is not in studies.csv, or a
    finding of another section. Source: findings.csv and citations.csv, carried findings with the sources they rest on.
    """
    says = stance(data, section) if says is None else says
    if strange := set(says.index) - set(data.findings.finding[data.findings.section == section]):
        raise ValueError(f"expected findings of {section}, got {sorted(strange)[0]!r}")
    support = data.support()
    if keep is not None:
        keep = set(keep)
        if unknown := keep - set(data.studies.study):
            raise ValueError(f"expected studies of studies.csv, got {sorted(unknown)[0]!r}")
        support = support[support.study.isin(keep)]
    left = says[says.index.isin(support.finding)]
    return wilson(int(left.sum()), len(left)) if len(left) else None


def leave_one_out(data: Dataset, section: str, says: pd.Series | None = None) -> pd.DataFrame:
    """The balance of a section without each of its sources in turn.

    data, section, says: as in balance(). Returns one row a study that supports a counted finding, by key: study, findings (how many it supports),
    alone (how many it alone supports), count, base, share (NaN where nothing is left) and move (share less the share with
    every source; fractions). Raises ValueError as balance() does. Source: findings.csv and citations.csv.
    """
    says = stance(data, section) if says is None else says
    every = balance(data, section, says=says)
    support = data.support()
    support = support[support.finding.isin(says.index)]
    sources = support.groupby("finding").study.nunique()
    rows = []
    for study, part in support.groupby("study"):
        left = balance(data, section, set(data.studies.study) - {study}, says)
        rows.append({"study": study, "findings": part.finding.nunique(), "alone": int((sources[part.finding.unique()] == 1).sum()),
                     "count": left.count if left else 0, "base": left.base if left else 0, "share": left.value if left else float("nan")})
    frame = pd.DataFrame(rows, columns=["study", "findings", "alone", "count", "base", "share"])
    return frame.assign(move=frame.share - every.value if every else float("nan"))


def concentration(data: Dataset, section: str) -> pd.DataFrame:
    """How few studies carry a section: its sources from the most used down, with what they carry together.

    data: the dataset. section: its short name. Returns one row a study: study, findings (that it supports), rank (from 1) and
    carried (share of the pairs of source and finding that studies up to this one make, a fraction). Empty where the section
    cites nothing. Source: findings.csv and citations.csv.
    """
    here = set(data.findings.finding[data.findings.section == section])
    support = data.support()
    frame = support[support.finding.isin(here)].groupby("study", as_index=False).finding.nunique().rename(columns={"finding": "findings"})
    frame = frame.sort_values(["findings", "study"], ascending=[False, True], ignore_index=True)
    return frame.assign(rank=range(1, len(frame) + 1), carried=frame.findings.cumsum() / frame.findings.sum())


def shared(data: Dataset, sections: Iterable[str]) -> pd.DataFrame:
    """How many studies stand behind findings of two sections at once.

    data: the dataset. sections: their short names. Returns a symmetric table of counts, shape (sections, sections); the diagonal
    is the number of studies behind each. Source: findings.csv and citations.csv.
    """
    names = list(sections)
    studies = {s: set(concentration(data, s).study) for s in names}
    return pd.DataFrame([[len(studies[a] & studies[b]) for b in names] for a in names], index=names, columns=names)
