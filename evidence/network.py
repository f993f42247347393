"""Which sources are cited together, whose they are, and what citing at random would give.

A link is an act of the reviewers: they named two sources for one finding. It says nothing of whether the two agree.
"""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import combinations
from pathlib import Path

import networkx as nx
import pandas as pd
from pybtex.database import parse_file

from evidence.datapackage import BIBLIOGRAPHY


def together(pairs: Iterable[tuple[str, str]]) -> nx.Graph:
    """The network of studies cited for the same finding.

    pairs: finding and study, each pair once. Returns a graph of studies, in alphabetical order; a link has the attribute findings,
    the findings for which both are cited, in the order of pairs. A study cited alone is a node without links.
    """
    behind: dict[str, list[str]] = {}
    for finding, study in pairs:
        behind.setdefault(finding, []).append(study)
    graph = nx.Graph()
    graph.add_nodes_from(sorted({s for studies in behind.values() for s in studies}))
    for finding, studies in behind.items():
        for one, other in combinations(sorted(studies), 2):
            if not graph.has_edge(one, other):
                graph.add_edge(one, other, findings=[])
            graph.edges[one, other]["findings"].append(finding)
    return graph


def shuffles(pairs: Iterable[tuple[str, str]], block: Mapping[str, Hashable], times: int, seed: int = 2016) -> Iterator[list[tuple[str, str]]]:
    """The same citations, shuffled: what being cited together would look like by chance.

    Two findings of one block exchange a study, again and again; each keeps its number of studies, and each study its number
    of findings in the block. pairs: finding and study, each pair once. block: the block of every finding, such as its
    section. times: how many shuffles; each goes on from the last, with ten trials of an exchange a pair. Yields pairs, as long as
    those given. Raises KeyError for a finding without a block.
    """
    rng, now = random.Random(seed), list(pairs)
    held, groups = set(now), {}
    for i, (finding, _) in enumerate(now):
        groups.setdefault(block[finding], []).append(i)
    for _ in range(times):
        for group in groups.values():
            for _ in range(10 * len(group)):
                i, j = group[int(rng.random() * len(group))], group[int(rng.random() * len(group))]
                (one, study), (other, fellow) = now[i], now[j]
                if (one, fellow) not in held and (other, study) not in held:
                    held -= {now[i], now[j]}
                    now[i], now[j] = (one, fellow), (other, study)
                    held |= {now[i], now[j]}
        yield list(now)


def authors(bibliography: Path = BIBLIOGRAPHY) -> pd.Series:
    """Who wrote each source: a set of names such as 'Ham, C' by key; a body that wrote it counts as an author.

    Surname and first initial, so that a full name and its initial are one; two people who share both are taken for one, and a
    misprinted name is another person. Source: references.bib.
    """
    return pd.Series({key: frozenset(f"{' '.join(p.prelast_names + p.last_names)}, {''.join(p.first_names)[:1]}".strip(", ") for p in entry.persons.get("author", []))
                      for key, entry in parse_file(str(bibliography)).entries.items()}, name="authors")
