"""The network of a few made-up citations, worked out by hand, and the chapter's numbers, worked out from the files alone."""

import csv
import json
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import pytest

import evidence as ev
from evidence.datapackage import DATA

PAIRS = [("T1-01", "b"), ("T1-01", "a"), ("T1-02", "a"), ("T1-02", "b"), ("T1-02", "c"), ("T2-01", "d")]
THEMES = {f"theme{n}" for n in range(1, 7)}


def test_sources_are_together_for_the_findings_that_cite_both():
    found = ev.together(PAIRS)
    assert list(found) == ["a", "b", "c", "d"] and found.degree("d") == 0
    assert found.edges["a", "b"]["findings"] == ["T1-01", "T1-02"]
    assert found.edges["b", "c"]["findings"] == ["T1-02"] and found.number_of_edges() == 3


@pytest.fixture(scope="module")
def citations():
    data = ev.load()
    support = data.support()
    pairs = list(support.loc[~support.carried, ["finding", "study"]].itertuples(index=False, name=None))
    return pairs, data.findings.set_index("finding").section.astype(str).to_dict()


def test_a_shuffle_keeps_what_each_finding_and_each_source_has(citations):
    pairs, section = citations
    for found in ev.shuffles(pairs, section, 3):
        assert len(set(found)) == len(pairs) and set(found) != set(pairs)  # none twice, and it moved
        assert Counter(f for f, _ in found) == Counter(f for f, _ in pairs)
        assert Counter((section[f], s) for f, s in found) == Counter((section[f], s) for f, s in pairs)  # nothing leaves its block


def test_shuffles_are_the_same_each_time_and_differ_from_one_another(citations):
    one, other = (list(ev.shuffles(*citations, 2)) for _ in range(2))
    assert one == other and one[0] != one[1] and one != list(ev.shuffles(*citations, 2, seed=1))


def test_what_cannot_be_exchanged_stays():
    assert set(next(ev.shuffles(PAIRS, {"T1-01": 1, "T1-02": 2, "T2-01": 3}, 1))) == set(PAIRS)
    with pytest.raises(KeyError, match="T2-01"):
        next(ev.shuffles(PAIRS, {"T1-01": 1, "T1-02": 1}, 1))


def test_chance_gives_every_arrangement_about_as_often():
    """Two findings of one source each, and a third: six arrangements, none preferred."""
    pairs = [("f", "a"), ("g", "b"), ("h", "c")]
    seen = Counter(tuple(sorted(s)) for s in ev.shuffles(pairs, dict.fromkeys("fgh", 1), 3000))
    assert len(seen) == 6 and all(400 < n < 600 for n in seen.values())


def test_authors_are_one_by_surname_and_initial_and_bodies_count(tmp_path):
    path = tmp_path / "references.bib"
    path.write_text("@misc{a, author={Ham, Chris and von Knorring, Mia}}\n@misc{b, author={C. Ham and {British Medical Association}}}\n@misc{c, author={Dalmas}}", "utf-8")
    found = ev.authors(path)
    assert found["a"] == {"Ham, C", "von Knorring, M"} and found["a"] & found["b"] == {"Ham, C"}
    assert "{British Medical Association}" in found["b"] and found["c"] == {"Dalmas"}
    assert set(ev.authors().index) >= set(ev.load().studies.study)


@pytest.fixture(scope="module")
def chapter():
    """What the chapter glues, by name."""
    notebook = json.loads((Path(__file__).resolve().parent.parent / "chapters" / "citation-structure.ipynb").read_text("utf-8"))
    return {o["metadata"]["scrapbook"]["name"]: "".join(o["data"][next(k for k in o["data"] if k.endswith("text/plain"))]).strip("'")
            for c in notebook["cells"] for o in c.get("outputs", []) if "scrapbook" in o.get("metadata", {})}


@pytest.fixture(scope="module")
def behind():
    """The sources of each sourced finding of the six themes, printed or carried, from the files alone."""
    rows = {name: list(csv.DictReader((DATA / f"{name}.csv").open(encoding="utf-8"))) for name in ("findings", "citations")}
    cited = defaultdict(set)
    for c in rows["citations"]:
        cited[c["finding"]].add(c["study"])
    all_of = {f["finding"]: (f["section"], cited[f["finding"]], cited[f["finding"]] | cited[f["rests_on"]]) for f in rows["findings"] if f["section"] in THEMES}
    return {f: found for f, found in all_of.items() if found[2]}


def test_the_chapter_s_bridges_are_those_of_the_files(chapter, behind):
    reach = defaultdict(set)
    for section, _, sources in behind.values():
        for s in sources:
            reach[s].add(section)
    bridges = {s for s, where in reach.items() if len(where) > 1}
    wide = {s for s, where in reach.items() if len(where) > 2}
    only = [f for f, (_, _, sources) in behind.items() if sources <= bridges]
    last = [f for f, (_, _, sources) in behind.items() if sources <= wide]
    joined = {pair for s in bridges - wide for pair in combinations(sorted(reach[s]), 2)}
    assert [chapter[k] for k in ("n-all", "n-bridges", "n-wide")] == [str(len(g)) for g in (reach, bridges, wide)]
    assert chapter["f-shared"] == f"{len(only)} of {len(behind)}" and chapter["lost-bridges"] == str(len(only))
    assert chapter["findings-wide"] == f"{len(last)} of {len(behind)}" and chapter["joined-wide"] == f"{len(joined)} of 15"
    assert chapter["lost-once"] == str(sum(not sources & bridges for _, _, sources in behind.values()))


def test_the_chapter_s_pairs_are_those_of_the_files(chapter, behind):
    pairs = Counter(pair for _, cited, _ in behind.values() for pair in combinations(sorted(cited), 2))
    by = ev.authors()
    assert chapter["n-pairs"] == str(len(pairs)) and chapter["n-again"] == chapter["seen-again"] == str(sum(n > 1 for n in pairs.values()))
    assert chapter["seen-kin"] == str(sum(bool(by[a] & by[b]) for a, b in pairs))
