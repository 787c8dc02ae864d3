"""What evaluation tells the gate: every run, what became of those that came to nothing, and several runs as one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sekisho.evaluation.types import RunState
from sekisho.gate.evidence_types import Abandoned, Bounds, PoolEvidence, Recorded, RunBrief, RunEvidence
from sekisho.kernel.jobs import JobState
from tests.evaluation.fakes import AUTHOR, World, only_english

SUITE, AGENT = "suite/docs-retrieval@latest", "agent/docs@latest"


@pytest.fixture
def ready(world: World) -> World:
    """A world with an agent and a retrieval suite."""
    world.agent()
    world.suite()
    return world


async def run_once(world: World) -> Any:
    run = await world.evaluation.start_run(AUTHOR, "default", SUITE, AGENT)
    await world.evaluation.execute(await world.claim())
    world.clock.advance(1000)
    return await world.evaluation.run(AUTHOR, "default", run.id)


def finds_everything(query: str) -> list[str]:
    """An index that finds the gold passage of every question first."""
    _, number, _, language = query.split()
    return [f"gold passage {number} {language}"]


async def test_a_run_of_another_version_is_not_told(ready: World) -> None:
    """Each version has its own evidence."""
    await run_once(ready)
    async with ready.database.read() as tx:
        assert await ready.gathering.evidence(tx, "default", "sha256:" + "0" * 64) == []
        assert await ready.gathering.recorded(tx, "default", "sha256:" + "0" * 64) == []


async def test_runs_are_told_with_origin_producer_and_who_scored(ready: World) -> None:
    """What is said stands the strict reading of the gate's input."""
    run = await run_once(ready)
    async with ready.database.read() as tx:
        (whole,) = await ready.gathering.evidence(tx, "default", run.subject)
        (brief,) = await ready.gathering.brief_evidence(tx, "default", run.subject)
    read = msgspec.convert(whole, RunEvidence)
    assert msgspec.convert(brief, RunBrief).final_digest == run.final_digest
    assert (read.origin, read.producer) == ("measured", AUTHOR.principal)
    assert {name: metric.scorer for name, metric in read.metrics.items()} == {"recall@5": "recall", "mrr": "mrr"}


async def test_what_came_to_nothing_is_listed(ready: World) -> None:
    """A cancelled run and one whose worker died are told; the ledger knows of the first only."""
    cancelled = await ready.evaluation.start_run(AUTHOR, "default", SUITE, AGENT)
    await ready.evaluation.cancel(AUTHOR, "default", cancelled.id)
    crashed = await ready.evaluation.start_run(AUTHOR, "default", SUITE, AGENT)
    job = await ready.claim()
    async with ready.database.write() as tx:
        await ready.jobs.finish(tx, job, JobState.FAILED, error="unexpected crash")
    finished = await run_once(ready)
    async with ready.database.read() as tx:
        listed = await ready.gathering.abandoned(tx, "default", finished.subject)
        recorded = await ready.gathering.recorded(tx, "default", finished.subject)
    assert {(entry.id, entry.state) for entry in msgspec.convert(listed, list[Abandoned])} == {
        (cancelled.id, "cancelled"),
        (crashed.id, "failed"),
    }
    assert msgspec.convert(recorded, list[Recorded]) == [Recorded(suite=finished.suite, finished=1, abandoned=1)]


async def test_several_runs_are_one_estimate(ready: World) -> None:
    """Each case counts once, with the mean of all its results; a run that repeats another has its digest."""
    first = await run_once(ready)
    ready.index.texts = finds_everything
    second = await run_once(ready)
    async with ready.database.read() as tx:
        pooled = await ready.gathering.pooled(tx, [first.id, second.id], level_ppm=25_000)
    recall = pooled["metrics"]["recall@5"]
    assert msgspec.convert(pooled, PoolEvidence).members == (first.id, second.id)
    assert (recall["n"], recall["mean_bp"], pooled["cases"]) == (12, 7500, 12)
    assert recall["slices"]["language"]["ja"]["mean_bp"] == 5000
    assert recall["gaps"]["language"]["gap_bp"] == 5000
    ready.index.texts = only_english
    again = await run_once(ready)
    assert again.state is RunState.FINISHED
    assert again.final_digest == first.final_digest


async def test_a_stricter_level_widens_the_estimate(ready: World) -> None:
    """The interval at a smaller level holds the one at a larger."""
    first = await run_once(ready)
    ready.index.texts = finds_everything
    second = await run_once(ready)
    async with ready.database.read() as tx:
        spans = [await ready.gathering.pooled(tx, [first.id, second.id], level_ppm=level) for level in (50_000, 2_500)]
    wide, wider = (span["metrics"]["mrr"] for span in spans)
    assert wider["low_bp"] < wide["low_bp"] < wide["high_bp"] <= wider["high_bp"]


async def test_a_comparison_has_an_interval_for_each_of_holms_steps(ready: World) -> None:
    """Each step's interval holds the one before it; what nobody scored on both sides is left out."""
    old = await run_once(ready)
    ready.index.texts = finds_everything
    new = await run_once(ready)
    async with ready.database.read() as tx:
        found = await ready.gathering.compared(
            tx, [old.id], [new.id], ["recall@5", "unheard-of"], level_ppm=50_000, claims=3
        )
    (entry,) = found
    levels = msgspec.convert(entry["levels"], list[Bounds])
    assert (entry["metric"], entry["diff_bp"], entry["n"]) == ("recall@5", 5000, 12)
    assert (entry["low_bp"], entry["high_bp"]) == (levels[0].low_bp, levels[0].high_bp)
    assert [level.low_bp for level in levels] == sorted((level.low_bp for level in levels), reverse=True)
    assert [level.high_bp for level in levels] == sorted(level.high_bp for level in levels)


async def test_flips_and_begin_of_a_run_are_told(world: World) -> None:
    """As the gate's strict reading takes them, for one run and for a pool, whose interval is wider."""
    world.agent()
    world.suite(counterfactuals=["language"], repeats=2)
    first, second = await run_once(world), await run_once(world)
    async with world.database.read() as tx:
        (whole, _) = await world.gathering.evidence(tx, "default", first.subject)
        pool = await world.gathering.pooled(tx, [first.id, second.id], level_ppm=25_000)
    told = msgspec.convert(whole, RunEvidence)
    pooled = msgspec.convert(pool, PoolEvidence)
    assert told.started_at == first.started_at
    alone, both = (found.metrics["recall@5"].flips["language"] for found in (told, pooled))
    assert alone.n == both.n == alone.pairs
    assert (alone.flip_bp, alone.resample_bp) == (both.flip_bp, both.resample_bp)
