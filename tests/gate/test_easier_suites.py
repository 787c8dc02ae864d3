"""An author's own suites, datasets and groups count for nothing: policy data pins what a stage requires."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.gate.engines.regorus_engine import RegorusEngine
from sekisho.gate.schemas import read_input
from tests.gate.inputs import AGENT, Json, digest, fixed_policies, metric, promotion

EASIER = digest("0")


@pytest.fixture(scope="module")
def judge() -> Iterator[Any]:
    """Judge an input by the rules under the tests' parameters."""
    loop = asyncio.new_event_loop()
    engine = RegorusEngine(fixed_policies(), timeout_ms=20_000)

    def ask(document: Json) -> Json:
        read_input(document)
        answer = loop.run_until_complete(engine.evaluate(document))
        assert isinstance(answer, dict)
        return answer

    yield ask
    loop.run_until_complete(engine.close())
    loop.close()


def perfect(run: Json, changes: Json) -> Json:
    """A run with nothing but perfect figures, of another suite, dataset or name."""
    better = copy.deepcopy(run)
    names = better["metrics"]
    for name in names:
        names[name] = metric(0 if name == "hallucinated" else 10_000, reach=0)
    return {**better, "id": "run-easier", "finished_at": run["finished_at"] + 1, **changes}


def enter(document: Json, added: list[Json]) -> None:
    """Put further runs of the subject into the ledger's count, as their end does."""
    for run in added:
        for entry in document["evidence"]["recorded"]:
            entry["finished"] += entry["suite"] == run["suite"] and run["subject"] == AGENT


def bad(document: Json) -> Json:
    """The same input with measured figures that no stage lets pass."""
    worse = copy.deepcopy(document)
    for run in worse["evidence"]["runs"]:
        for name in run["metrics"]:
            run["metrics"][name] = metric(10_000 if name == "hallucinated" else 100)
    return worse


# Each way of being another suite: at least one pinned digest differs, whatever the run calls itself.
elsewhere = st.one_of(
    st.fixed_dictionaries({"suite": st.just(EASIER)}),
    st.fixed_dictionaries({"dataset": st.just(EASIER)}),
    st.fixed_dictionaries({"suite": st.just(EASIER), "dataset": st.just(EASIER)}),
    st.fixed_dictionaries({"suite": st.just(EASIER), "suite_name": st.sampled_from(["docs-retrieval", "easy", "x"])}),
    st.fixed_dictionaries({"subject": st.just(EASIER)}),
)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 1), elsewhere), min_size=1, max_size=4), st.booleans(), st.booleans())
def test_easier_suites_change_no_outcome(
    judge: Any, extra: list[tuple[int, Json]], measured_badly: bool, without_the_required: bool
) -> None:
    """Perfect runs of other suites, datasets or subjects neither save a denial nor spoil an allow."""
    document = bad(promotion()) if measured_badly else promotion()
    required = document["evidence"]["runs"]
    added = [perfect(required[n % len(required)], changes) for n, changes in extra]
    if without_the_required:
        document["evidence"]["runs"] = []
    before = judge(document)
    document["evidence"]["runs"] = [*document["evidence"]["runs"], *added]
    enter(document, added)
    after = judge(document)
    assert {rule: found["status"] for rule, found in after["rules"].items()} == {
        rule: found["status"] for rule, found in before["rules"].items()
    }
    assert after["allow"] is before["allow"] is not (measured_badly or without_the_required)


def test_groups_of_the_authors_choice_are_not_the_declared_ones(judge: Any) -> None:
    """A run sliced by other groups leaves the declared ones missing, however well those fare."""
    document = promotion()
    for run in document["evidence"]["runs"]:
        for found in run["metrics"].values():
            found["slices"] = {"language": {"en": found["slices"]["language"]["en"]}}
            found["gaps"] = {}
    answer = judge(document)
    assert answer["allow"] is False
    assert answer["rules"]["FAI-01"]["status"] == "missing"
    assert answer["rules"]["FAI-02"]["status"] == "missing"
