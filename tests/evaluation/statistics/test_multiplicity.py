"""Holm's step-down over several claims."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.evaluation import statistics
from sekisho.evaluation.statistics import Claim, Decision, Observation
from tests.evaluation.statistics.observed import CHANGES, Pairs, most, observed

P_VALUES = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=2), st.floats(0, 1), min_size=1, max_size=8)


def test_holm_equals_the_worked_example() -> None:
    """Four p-values: times four, three, two and one, none below a smaller one's."""
    adjusted = statistics.holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert adjusted == pytest.approx({"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06})


@given(P_VALUES)
def test_holm_keeps_the_order_and_lies_below_bonferroni(p_values: dict[str, float]) -> None:
    """Never smaller than the p itself, never above k times it, in the same order, at most 1."""
    adjusted = statistics.holm(p_values)
    for name, p in p_values.items():
        assert p <= adjusted[name] <= min(1.0, p * len(p_values)) + 1e-12
    ordered = sorted(p_values, key=lambda name: (p_values[name], name))
    assert [adjusted[name] for name in ordered] == sorted(adjusted.values())


@given(P_VALUES)
def test_a_further_claim_never_helps_the_others(p_values: dict[str, float]) -> None:
    """Adding a claim raises adjusted p-values or leaves them."""
    name = min(p_values)
    rest = {key: p for key, p in p_values.items() if key != name}
    alone, joined = statistics.holm(rest), statistics.holm(p_values)
    assert all(alone[key] <= joined[key] + 1e-12 for key in rest)


@given(st.dictionaries(st.sampled_from("pqrst"), CHANGES, min_size=1, max_size=4), st.floats(-0.4, 0.1))
def test_decisions_bounds_and_p_say_the_same(data: dict[str, Pairs], floor: float) -> None:
    """A pass has its whole simultaneous interval at or above the floor, a fail at or below; none is kinder."""
    bounds = {name: statistics.difference_bounds(observed(pairs), seed=1) for name, pairs in data.items()}
    joint = statistics.together({name: Claim(found, floor) for name, found in bounds.items()})
    for name, found in joint.items():
        alone = statistics.at_least(statistics.interval_of(bounds[name], floor=-1.0), floor)
        assert found.decision in {alone, Decision.INCONCLUSIVE}
        assert (found.p_pass <= 0.025) == (found.decision is Decision.PASS)
        assert (found.p_fail <= 0.025) == (found.decision is Decision.FAIL)
        if found.decision is Decision.PASS:
            assert found.interval.low >= floor - 1e-9
        elif found.decision is Decision.FAIL:
            assert found.interval.high <= floor + 1e-9


def test_one_claim_alone_is_not_adjusted() -> None:
    """Its decision, p and interval are those that it has by itself."""
    bounds = statistics.difference_bounds([Observation(float(n % 5 == 0), str(n)) for n in range(60)], seed=1)
    found = statistics.together({"only": Claim(bounds, -0.03)})["only"]
    alone = statistics.interval_of(bounds, floor=-1.0)
    assert found.decision is Decision.PASS
    assert found.p_pass == statistics.p_at_most(bounds, -0.03)
    assert (found.interval.low, found.interval.high) == pytest.approx((alone.low, alone.high))


@given(st.dictionaries(st.sampled_from("pqrst"), CHANGES, min_size=1, max_size=4), st.integers(0, 3))
def test_a_claim_without_an_estimate_takes_its_share_and_no_more(data: dict[str, Pairs], missing: int) -> None:
    """Whatever it would turn out to be, it can only help: what is decided without it stays decided with it."""
    bounds = {name: statistics.difference_bounds(observed(pairs), seed=1) for name, pairs in data.items()}
    claims = {name: Claim(found, -0.05) for name, found in bounds.items()}
    unknown = statistics.together({**claims, **dict.fromkeys(map(str, range(missing)))})
    turned_out = statistics.together({**claims, **{str(one): next(iter(claims.values())) for one in range(missing)}})
    assert set(unknown) == set(claims)
    for name, found in unknown.items():
        later = turned_out[name]
        assert later.p_pass <= found.p_pass
        assert later.p_fail <= found.p_fail
        assert found.decision in {later.decision, Decision.INCONCLUSIVE}


def test_holm_counts_claims_that_have_no_p_yet() -> None:
    """Two known of four: times four and three."""
    assert statistics.holm({"a": 0.01, "b": 0.02}, unknown=2) == pytest.approx({"a": 0.04, "b": 0.06})


def test_many_true_claims_rarely_fail_together() -> None:
    """Six claims exactly at their margin: any wrong fail and any wrong pass stay near 2.5 %, not six times that."""
    rng, rounds, wrong = random.Random(3), 200, {Decision.PASS: 0, Decision.FAIL: 0}
    for _ in range(rounds):
        claims = {
            str(claim): Claim(statistics.difference_bounds(at_the_margin(rng), seed=1), -0.03) for claim in range(6)
        }
        decided = {found.decision for found in statistics.together(claims).values()}
        for decision in wrong:
            wrong[decision] += decision in decided
    assert max(wrong.values()) <= most(rounds, 0.035)


def at_the_margin(rng: random.Random) -> list[Observation]:
    return [Observation(float(rng.random() < 0.1) - float(rng.random() < 0.13), str(number)) for number in range(150)]
