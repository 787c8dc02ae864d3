"""Cohen's kappa and what stands beside it."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from sekisho.evaluation.judges.agreement import Rated, agreement, cohen_kappa, confusion, kappa_interval
from sekisho.evaluation.statistics import wilson

ROWS = st.lists(
    st.builds(Rated, st.booleans(), st.sampled_from([True, False, None]), st.sampled_from("abcdefgh")),
    min_size=2,
    max_size=60,
).filter(lambda rows: len({row.label for row in rows}) == 2)


def rated(labels: str, verdicts: str) -> list[Rated]:
    """Rows from letters: h hallucinated, s supported, - no score; every row is its own source."""
    said = {"h": True, "s": False, "-": None}
    pairs = zip(labels, verdicts, strict=True)
    return [Rated(bool(said[label]), said[verdict], str(n)) for n, (label, verdict) in enumerate(pairs)]


@given(cells=st.tuples(*[st.integers(0, 40)] * 4).filter(any))
def test_kappa_is_scikit_learns(cells: tuple[int, int, int, int]) -> None:
    """To 1e-12 wherever it is defined; where both say one and the same thing throughout, it is not."""
    both, missed, alleged, neither = cells
    labels = [1] * (both + missed) + [0] * (alleged + neither)
    verdicts = [1] * both + [0] * missed + [1] * alleged + [0] * neither
    found = cohen_kappa(cells)
    if len({*labels, *verdicts}) < 2:
        assert found is None
    else:
        assert found == pytest.approx(cohen_kappa_score(labels, verdicts), abs=1e-12)


@settings(max_examples=40)
@given(rows=ROWS)
def test_figures_stay_within_their_bounds(rows: Sequence[Rated]) -> None:
    """Kappa in [-1, 1], rates in [0, 1], each inside its own interval; the confusion counts every row once."""
    found = agreement(rows)
    assert -1 <= found.interval.low <= found.kappa <= found.interval.high <= 1
    assert 0 <= found.sensitivity_interval.low <= found.sensitivity <= found.sensitivity_interval.high <= 1
    assert 0 <= found.specificity_interval.low <= found.specificity <= found.specificity_interval.high <= 1
    assert sum(n for row in confusion(rows).values() for n in row.values()) == len(rows)
    assert all(isinstance(value, int) for name, value in found.as_json().items() if name != "confusion")


@settings(max_examples=40)
@given(rows=ROWS, place=st.integers(0, 59))
def test_a_row_without_a_score_is_never_better_than_one_with(rows: list[Rated], place: int) -> None:
    """Silence cannot pay: where the judge would have been right, kappa falls; where it was wrong, it stays."""
    row = rows[place % len(rows)]
    silent = [*rows]
    silent[place % len(rows)] = Rated(row.label, None, row.cluster)
    assert agreement(silent).kappa <= agreement(rows).kappa + 1e-12


def test_a_judge_that_always_says_supported_has_no_kappa_to_speak_of() -> None:
    """It agrees on nine of ten rows, and its kappa is 0: plain agreement is not enough."""
    found = agreement(rated("h" * 10 + "s" * 90, "s" * 100))
    assert found.kappa == 0
    assert (found.sensitivity, found.specificity) == (0, 1)
    assert found.interval.low < 0 < found.interval.high


def test_a_judge_that_is_always_right_is_not_certain() -> None:
    """Twenty rows without an error: kappa 1, and a lower end that twenty rows can carry."""
    found = agreement(rated("hs" * 10, "hs" * 10))
    assert (found.kappa, found.interval.high) == (1, 1)
    assert found.interval.low == pytest.approx(2 * wilson(20, 20).low - 1)


def test_a_judge_that_gives_no_score_at_all_is_always_wrong() -> None:
    """All unscored: kappa -1, and no kappa over scored rows, since there are none."""
    found = agreement(rated("hs" * 10, "-" * 20))
    assert found.kappa == -1
    assert found.kappa_scored is None
    assert (found.as_json()["scored"], "kappa_scored_bp" in found.as_json()) == (0, False)
    assert found.as_json()["confusion"]["hallucinated"] == {"hallucinated": 0, "supported": 0, "unscored": 10}


def test_rows_of_one_source_widen_the_interval() -> None:
    """Ten copies of each row know no more than one of them."""
    alone = rated("hshshshshs", "hshshshhss")
    copied = [row for row in alone for _ in range(10)]
    width = [kappa_interval(rows).high - kappa_interval(rows).low for rows in (alone, copied)]
    assert width[1] == pytest.approx(width[0], rel=0.15)
    one_source = [Rated(row.label, row.verdict, "only") for row in copied]
    assert kappa_interval(one_source).low == -1


def test_the_same_rows_give_the_same_interval_in_any_order() -> None:
    """Seeded, and drawn from sources by name."""
    rows = rated("hhhhssssshhss", "hhshsshsshhs-")
    assert kappa_interval(rows) == kappa_interval(rows[::-1])


def test_one_label_alone_is_refused() -> None:
    """Agreement on it says nothing."""
    with pytest.raises(ValueError, match="both labels"):
        agreement(rated("hhh", "hhs"))


@pytest.mark.parametrize(("sources", "accuracy"), [(15, 0.85), (40, 0.7), (40, 0.95)])
def test_the_interval_covers_the_true_kappa(sources: int, accuracy: float) -> None:
    """Of 200 simulated judges on clustered rows, at least 92 % of the 95 % intervals hold the true kappa."""
    rng = random.Random(sources)
    true = 2 * accuracy - 1  # labels are balanced and errors even: chance agreement is one half
    held = 0
    for _ in range(200):
        rows = []
        for source in range(sources):
            # Sources are easier and harder: the judge's accuracy varies between them around its mean.
            right = min(1.0, max(0.0, accuracy + rng.choice([-0.05, 0.05])))
            said = [(label, rng.random() < right) for label in (True, False, True, False)]
            rows += [Rated(label, label is correct, f"{source:03}") for label, correct in said]
        found = kappa_interval(rows)
        held += found.low <= true <= found.high
    assert held >= 184
