"""Proportions, intervals and tests, all through scipy."""

from __future__ import annotations

from typing import NamedTuple

import krippendorff
import numpy as np
from scipy import stats


class Proportion(NamedTuple):
    """A share of people: value, low and high are fractions from 0 to 1."""

    count: int
    base: int
    value: float
    low: float
    high: float


class Test(NamedTuple):
    """A chi-squared test of independence: statistic, degrees of freedom and p (0 to 1)."""

    __test__ = False  # not a pytest class
    statistic: float
    freedom: int
    p: float


def wilson(count: int, base: int, level: float = 0.95) -> Proportion:
    """Proportion with its Wilson score interval.

    count people of base; level is the confidence level. Raises ValueError unless 0 <= count <= base.
    Source: Wilson EB (1927), as in scipy.stats.binomtest.
    """
    if base < 1 or not 0 <= count <= base:
        raise ValueError(f"expected 0 <= count <= base and base >= 1, got count {count}, base {base}")
    found = stats.binomtest(int(count), int(base)).proportion_ci(level, method="wilson")
    return Proportion(int(count), int(base), count / base, float(found.low), float(found.high))


def chi_squared(table) -> Test:
    """Pearson's chi-squared test of independence, without continuity correction.

    table: counts, a row a group and a column an answer, shape (groups, answers).
    Raises ValueError for a negative count or a table with an empty row or column.
    Source: scipy.stats.chi2_contingency.
    """
    statistic, p, freedom, _ = stats.chi2_contingency(np.asarray(table, dtype=float), correction=False)
    return Test(float(statistic), int(freedom), float(p))


def difference(one: Proportion, other: Proportion) -> tuple[float, float, float]:
    """Difference one - other with Newcombe's hybrid score interval: value, low, high, as fractions.

    The interval is as wide as the level the two proportions were made with.
    Source: Newcombe RG (1998), method 10, from the two Wilson intervals.
    """
    value = one.value - other.value
    down = np.hypot(one.value - one.low, other.high - other.value)
    up = np.hypot(one.high - one.value, other.value - other.low)
    return value, value - float(down), value + float(up)


def agreement(first, second, level: float = 0.95) -> tuple[Proportion, float, float, float]:
    """How far two codings of the same things agree.

    first, second: codes, one a thing, in the same order, shape (things,).
    Returns the share coded alike, with its interval, and Krippendorff's alpha for nominal codes (1 is perfect
    agreement, 0 is chance) with a bootstrap percentile interval over things: alpha, low, high.
    Raises ValueError when the two are not of one length.
    Source: the krippendorff package; scipy.stats.bootstrap, 2,000 resamples from a fixed seed.
    """
    if len(first) != len(second):
        raise ValueError(f"expected two codings of the same things, got {len(first)} and {len(second)}")
    names = sorted(set(first) | set(second))
    codes = np.array([[names.index(c) for c in coding] for coding in (first, second)])

    def alpha(one, other) -> float:
        single = len(np.unique([one, other])) == 1  # alpha is not defined where nothing varies
        return 1.0 if single else krippendorff.alpha([one, other], level_of_measurement="nominal")

    found = stats.bootstrap(tuple(codes), alpha, paired=True, vectorized=False, n_resamples=2000, confidence_level=level,
                            method="percentile", rng=np.random.default_rng(2016)).confidence_interval
    alike = int((codes[0] == codes[1]).sum())
    return wilson(alike, codes.shape[1], level), float(alpha(*codes)), float(found.low), float(found.high)


def percent(fraction: float, digits: int = 0) -> str:
    """A fraction from 0 to 1 as a percentage for prose: percent(0.757) is '76%'."""
    return f"{100 * fraction:.{digits}f}%"


def spread(found: Proportion) -> str:
    """The interval of a proportion for prose: '67% to 83%'."""
    return f"{percent(found.low)} to {percent(found.high)}"
