"""What flows through a run: cases from a file, results as columns, the digest as they pass."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from tempfile import TemporaryFile
from typing import IO, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.evaluation.case_source import found_cases
from sekisho.evaluation.cases import parse_cases, sample
from sekisho.evaluation.columns import Columns
from sekisho.evaluation.plan import Plan, make_plan
from sekisho.evaluation.result_store import ResultStore
from sekisho.evaluation.seal import final_digest
from sekisho.evaluation.store import RunStore
from sekisho.evaluation.summary import summarise
from sekisho.evaluation.types import CaseResult, Run, RunState, Scored, Unscored
from sekisho.kernel.digests import canonical_json, digest_of
from sekisho.kernel.errors import Invalid
from sekisho.kernel.references import Kind
from sekisho.registry.manifests import parse_manifest
from tests.evaluation.fakes import AUTHOR, World, rows

Words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)
Scores = st.dictionaries(
    st.sampled_from(["mrr", "recall@5", "hallucinated"]),
    st.builds(Scored, st.floats(-1, 1)) | st.builds(Unscored, Words),
)
Results = st.lists(
    st.builds(
        CaseResult,
        case_id=Words,
        repeat=st.integers(0, 3),
        cluster=Words,
        pair=st.none() | Words,
        slices=st.dictionaries(Words, Words, max_size=2),
        question=Words,
        scores=Scores,
        output=st.dictionaries(Words, st.lists(st.integers(0, 9) | Words), max_size=2),
        latency_ms=st.none() | st.integers(0, 100_000),
        at=st.just(0),
        failed=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda one: (one.case_id, one.repeat),
)


@pytest.fixture
async def run(world: World) -> Run:
    world.agent()
    world.suite()
    return await world.evaluation.start_run(AUTHOR, "default", "suite/docs-retrieval@latest", "agent/docs@latest")


class UndoError(Exception):
    """Leaves nothing written."""


async def plan_of(world: World, **suite: Any) -> Plan:
    world.agent()
    made = await world.catalogue.closure(None, "default", world.suite("flow", **suite))  # type: ignore[arg-type]
    subject = await world.catalogue.closure(None, "default", world.catalogue.names["agent/docs"])  # type: ignore[arg-type]
    return make_plan(made, subject)


@contextmanager
def in_a_file(content: bytes) -> Iterator[IO[bytes]]:
    with TemporaryFile() as file:
        file.write(content)
        yield file


def jsonl(lines: Sequence[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(line, ensure_ascii=False) + "\n\n" for line in lines).encode()


async def test_cases_from_a_file_are_the_cases_of_the_dataset(world: World) -> None:
    """In its order, any number of times, blank lines or none; a sample is the same sample."""
    content = jsonl(rows(40))
    with in_a_file(content) as file:
        source = found_cases(await plan_of(world), file)
        assert tuple(source) == tuple(source) == parse_cases(content)
        assert [len(stretch) for stretch in source.stretches(33)] == [33, 33, 14]
        source = found_cases(await plan_of(world, sample={"size": 10, "seed": 3}), file)
        assert tuple(source) == sample(parse_cases(content), 10, 3)
        assert len(source) == 10


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({**rows(1)[0]}, "stands on line"),
        ({"id": "x", "question": "?", "colour": "red"}, "colour"),
        ({"id": "x", "question": "a\0b"}, "NUL"),
    ],
)
async def test_a_wrong_line_is_named(world: World, line: dict[str, Any], told: str) -> None:
    """As by reading the whole dataset: twice the same id, an unknown field, a NUL."""
    content = jsonl([*rows(2), line])
    plan = await plan_of(world)
    with in_a_file(content) as file, pytest.raises(Invalid) as refusal:
        found_cases(plan, file)
    assert told in refusal.value.fields[0].message
    assert refusal.value.fields[0].path == "line 9"


async def test_a_dataset_without_cases_is_refused(world: World) -> None:
    """There is nothing to measure."""
    plan = await plan_of(world)
    with in_a_file(b"\n") as file, pytest.raises(Invalid, match="cannot be evaluated"):
        found_cases(plan, file)


def columns_of(results: Sequence[CaseResult]) -> Columns:
    columns = Columns()
    for one in results:
        columns.add(one)
    return columns


@given(Results)
def test_columns_give_back_what_a_summary_reads(results: list[CaseResult]) -> None:
    """Everything but question, output and time, also by index and slice."""
    columns = columns_of(results)
    expected = [(r.case_id, r.repeat, r.cluster, r.pair, r.slices, r.scores, r.latency_ms, r.failed) for r in results]
    found = [(r.case_id, r.repeat, r.cluster, r.pair, r.slices, r.scores, r.latency_ms, r.failed) for r in columns]
    assert found == expected
    assert columns[::-1] == list(columns)[::-1]
    assert columns.failed == sum(r.failed for r in results)
    with pytest.raises(IndexError):
        columns[len(results)]


@given(Results)
def test_a_summary_of_columns_is_that_of_the_results(results: list[CaseResult]) -> None:
    """Byte for byte: values, groups, counts and gaps, over repeats, pairs and axes, scored or not."""
    of_case = {one.case_id: one for one in results}  # what a case is does not change between its repeats
    alike = [replace(one, slices=of_case[one.case_id].slices, pair=of_case[one.case_id].pair) for one in results]
    ordered = sorted(alike, key=lambda one: (one.case_id, one.repeat))
    axes = sorted({axis for one in results for axis in one.slices})
    made = [
        summarise(given, planned=len(results), metrics=["mrr", "recall@5"], axes=axes, lower=["mrr"])
        for given in (ordered, columns_of(ordered))
    ]
    assert canonical_json(made[0]) == canonical_json(made[1])


def test_no_results_are_no_columns() -> None:
    """A run that has measured nothing."""
    assert list(Columns()) == []


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(results=Results)
async def test_the_digest_of_what_passes_by_is_that_of_the_whole(
    world: World, run: Run, results: list[CaseResult]
) -> None:
    """From the database, whatever the ids: the digest of one canonical object with the results sorted by case."""
    from sekisho.evaluation.execution import sealed

    summary = {"cases": len(results), "ä": [1, 0.5]}
    with suppress(UndoError):
        async with world.database.write() as tx:
            if results:
                await ResultStore(tx).add(run.id, results[::-1])
            columns, seal = await sealed(tx, run)
            stored = await RunStore(tx).results(run.id)
            assert [one.case_id for one in columns] == [one.case_id for one in stored]
            whole = {
                "schema": "sekisho.run/v1", "suite": run.suite, "dataset": run.dataset, "subject": run.subject,
                "state": "finished", "summary": summary, "results": [one.canonical() for one in stored],
            }  # fmt: skip
            assert seal.close(RunState.FINISHED, summary) == digest_of(whole)
            assert final_digest(run, RunState.FINISHED, summary, stored) == digest_of(whole)
            raise UndoError


def test_a_suite_without_a_budget_has_the_digest_it_had() -> None:
    """An optional field that is absent is not part of the manifest."""
    fields = {"dataset": digest_of(1), "target": "retrieval", "scorers": [{"name": "mrr"}]}
    manifest = parse_manifest(Kind.SUITE, {"schema": "sekisho.suite/v1", **fields})
    assert "error_budget_bp" not in manifest.to_json()
    assert digest_of(manifest.to_json()) == digest_of({"schema": "sekisho.suite/v1", **fields})
