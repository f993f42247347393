"""Intervals and tests against published values."""

import pytest

import evidence as ev


@pytest.mark.parametrize("count, base, low, high", [
    (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)])
def test_wilson_is_as_newcombe_prints_it(count, base, low, high):
    """Newcombe RG (1998), Statistics in Medicine 17:857, Table I, method 3."""
    found = ev.wilson(count, base)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("one, other, low, high", [
    ((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((10, 10), (0, 10), 0.6075, 1.0000)])
def test_difference_is_as_newcombe_prints_it(one, other, low, high):
    """Newcombe RG (1998), Statistics in Medicine 17:873, Table II, method 10."""
    value, found_low, found_high = ev.difference(ev.wilson(*one), ev.wilson(*other))
    assert value == pytest.approx(one[0] / one[1] - other[0] / other[1])
    assert (found_low, found_high) == pytest.approx((low, high), abs=5e-5)


def test_chi_squared_by_hand():
    """For a 2 by 2 table it is n(ad - bc)^2 over the product of the margins."""
    found = ev.chi_squared([[10, 20], [30, 40]])
    assert found.statistic == pytest.approx(100 * (10 * 40 - 20 * 30) ** 2 / (30 * 70 * 40 * 60))
    assert found.freedom == 1 and found.p == pytest.approx(0.3729, abs=1e-4)


def test_published_percentages_of_2002_follow_from_their_counts():
    survey = ev.load().figures.query("study == 'davies2003a' and base.notna()")
    assert len(survey) == 5
    for row in survey.itertuples():
        assert round(100 * ev.wilson(row.count, row.base).value) == row.percent


def test_the_paper_s_verdict_on_2002_is_repeated():
    """It reports P < 0.01 across four groups; the two with counts differ at least as clearly."""
    assert ev.chi_squared([[78, 103 - 78], [164, 443 - 164]]).p < 0.01
    assert ev.chi_squared([[80, 102 - 80], [123, 439 - 123]]).p < 0.01


@pytest.mark.parametrize("count, base", [(5, 4), (-1, 4), (0, 0)])
def test_impossible_counts_are_refused(count, base):
    with pytest.raises(ValueError, match="expected 0 <= count <= base"):
        ev.wilson(count, base)


def test_prose():
    assert ev.percent(0.757) == "76%" and ev.percent(0.1234, 1) == "12.3%"
    assert ev.spread(ev.wilson(78, 103)) == "67% to 83%"


def test_agreement_is_as_krippendorff_computes_it():
    """Two coders on ten units, one disagreement, by hand: alpha = 1 - (n - 1) Do / De."""
    first, second = list("aaaabbbbcc"), list("aaabbbbbcc")
    share, alpha, low, high = ev.agreement(first, second)
    values = first + second
    n = len(values)
    expected = sum(values.count(a) * values.count(b) for a in "abc" for b in "abc" if a != b) / (n * (n - 1))
    assert (share.count, share.base) == (9, 10)
    assert alpha == pytest.approx(1 - (2 / n) / expected)
    assert low < alpha <= high
    assert ev.agreement(first, first)[1:] == (1, 1, 1)


def test_agreement_needs_two_codings_of_the_same_things():
    with pytest.raises(ValueError, match="expected two codings of the same things, got 1 and 2"):
        ev.agreement(["a"], ["a", "b"])
