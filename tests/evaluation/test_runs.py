"""Runs: done, resumed, cancelled, compared."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.evaluation.seal import final_digest
from sekisho.evaluation.types import RunState
from sekisho.inference.types import AnswerRequest
from sekisho.kernel.errors import Conflict, Invalid, ModelFailed, NotFound
from sekisho.kernel.jobs import JobState, LeaseLost
from sekisho.ledger.store import LedgerStore
from tests.evaluation.fakes import AGENT, AUTHOR, STRANGER, SUITE, VIEWER, World, only_english, rows


async def run_once(world: World, suite: str = SUITE, key: str | None = None) -> Any:
    run = await world.evaluation.start_run(AUTHOR, "default", suite, AGENT, key)
    await world.evaluation.execute(await world.claim())
    return await world.evaluation.run(AUTHOR, "default", run.id)


async def test_a_run_measures_every_case(ready: World) -> None:
    """A finished run holds a mean with its interval, slices, and the paired gap between languages."""
    run = await run_once(ready)
    assert run.state is RunState.FINISHED, run.reason
    recall = run.summary["metrics"]["recall@5"]
    assert (recall["n"], recall["mean_bp"], recall["coverage_bp"]) == (12, 5000, 10000)
    assert recall["slices"]["language"]["en"]["mean_bp"] == 10000
    assert recall["slices"]["language"]["ja"]["mean_bp"] == 0
    gap = recall["gaps"]["language"]
    assert (gap["gap_bp"], gap["best"], gap["worst"], gap["n"], gap["paired"]) == (10000, "en", "ja", 6, True)
    assert gap["worst_cases"] == ["q-00", "q-01", "q-02", "q-03", "q-04"]
    assert run.summary["metrics"]["mrr"]["slices"]["language"]["en"]["mean_bp"] == 5000
    assert run.final_digest.startswith("sha256:")


async def test_a_run_tells_flips_lengths_and_times(ready: World) -> None:
    """Variants that should change nothing, in repeats; scores that are no shares, in their units."""
    scorers = [{"name": name} for name in ("refused", "words", "latency_ms", "tokens_out")]
    more: dict[str, Any] = {"scorers": scorers, "counterfactuals": ["language"], "slices": [], "repeats": 2}
    ready.suite("fair", target="answers", **more)
    ready.model.reply = lambda request: "It opens." if request.question.endswith("en") else "I cannot help with that."
    metrics = (await run_once(ready, "suite/fair@latest")).summary["metrics"]
    flips = metrics["refused"]["flips"]["language"]
    assert (flips["flip_bp"], flips["resample_bp"], flips["excess_bp"], flips["n"]) == (10_000, 0, 10_000, 6)
    assert (metrics["words"]["mean_bp"], metrics["words"]["unit"]) == (35_000, "words")
    assert (metrics["latency_ms"]["mean_bp"], metrics["tokens_out"]["mean_bp"]) == (50_000, 10_000)
    assert metrics["latency_ms"]["flips"]["language"]["flip_bp"] == 0


async def test_start_and_end_of_a_run_enter_the_ledger(ready: World) -> None:
    """The final digest stands in the ledger's entry."""
    run = await run_once(ready)
    async with ready.database.read() as tx:
        entries = [entry for seq in range(2) if (entry := await LedgerStore(tx).one_or_none(seq)) is not None]
    assert [entry.kind for entry in entries] == ["run.started", "run.finished"]
    assert entries[1].body["final_digest"] == run.final_digest


async def test_the_same_key_is_the_same_run(ready: World) -> None:
    """A repeated request queues nothing; the key for another suite is a conflict."""
    first = await ready.evaluation.start_run(AUTHOR, "default", SUITE, AGENT, "ci-1")
    again = await ready.evaluation.start_run(AUTHOR, "default", SUITE, AGENT, "ci-1")
    assert again.id == first.id
    ready.suite("second", scorers=[{"name": "mrr"}])
    with pytest.raises(Conflict):
        await ready.evaluation.start_run(AUTHOR, "default", "suite/second@latest", AGENT, "ci-1")


async def test_zero_scored_cases_are_inconclusive(world: World) -> None:
    """A run that scored nothing has no mean, neither 0 nor 1."""
    world.catalogue.add_dataset([{**row, "gold": []} for row in rows()])
    world.agent()
    world.suite()
    run = await run_once(world)
    assert run.state is RunState.INCONCLUSIVE
    assert "no case could be scored" in run.reason
    assert "mean_bp" not in run.summary["metrics"]["recall@5"]
    assert run.summary["coverage_bp"] == 0


@pytest.mark.parametrize(("failing", "state"), [(2, RunState.FINISHED), (3, RunState.INCONCLUSIVE)])
async def test_the_error_budget_is_a_fifth(world: World, failing: int, state: RunState) -> None:
    """A failed model call is no score at all; more than 20 % of them leave the run inconclusive."""
    world.agent()
    world.suite("answers", target="answers", scorers=[{"name": "grounding"}], slices=[])

    def reply(request: AnswerRequest) -> str:
        if int(request.question.split()[1]) < failing and request.question.endswith("ja"):
            raise ModelFailed("the host dropped the connection")
        return request.passages[0]

    world.model.reply = reply
    run = await run_once(world, "suite/answers@latest")
    assert run.state is state
    assert run.summary["metrics"]["hallucinated"]["n"] == 12 - failing
    report = await world.evaluation.report(VIEWER, "default", run.id)
    assert report["unscored"][0]["reason"] == "the host dropped the connection"


async def test_a_model_that_moves_leaves_the_run_inconclusive(world: World) -> None:
    """The model's digest is checked again at the end."""
    world.agent()
    world.suite("answers", target="answers", scorers=[{"name": "grounding"}])
    world.model.moved = True
    run = await run_once(world, "suite/answers@latest")
    assert run.state is RunState.INCONCLUSIVE
    assert "changed during the run" in run.reason


async def test_invention_is_flagged_and_abstention_is_not(world: World) -> None:
    """An invented answer is hallucinated with its sentence shown; declining is counted apart."""
    world.agent()
    world.suite("answers", target="answers", scorers=[{"name": "grounding"}])
    world.model.reply = lambda request: (
        "Barracks were founded by Napoleon in 1805 near Waterloo."
        if request.question.endswith("ja")
        else "The passages given hold no answer to this question."
    )
    run = await run_once(world, "suite/answers@latest")
    metrics = run.summary["metrics"]
    assert metrics["hallucinated"]["slices"]["language"]["ja"]["mean_bp"] == 10000
    assert metrics["hallucinated"]["slices"]["language"]["en"]["mean_bp"] == 0
    assert metrics["abstained"]["mean_bp"] == 5000
    assert metrics["hallucinated"]["gaps"]["language"]["worst"] == "ja"
    cases = await world.evaluation.cases(VIEWER, "default", run.id)
    flagged = [case for case in cases.items if "unsupported" in case.output]
    assert len(flagged) == 6
    assert "1805" in flagged[0].output["unsupported"][0]["reasons"][0]


async def test_a_queued_run_is_cancelled_at_once(ready: World) -> None:
    """Nothing of it is evaluated, and an ended run cannot be cancelled again."""
    run = await ready.evaluation.start_run(AUTHOR, "default", SUITE, AGENT)
    assert (await ready.evaluation.cancel(AUTHOR, "default", run.id)).state is RunState.CANCELLED
    assert await ready.jobs.claim(["run"], "worker-1") is None
    with pytest.raises(Conflict):
        await ready.evaluation.cancel(AUTHOR, "default", run.id)


async def test_a_running_run_is_cancelled_at_its_next_beat(ready: World) -> None:
    """It stops with what it has, gives no evidence, and its job is cancelled."""
    run = await ready.evaluation.start_run(AUTHOR, "default", SUITE, AGENT)
    job = await ready.claim()
    await ready.evaluation.cancel(AUTHOR, "default", run.id)
    await ready.evaluation.execute(job)
    after = await ready.evaluation.run(AUTHOR, "default", run.id)
    assert (after.state, after.summary) == (RunState.CANCELLED, None)
    assert (await ready.jobs.one("default", job.id)).state is JobState.CANCELLED
    async with ready.database.read() as tx:
        assert await ready.gathering.evidence(tx, "default", run.subject) == []


async def test_a_lost_lease_stops_the_worker_and_writes_nothing(ready: World) -> None:
    """The worker that took over ends the run; the first one's results after the loss are refused."""
    await ready.evaluation.start_run(AUTHOR, "default", SUITE, AGENT)
    first = await ready.claim("worker-1")
    ready.clock.advance(30_001)
    second = await ready.claim("worker-2")
    with pytest.raises(LeaseLost):
        await ready.evaluation.execute(first)
    await ready.evaluation.execute(second)
    assert (await ready.jobs.one("default", second.id)).state is JobState.DONE


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deaths=st.lists(st.integers(0, 3), min_size=1, max_size=3))
async def test_a_killed_run_resumes_to_the_same_digest(ready: World, deaths: Sequence[int]) -> None:
    """However often its worker dies, no stored case runs again and the final digest is that of a quiet run."""
    ready.index.texts = only_english
    quiet = await run_once(ready)
    run = await ready.evaluation.start_run(AUTHOR, "default", SUITE, AGENT)
    job = await ready.claim("worker-0")
    for number, death in enumerate(deaths, 1):
        left = iter(range(death))

        def dies(query: str, left: Any = left) -> list[str]:
            if next(left, None) is None:
                raise asyncio.CancelledError  # the process is gone: no handler of ours runs
            return only_english(query)

        ready.index.texts = dies
        with pytest.raises(asyncio.CancelledError):
            await ready.evaluation.execute(job)
        ready.clock.advance(30_001)
        job = await ready.claim(f"worker-{number}")
    before = await ready.evaluation.run(AUTHOR, "default", run.id)
    ready.index.texts, ready.index.asked = only_english, []
    await dataclasses.replace(ready.evaluation).execute(job)
    after = await ready.evaluation.run(AUTHOR, "default", run.id)
    assert len(ready.index.asked) == 12 - before.done
    assert after.final_digest == quiet.final_digest


async def test_a_job_that_ended_ends_its_run(ready: World) -> None:
    """Where the worker failed the job without the room, the run is seen to have failed."""
    run = await ready.evaluation.start_run(AUTHOR, "default", SUITE, AGENT)
    job = await ready.claim()
    async with ready.database.write() as tx:
        await ready.jobs.finish(tx, job, JobState.FAILED, error="unexpected crash")
    after = await ready.evaluation.run(AUTHOR, "default", run.id)
    assert (after.state, after.reason) == (RunState.FAILED, "unexpected crash")


async def test_an_index_that_cannot_be_opened_fails_the_run(ready: World) -> None:
    """Run and job fail together, with the reason."""

    async def gone(_project: str, _digest: str) -> Any:
        raise NotFound("the index is not built on this worker")

    ready.evaluation.indexing.open = gone  # type: ignore[assignment]
    run = await run_once(ready)
    assert run.state is RunState.FAILED
    assert "not built" in run.reason


async def test_the_final_digest_covers_each_score(ready: World) -> None:
    """One changed score is another digest."""
    run = await run_once(ready)
    cases = (await ready.evaluation.cases(AUTHOR, "default", run.id)).items
    first = final_digest(run, run.state, run.summary, cases)
    changed = dataclasses.replace(cases[0], output={"retrieved": []})
    assert final_digest(run, run.state, run.summary, [changed, *cases[1:]]) != first


async def test_repeats_are_separate_results_of_one_case(ready: World) -> None:
    """Three repeats give three rows per case and count once in the mean."""
    ready.suite("repeated", repeats=3, sample={"size": 4, "seed": 7})
    run = await run_once(ready, "suite/repeated@latest")
    assert (run.planned, run.done, run.summary["cases"]) == (12, 12, 4)
    assert run.summary["metrics"]["recall@5"]["n"] == 4


async def test_runs_and_cases_are_paged(ready: World) -> None:
    """Newest run first; cases by repeat and id, each exactly once."""
    ids = []
    for _ in range(3):
        ids.append((await run_once(ready)).id)
        ready.clock.advance(5)
    page = await ready.evaluation.runs(VIEWER, "default", subject=AGENT, limit=2)
    rest = await ready.evaluation.runs(VIEWER, "default", subject=AGENT, limit=2, cursor=page.next_cursor)
    assert [run.id for run in (*page.items, *rest.items)] == ids[::-1]
    assert rest.next_cursor is None
    seen: list[str] = []
    cursor: str | None = None
    while True:
        part = await ready.evaluation.cases(VIEWER, "default", ids[0], cursor=cursor, limit=5)
        seen += [case.case_id for case in part.items]
        cursor = part.next_cursor
        if cursor is None:
            break
    assert seen == sorted(row["id"] for row in rows())


async def test_comparison_is_paired_by_case(ready: World) -> None:
    """A better index shows as improved cases and an interval above zero, for people and for the gate."""
    old = await run_once(ready)
    ready.clock.advance(10)
    ready.agent("docs", passages=4)
    ready.index.texts = lambda query: [f"gold passage {query.split()[1]} {query.split()[3]}"]
    new = await run_once(ready)
    compared = await ready.evaluation.compare(VIEWER, "default", old.id, new.id)
    recall = compared["metrics"]["recall@5"]
    assert (recall["diff_bp"], recall["change"], recall["worsened_count"]) == (5000, "better", 0)
    assert len(recall["improved"]) == 6
    assert recall["mcnemar_p_bp"] == 313
    async with ready.database.read() as tx:
        found = await ready.gathering.compared(tx, [old.id], [new.id], ["mrr", "recall@5"], level_ppm=50_000, claims=2)
    assert [(entry["metric"], entry["diff_bp"], entry["n"]) for entry in found] == [
        ("mrr", 7500, 12),
        ("recall@5", 5000, 12),
    ]


async def test_runs_of_two_suites_cannot_be_compared(ready: World) -> None:
    """Their cases do not pair; a run without a result does not compare either."""
    first = await run_once(ready)
    ready.suite("second", scorers=[{"name": "mrr"}])
    second = await run_once(ready, "suite/second@latest")
    with pytest.raises(Invalid):
        await ready.evaluation.compare(VIEWER, "default", first.id, second.id)
    queued = await ready.evaluation.start_run(AUTHOR, "default", SUITE, AGENT)
    with pytest.raises(Conflict):
        await ready.evaluation.compare(VIEWER, "default", first.id, queued.id)


async def test_evidence_has_the_shape_of_the_gates_input(ready: World) -> None:
    """Integers and strings only, every key that the schema asks for."""
    run = await run_once(ready)
    async with ready.database.read() as tx:
        (entry,) = await ready.gathering.evidence(tx, "default", run.subject)
    assert entry["origin"] == "measured"
    assert entry["metrics"]["recall@5"]["gaps"]["language"]["paired"] is True
    assert set(entry["metrics"]["recall@5"]["slices"]["language"]["en"]) == {
        *("n", "mean_bp", "low_bp", "high_bp", "pessimistic_low_bp", "pessimistic_high_bp")
    }
    assert not list(_floats(entry))


async def test_another_projects_run_is_not_found(ready: World) -> None:
    """The id alone opens nothing."""
    run = await run_once(ready)
    with pytest.raises(NotFound):
        await ready.evaluation.run(STRANGER, "other", run.id)


def _floats(value: object) -> Any:
    if isinstance(value, float) or value is None:
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _floats(item)
    elif isinstance(value, list):
        for item in value:
            yield from _floats(item)
