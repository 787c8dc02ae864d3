"""Two rankings of one question: overlap, moves, and sums over questions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.evaluation.rankings import moved, overlap, summed
from sekisho.evaluation.types import Case, Hit

NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


def hits(names: str | list[str]) -> list[Hit]:
    """One chunk per letter; `a` and `b` are of one document, every other of its own."""
    return [Hit(name, "ab" if name in "ab" else name, f"text {name}") for name in names]


def test_moves_are_counted_in_places() -> None:
    """What both give, with both places; what came and what went; documents counted apart from chunks."""
    found = moved(Case("q", "?"), hits("acd"), hits("bca"), 3)
    assert found.ranks == {"a": (1, 3), "c": (2, 2)}
    assert found.moves == (2, 0)
    assert (found.entered, found.left) == (("b",), ("d",))
    assert found.overlap == pytest.approx(2 / 3)
    assert found.documents == pytest.approx(2 / 3)
    assert not found.same_first
    assert found.cluster == "case:q"


def test_only_the_first_k_count() -> None:
    """What stands behind them is nobody's business."""
    found = moved(Case("q", "?", cluster="doc"), hits("abcd"), hits("abdc"), 2)
    assert (found.overlap, found.entered, found.left, found.cluster) == (1.0, (), (), "doc")


@given(NAMES, NAMES)
def test_overlap_is_a_symmetric_share(one: list[str], other: list[str]) -> None:
    """1 for the same names in any order, 0 for none in common, the same whichever comes first."""
    assert 0 <= overlap(one, other) <= 1
    assert overlap(one, other) == overlap(other, one)
    assert overlap(one, list(reversed(one))) == 1
    assert (overlap(one, other) == 0) is (bool(one or other) and not set(one) & set(other))


def test_sums_say_what_changed_most() -> None:
    """An unchanged question is counted, not listed; the least overlap comes first."""
    rows = [
        moved(Case("same", "?"), hits("ab"), hits("ab"), 2),
        moved(Case("turned", "?"), hits("ab"), hits("ba"), 2),
        moved(Case("gone", "?"), hits("cd"), hits("ef"), 2),
    ]
    found = summed(rows, 2)
    assert (found["questions"], found["unchanged"], found["same_first"]) == (3, 1, 1)
    assert [one["case"] for one in found["most_changed"]] == ["gone", "turned"]
    assert (found["kept"], found["moved"], found["farthest_move"], found["mean_move_hundredths"]) == (4, 2, 1, 50)
    assert found["overlap"]["mean_bp"] == 6667
    assert found["overlap"]["low_bp"] <= 6667 <= found["overlap"]["high_bp"]
