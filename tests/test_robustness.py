"""The balance of a tiny made-up section, worked out by hand, and of the first theme as its chapter prints it."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import evidence as ev
from evidence.datapackage import DATA


@pytest.fixture
def tiny():
    """Six findings: three of strain, one of alignment, one neutral, one of the reviewers' own; T1-02 rests on T1-01."""
    empty = ev.load()
    findings = pd.DataFrame(
        [("T1-01", "strain", ""), ("T1-02", "strain", "T1-01"), ("T1-03", "alignment", ""), ("T1-04", "neutral", ""), ("T1-05", "strain", ""),
         ("T1-06", "strain", "")], columns=["finding", "direction", "rests_on"]).assign(section="theme1")
    citations = pd.DataFrame([("T1-01", "a2001"), ("T1-03", "b2002"), ("T1-04", "b2002"), ("T1-05", "b2002"), ("T1-05", "c2003")],
                             columns=["finding", "study"]).assign(section="theme1", role="evidence")
    return replace(empty, findings=findings, citations=citations, studies=pd.DataFrame({"study": ["a2001", "b2002", "c2003"]}))


def test_the_balance_counts_findings_that_have_a_source_and_a_direction(tiny):
    found = ev.balance(tiny, "theme1")
    assert (found.count, found.base, found.value) == (3, 4, 0.75)  # not the neutral one, not the reviewers' own


def test_a_carried_finding_goes_with_the_source_it_rests_on(tiny):
    found = ev.balance(tiny, "theme1", ["b2002", "c2003"])
    assert (found.count, found.base) == (1, 2)


def test_nothing_left_is_none(tiny):
    assert ev.balance(tiny, "theme1", []) is None


def test_another_question_can_be_put(tiny):
    found = ev.balance(tiny, "theme1", says=pd.Series({"T1-04": True, "T1-03": False}))
    assert (found.count, found.base) == (1, 2)


@pytest.mark.parametrize("call, fault", [
    (lambda d: ev.balance(d, "theme9"), "theme9"), (lambda d: ev.balance(d, "theme1", ["z1999"]), "z1999"),
    (lambda d: ev.balance(d, "theme1", says=pd.Series({"T2-01": True})), "T2-01")])
def test_what_is_not_there_is_named(tiny, call, fault):
    with pytest.raises(ValueError, match=fault):
        call(tiny)


def test_each_source_is_left_out_in_turn(tiny):
    found = ev.leave_one_out(tiny, "theme1").set_index("study")
    assert list(found.index) == ["a2001", "b2002", "c2003"]
    assert found.loc["a2001", ["findings", "alone", "count", "base", "share", "move"]].tolist() == [2, 2, 1, 2, 0.5, -0.25]
    assert found.loc["b2002", ["findings", "alone", "count", "base", "share", "move"]].tolist() == [2, 1, 3, 3, 1.0, 0.25]
    assert found.loc["c2003", ["findings", "alone", "move"]].tolist() == [1, 0, 0.0]


def test_the_most_used_source_comes_first(tiny):
    found = ev.concentration(tiny, "theme1")
    assert found.study.tolist() == ["b2002", "a2001", "c2003"]
    assert found.carried.tolist() == pytest.approx([3 / 6, 5 / 6, 1]) and found["rank"].tolist() == [1, 2, 3]


def test_shared_sources_are_counted_once_each_way(tiny):
    more = replace(tiny, findings=pd.concat([tiny.findings, pd.DataFrame([("T2-01", "strain", "", "theme2")], columns=tiny.findings.columns)]),
                   citations=pd.concat([tiny.citations, pd.DataFrame([("T2-01", "b2002", "theme2", "evidence")], columns=tiny.citations.columns)]))
    found = ev.shared(more, ["theme1", "theme2"])
    assert found.to_numpy().tolist() == [[3, 1], [1, 1]]


def by_hand(keep):
    """Strain and base of the first theme, from the files alone: a cited finding counts with a kept source, a carried one with its first's."""
    rows = {name: list(csv.DictReader((DATA / f"{name}.csv").open(encoding="utf-8"))) for name in ("findings", "citations", "studies")}
    kept = {s["study"] for s in rows["studies"] if keep(s)}
    sourced = {c["finding"] for c in rows["citations"] if c["study"] in kept}
    left = [f["direction"] for f in rows["findings"] if f["section"] == "theme1" and f["direction"] != "neutral"
            and {f["finding"], f["rests_on"]} & sourced]
    return left.count("strain"), len(left)


def test_the_first_theme_s_chapter_prints_the_same_numbers():
    """The package's, and those worked out from the files without it."""
    notebook = json.loads((Path(__file__).resolve().parent.parent / "chapters" / "theme-1-improving-or-worse.ipynb").read_text("utf-8"))
    glued = {o["metadata"]["scrapbook"]["name"]: "".join(o["data"][next(k for k in o["data"] if k.endswith("text/plain"))]).strip("'")
             for c in notebook["cells"] for o in c.get("outputs", []) if "scrapbook" in o.get("metadata", {})}
    data = ev.load()
    every, alone = ev.balance(data, "theme1"), ev.leave_one_out(data, "theme1")
    seen = ev.balance(data, "theme1", data.studies.study[data.studies.coding_basis != "nothing"])
    assert by_hand(lambda s: True) == (every.count, every.base)
    assert by_hand(lambda s: s["coding_basis"] != "nothing") == (seen.count, seen.base)
    shares = [count / base for count, base in (by_hand(lambda s, out=out: s["study"] != out) for out in alone.study)]
    assert (min(shares), max(shares)) == pytest.approx((alone.share.min(), alone.share.max()))
    assert glued["n-sourced"] == str(every.base) and glued["share-all"] == ev.percent(every.value)
    assert glued["left-read"] == f"{seen.count} of {seen.base}" and glued["share-read"] == ev.percent(seen.value)
    assert (glued["share-low"], glued["share-high"]) == (ev.percent(alone.share.min()), ev.percent(alone.share.max()))
    carried = ev.concentration(data, "theme1").carried
    assert glued["n-half"] == str((carried < 0.5).sum() + 1)
