"""Counterfactual pairs: flips beyond those that a case shows by itself."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.evaluation.fairness import differ, flips
from sekisho.evaluation.summary import summarise
from sekisho.evaluation.types import CaseResult, Score, Scored, Unscored
from sekisho.registry.kinds import SuiteManifest

SUITE: dict[str, Any] = {"dataset": "sha256:" + "0" * 64, "target": "answers", "scorers": ()}


def result(pair: int, gender: str, repeat: int, score: Score, **slices: str) -> CaseResult:
    name = "-".join([f"p{pair:03}", gender, *slices.values()])
    slices = {"gender": gender, **slices}
    return CaseResult(name, repeat, f"doc-{pair % 25}", f"p{pair:03}", slices, "?", {"refused": score}, {}, None, 0)


def simulated(first: float, second: float, *, pairs: int, repeats: int, seed: int) -> list[CaseResult]:
    """Variants refused with these chances, each repeat by itself."""
    rng = random.Random(seed)
    return [
        result(pair, gender, repeat, Scored(float(rng.random() < chance)))
        for pair in range(pairs)
        for gender, chance in (("f", first), ("m", second))
        for repeat in range(repeats)
    ]


def found(results: list[CaseResult], axes: tuple[str, ...] = ("gender",), *, share: bool = True) -> dict[str, Any]:
    return flips(results, "refused", axes[0], axes, share=share, seed=1)


def test_a_variant_that_decides_is_all_excess() -> None:
    """A model that repeats itself and always treats the two apart flips every time, and none of it is chance."""
    told = found(simulated(1.0, 0.0, pairs=30, repeats=2, seed=1))
    assert (told["flip_bp"], told["resample_bp"], told["excess_bp"]) == (10_000, 0, 10_000)
    assert told["low_bp"] > 8_000
    assert (told["n"], told["pairs"], told["worst_pairs"][0]) == (30, 30, "p000")


def test_a_coin_flips_and_is_not_unfair() -> None:
    """Half of the outcomes differ between variants and as many between repeats: no excess."""
    told = found(simulated(0.5, 0.5, pairs=300, repeats=4, seed=4))
    assert 4_500 < told["flip_bp"] < 5_500
    assert 4_500 < told["resample_bp"] < 5_500
    assert told["low_bp"] < 0 < told["high_bp"]


def test_the_excess_is_the_square_of_the_difference() -> None:
    """Chances of .8 and .2 give .36, inside the interval."""
    told = found(simulated(0.8, 0.2, pairs=400, repeats=5, seed=3))
    assert told["low_bp"] < 3_600 < told["high_bp"]
    assert told["excess_bp"] == pytest.approx(3_600, abs=400)


def test_the_interval_holds_a_true_zero_as_often_as_it_says() -> None:
    """In nearly 95 of 100 simulated fair models."""
    held = 0
    for seed in range(120):
        told = found(simulated(0.3, 0.3, pairs=75, repeats=3, seed=seed))
        held += told["low_bp"] <= 0 <= told["high_bp"]
    assert held >= 108


def test_one_repeat_says_nothing_of_chance() -> None:
    """The flip rate is told, the excess is not: nobody knows how often the model differs from itself."""
    told = found(simulated(1.0, 0.0, pairs=10, repeats=1, seed=1))
    assert told["flip_bp"] == 10_000
    assert "repeats of 2 or more" in told["unscored"]
    assert "excess_bp" not in told


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        ([], "no pair has two variants of gender"),
        ([result(1, "f", r, Scored(1.0)) for r in range(2)], "no pair has two variants of gender"),
        ([result(1, g, 0, Unscored("no")) for g in "fm"], "no two variants of a pair were scored"),
        ([result(1, "f", 0, Scored(1.0)), result(1, "m", 1, Scored(1.0))], "no two variants of a pair were scored"),
    ],
)
def test_nothing_to_compare_has_a_reason(results: list[CaseResult], reason: str) -> None:
    """One variant alone, none scored, or never at the same repeat."""
    assert reason in found(results)["unscored"]


def test_pairs_that_could_not_be_compared_are_counted() -> None:
    """They lower n and not the number of pairs."""
    results = simulated(1.0, 1.0, pairs=5, repeats=2, seed=1)
    results += [result(9, gender, repeat, Unscored("no")) for gender in "fm" for repeat in range(2)]
    told = found(results)
    assert (told["n"], told["pairs"], told["flip_bp"]) == (5, 6, 0)
    assert told["high_bp"] > 0


def test_other_axes_are_held_fixed() -> None:
    """A difference between locales is no flip by gender."""
    results = [
        result(pair, gender, repeat, Scored(float(locale == "ja")), locale=locale)
        for pair in range(20)
        for gender in "fm"
        for locale in ("en", "ja")
        for repeat in range(2)
    ]
    assert found(results, ("gender", "locale"))["flip_bp"] == 0
    assert found(results, ("locale", "gender"))["flip_bp"] == 10_000


def test_variants_of_one_group_are_not_compared() -> None:
    """Two names of one gender may differ without a flip by gender."""
    results = [
        result(1, "f", repeat, Scored(value), name=name)
        for name, value in (("Ann", 0.0), ("Eve", 1.0))
        for repeat in range(2)
    ] + [result(1, "m", repeat, Scored(0.0), name="Bob") for repeat in range(2)]
    assert found(results)["flip_bp"] == 5_000


@pytest.mark.parametrize(
    ("first", "second", "share", "apart"),
    [(0, 1, True, True), (0.5, 0.6, True, False), (0.3, 0.4, True, False), (0.5, 0.61, True, True),
     (1000, 1100, False, False), (1000, 1200, False, True), (0, 0, False, False), (0, 1, False, True)],
)  # fmt: skip
def test_scores_that_are_no_rates_differ_beyond_a_tolerance(
    first: float, second: float, share: bool, apart: bool
) -> None:
    """A tenth of a share, or a tenth of the greater value."""
    assert differ(first, second, share=share) is apart
    assert differ(second, first, share=share) is apart


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from("fmx"), st.integers(0, 2), st.booleans()), max_size=40),
       st.randoms())  # fmt: skip
def test_rates_stay_in_range_and_ignore_the_order(rows: list[tuple[int, str, int, bool]], rng: random.Random) -> None:
    """For any results: flips in [0, 1], excess in [-1, 1] and in its interval, the same in any order."""
    results = list({(p, g, r): result(p, g, r, Scored(float(b))) for p, g, r, b in rows}.values())
    told = found(results)
    rng.shuffle(results)
    assert found(results) == told
    assert 0 <= told.get("flip_bp", 0) <= 10_000
    if "excess_bp" in told:
        assert -10_000 <= told["low_bp"] <= told["excess_bp"] <= told["high_bp"] <= 10_000


def test_a_summary_has_flips_where_the_suite_asks() -> None:
    """Per metric and axis; without the question the summary stays as it was."""
    results = simulated(1.0, 0.0, pairs=10, repeats=2, seed=1)
    asked: dict[str, Any] = {"planned": 20, "metrics": ["refused"], "axes": ["gender"], "lower": ["refused"]}
    plain = summarise(results, **asked)["metrics"]["refused"]
    told = summarise(results, **asked, counterfactuals=["gender"])["metrics"]["refused"]
    assert told["flips"]["gender"]["excess_bp"] == 10_000
    assert {**plain, "flips": told["flips"]} == told
    assert plain["gaps"]["gender"]["gap_bp"] == 10_000


def test_a_suite_without_counterfactuals_keeps_its_digest() -> None:
    """The field is absent where it is empty; where it is not, its order means nothing."""
    assert "counterfactuals" not in SuiteManifest(**SUITE).to_json()
    first, second = (SuiteManifest(**SUITE, counterfactuals=axes) for axes in (("a", "b"), ("b", "a", "a")))
    assert first.own_digest() == second.own_digest() != SuiteManifest(**SUITE).own_digest()
