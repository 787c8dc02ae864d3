"""Every scorer on anything: a score inside its declared range or a reason, never an exception and never for ever."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.evaluation.scorers.catalogue import LOWER_IS_BETTER, RANGES, SCORERS
from sekisho.evaluation.types import Sample, Scored
from tests.evaluation.scorers.samples import PURE, outcome, sample

LONG = "The checkpoint opens at 9. 関所は九時に開く。\n" * 220_000
HOSTILE: dict[str, str] = {
    "empty": "",
    "white": " \t\n\u3000\u00a0",
    "nul": "a\x00b\x00",
    "controls": "\x1b[31m\x07\x08\ufeff\u202e",
    "surrogate": "a\ud800b",
    "combining": "e" + "\u0301" * 5_000,
    "emoji": "👩‍👩‍👧‍👦" * 200,
    "cjk": "関所は、変更と本番のあいだに立つ。１２３，４５６円。",
    "digits": "9" * 50_000,
    "commas": "1," * 50_000,
    "brackets": "[" * 50_000,
    "quotes": '{"a": "' + "\\" * 50_001,
    "deep": '{"a":' * 5_000 + "1" + "}" * 5_000,
    "twice": '{"a": 1, "a": 2}',
    "nan": "NaN",
    "fences": "```json\n" * 5_000,
    "one word": "a" * 100_000,
    "script": "<script>@everyone::error</script>",
    "ten megabytes": LONG,
}
TEXTS = st.one_of(st.none(), st.text(max_size=60), st.sampled_from([v for k, v in HOSTILE.items() if len(v) < 2_000]))
SAMPLES = st.builds(
    sample,
    TEXTS,
    TEXTS,
    hits=st.lists(st.text(max_size=12), max_size=6),
    gold=st.lists(st.text(max_size=6), max_size=3),
    qrels=st.dictionaries(st.sampled_from(["c0", "d0", "d1", "d7"]), st.integers(0, 100), max_size=3),
    latency_ms=st.one_of(st.none(), st.integers(-5, 10**9)),
    tokens_in=st.one_of(st.none(), st.integers(-5, 10**9)),
    tokens_out=st.one_of(st.none(), st.integers(-5, 10**9)),
)


def check(name: str, given_sample: Sample, **params: Any) -> None:
    scorer = SCORERS[name]
    for metric, score in outcome(name, given_sample, **params).scores.items():
        if isinstance(score, Scored):
            assert scorer.range[0] <= score.value <= scorer.range[1] + 1e-12, metric
        else:
            assert score.reason


@pytest.mark.parametrize("name", PURE)
def test_a_score_stays_within_its_range(name: str) -> None:
    """For any answer, expectation, ranking and measurement."""

    @settings(max_examples=60, deadline=None)
    @given(SAMPLES)
    def holds(any_sample: Sample) -> None:
        check(name, any_sample)

    holds()


@pytest.mark.parametrize("name", [name for name in PURE if name != "grounding"])
@pytest.mark.parametrize("hostile", HOSTILE, ids=str)
def test_hostile_text_is_scored_or_refused_in_time(name: str, hostile: str) -> None:
    """As the answer, as the expectation and as what was retrieved, each within seconds."""
    text = HOSTILE[hostile]
    started = time.process_time()
    check(name, sample(text, "関所 12", hits=[text], gold=["gold"]))
    check(name, sample("関所 12", text[:20_000], hits=["gold"], gold=[text[:20_000]]))
    assert time.process_time() - started < 10


def test_every_scorer_declares_what_it_is() -> None:
    """Meaning, what it reads, when it is Unscored, a range, and directions of its own metrics only."""
    for scorer in SCORERS.values():
        assert all((scorer.meaning, scorer.reads, scorer.unscored, scorer.metrics))
        assert scorer.range[0] < scorer.range[1]
        assert scorer.lower_is_better <= set(scorer.metrics)
        assert bool(scorer.modules) == bool(scorer.extra)
    assert {"latency_ms", "refused", "hallucinated"} <= LOWER_IS_BETTER
    assert set(RANGES) == {"characters", "words", "latency_ms", "tokens_in", "tokens_out"}
