"""Runs that meet trouble: hosts that go, models that move, cases that fail, workers that die."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.evaluation.types import Run, RunState
from sekisho.inference.service import Inference
from sekisho.inference.types import AnswerRequest
from sekisho.kernel.digests import canonical_json
from sekisho.kernel.errors import Conflict, Forbidden, ModelFailed, NotFound
from sekisho.kernel.jobs import Job, JobState
from sekisho.kernel.settings import Settings
from tests.evaluation.fakes import AUTHOR, STRANGER, VIEWER, World, only_english
from tests.inference.fake_ollama import CHAT, FakeOllama, running

RETRIEVAL, ANSWERS, AGENT = "suite/docs-retrieval@latest", "suite/answers@latest", "agent/docs@latest"
ROOT = Path(__file__).parents[2]


async def briefly(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.02))


async def measured(world: World, suite: str = ANSWERS) -> Run:
    run = await world.evaluation.start_run(AUTHOR, "default", suite, AGENT)
    await world.evaluation.execute(await world.claim())
    return await world.evaluation.run(AUTHOR, "default", run.id)


async def replayed(world: World, run: Run) -> Job:
    asked = await world.evaluation.request_replay(AUTHOR, "default", run.id)
    job = await world.jobs.claim(["replay"], "worker-1")
    assert job is not None
    await world.evaluation.execute_replay(job)
    return await world.evaluation.replay(VIEWER, "default", run.id, asked.id)


@dataclass
class Ollama:
    """A world whose agent is answered by an Ollama host."""

    world: World
    fake: FakeOllama
    inference: Inference

    def lasts(self, timeout_ms: int) -> None:
        """Give the agent's cases so long."""
        model = {"name": CHAT, "digest": "sha256:" + "a" * 64, "provider": "ollama", "options": {"num_ctx": 512}}
        self.world.agent(timeout_ms=timeout_ms, model=model)


@pytest.fixture
async def ollama(world: World) -> AsyncIterator[Ollama]:
    with running() as fake:
        hosts = Settings(ollama_hosts=(fake.url,), ollama_concurrency=2, ollama_failures=50)
        inference = Inference(hosts, world.database, world.clock, briefly)
        object.__setattr__(world.evaluation, "inference", inference)
        found = Ollama(world, fake, inference)
        found.lasts(20_000)
        world.suite("answers", target="answers", scorers=[{"name": "grounding"}], slices=[])
        yield found
        await inference.close()


async def test_a_host_that_is_down_from_the_start_fails_the_run(ollama: Ollama) -> None:
    """Nothing is measured, and the reason says which host and what to do."""
    url = ollama.fake.url
    down = Inference(Settings(ollama_hosts=("http://127.0.0.1:9",)), ollama.world.database, ollama.world.clock, briefly)
    object.__setattr__(ollama.world.evaluation, "inference", down)
    run = await measured(ollama.world)
    await down.close()
    assert run.state is RunState.FAILED, url
    assert "no Ollama host answers at http://127.0.0.1:9" in str(run.reason)
    assert "ollama serve" in str(run.reason)


async def test_a_run_outlives_ollamas_restart(world: World) -> None:
    """The host goes in the middle of the run and comes back: every case is scored, none twice."""
    with running() as fake:
        inference = Inference(
            Settings(ollama_hosts=(fake.url,), ollama_concurrency=2), world.database, world.clock, briefly
        )
        object.__setattr__(world.evaluation, "inference", inference)
        there = Ollama(world, fake, inference)
        there.lasts(20_000)
        world.suite("answers", target="answers", scorers=[{"name": "grounding"}], slices=[])
        fake.seconds = 0.05
        run = asyncio.create_task(measured(world))
        while len(fake.seen) < 3:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.4)
    assert not run.done()
    with running(fake):
        after = await run
        await inference.close()
    assert after.state is RunState.FINISHED, after.reason
    assert after.summary is not None
    assert after.summary["coverage_bp"] == 10_000
    assert after.observations is not None
    assert after.observations["failed"] == 0


async def test_dropped_connections_cost_no_case(ollama: Ollama) -> None:
    """Two hang-ups in the middle of answers are tried again."""
    ollama.fake.drops = 2
    run = await measured(ollama.world)
    assert run.state is RunState.FINISHED
    assert run.observations is not None
    assert run.observations["hosts"][0]["failures"] == 2


async def test_a_model_that_moves_during_the_run_leaves_it_inconclusive(ollama: Ollama) -> None:
    """What the other model answered is neither scored nor kept, and the reason names both digests."""
    original = ollama.fake.chat

    def chat(body: dict[str, Any]) -> dict[str, Any]:
        if len(ollama.fake.seen) == 6:
            ollama.fake.digests[CHAT] = "c" * 64
        return original(body)

    ollama.fake.chat = chat  # type: ignore[method-assign]
    run = await measured(ollama.world)
    assert run.state is RunState.INCONCLUSIVE
    assert "the model changed during the run" in str(run.reason)
    assert "cccccccccccc" in str(run.reason)
    assert run.observations is not None
    assert run.observations["failed"] >= 6


async def test_a_host_too_slow_for_the_case_leaves_it_unscored(ollama: Ollama) -> None:
    """Each late case is unscored with the limit in its reason; a run without any score is inconclusive."""
    ollama.lasts(150)
    ollama.fake.seconds = 0.5
    run = await measured(ollama.world)
    assert run.state is RunState.INCONCLUSIVE
    assert "no case could be scored" in str(run.reason)
    assert run.summary is not None
    assert "mean_bp" not in run.summary["metrics"]["hallucinated"]
    report = await ollama.world.evaluation.report(VIEWER, "default", run.id)
    assert any("than the 0.15 s that a case has" in entry["reason"] for entry in report["unscored"])


async def test_the_report_tells_cache_hits_pace_and_hosts(ollama: Ollama) -> None:
    """A second run of the same versions asks the model nothing; neither changes the final digest."""
    first = await measured(ollama.world)
    second = await measured(ollama.world)
    report = await ollama.world.evaluation.report(VIEWER, "default", second.id)
    seen = report["run"]["observations"]
    assert (seen["calls"], seen["cached"], seen["hit_rate_bp"]) == (12, 12, 10_000)
    assert (seen["failed"], seen["not_tried"], seen["attempts"]) == (0, 0, 1)
    assert {"active_ms", "tokens_in", "tokens_out", "latency_ms"} <= set(seen)
    assert first.observations is not None
    assert first.observations["hit_rate_bp"] == 0
    assert first.observations["hosts"][0]["circuit"] == "closed"
    assert second.final_digest == first.final_digest
    (_, host) = await ollama.inference.available()
    assert host.seen is not None
    assert (host.seen.places, host.seen.decided) == (2, "set")


def failing(n: int) -> Callable[[AnswerRequest], str]:
    """A model that answers the first cases and then fails every other one."""
    asked = iter(range(1000))

    def reply(request: AnswerRequest) -> str:
        if next(asked) % 2 and n:
            raise ModelFailed("the model fell over")
        return request.passages[0]

    return reply


async def test_a_spent_error_budget_ends_the_run_early(world: World) -> None:
    """Inconclusive with its reason; what was not tried counts as uncovered and is told."""
    world.agent()
    world.suite("answers", target="answers", scorers=[{"name": "grounding"}], slices=[], error_budget_bp=1_000)
    world.model.reply = failing(1)
    object.__setattr__(world.evaluation, "concurrency", 1)
    run = await measured(world)
    assert run.state is RunState.INCONCLUSIVE
    # Cases run side by side, so that a third may have failed before the run is told to stop.
    assert re.search(r"[23] of 12 planned cases failed, 10 % may", str(run.reason))
    assert "the model fell over" in str(run.reason)
    assert run.done < 12
    assert run.observations is not None
    assert run.observations["not_tried"] == 12 - run.done
    assert run.summary is not None
    assert run.summary["coverage_bp"] <= 10_000 * (run.done - 2) // 12
    assert run.final_digest is not None


async def test_an_error_budget_that_suffices_changes_nothing(world: World) -> None:
    """As many failures as the budget allows: the run goes on to its end."""
    world.agent()
    world.suite("answers", target="answers", scorers=[{"name": "grounding"}], slices=[], error_budget_bp=5_000)
    world.model.reply = failing(1)
    run = await measured(world)
    assert run.done == 12
    assert "at least 80 % are needed" in str(run.reason)


async def test_unscored_by_design_spends_no_budget(world: World) -> None:
    """Cases without a gold passage have no score, and nothing has failed."""
    world.catalogue.add_dataset([{"id": f"q{n}", "question": f"question {n} in en"} for n in range(4)])
    world.agent()
    world.suite(slices=[], error_budget_bp=0)
    run = await measured(world, RETRIEVAL)
    assert run.done == 4
    assert "no case could be scored" in str(run.reason)


async def test_a_replay_gives_the_same_bytes(ollama: Ollama) -> None:
    """With every host away: each case, the summary, the final digest and the report come out as recorded."""
    run = await measured(ollama.world)
    asked = len(ollama.fake.seen)
    ollama.fake.digests.clear()
    job = await replayed(ollama.world, run)
    assert (job.state, job.error) == (JobState.DONE, None)
    assert job.result is not None
    assert job.result["same"], job.result
    assert job.result["final_digest"] == run.final_digest
    assert job.result["compared"] == 12
    assert len(ollama.fake.seen) == asked


async def test_a_replay_takes_failed_cases_as_they_failed(ollama: Ollama) -> None:
    """They gave no answer that could be kept; the bytes are the same, and how many there were is said."""
    ollama.fake.drops = 9
    run = await measured(ollama.world)
    job = await replayed(ollama.world, run)
    assert job.result is not None
    assert run.observations is not None
    assert job.result["same"], job.result
    assert job.result["as_failed"] == run.observations["failed"] > 0


async def test_a_replay_without_its_answers_names_the_case(ollama: Ollama) -> None:
    """A call that the cache does not hold is an error, never a difference."""
    from sqlalchemy import text

    run = await measured(ollama.world)
    async with ollama.world.database.write() as tx:
        await tx.execute(text("DELETE FROM model_calls"))
    job = await replayed(ollama.world, run)
    assert job.state is JobState.FAILED
    assert "case q-0" in str(job.error)
    assert "the cache holds no answer" in str(job.error)


async def test_a_replay_that_differs_names_the_first_difference(world: World) -> None:
    """An index that finds something else: the case, the part, what stands there now and what was recorded."""
    world.agent()
    world.suite()
    run = await measured(world, RETRIEVAL)
    world.index.texts = lambda query: only_english(query) if "question 3" not in query else []
    job = await replayed(world, run)
    assert job.result is not None
    assert not job.result["same"]
    assert job.result["difference"].startswith("case q-03-en, repeat 0, scores: $.mrr.value is 0")
    assert job.result["other"] == 2
    assert job.result["final_digest"] != run.final_digest


async def test_only_an_ended_run_is_replayed(world: World) -> None:
    """A run without a result is a conflict; replaying takes the right to evaluate; another's replay is not found."""
    world.agent()
    world.suite()
    queued = await world.evaluation.start_run(AUTHOR, "default", RETRIEVAL, AGENT)
    with pytest.raises(Conflict):
        await world.evaluation.request_replay(AUTHOR, "default", queued.id)
    with pytest.raises(Forbidden):
        await world.evaluation.request_replay(VIEWER, "default", queued.id)
    with pytest.raises(NotFound):
        await world.evaluation.request_replay(STRANGER, "other", queued.id)
    await world.evaluation.execute(await world.claim())
    job = await world.evaluation.request_replay(AUTHOR, "default", queued.id)
    with pytest.raises(NotFound):
        await world.evaluation.replay(VIEWER, "default", "another", job.id)


async def report_bytes(world: World, run: Run) -> bytes:
    """The report but for what tells this run from another of the same: its id and its observations."""
    report: dict[str, Any] = dict(await world.evaluation.report(VIEWER, "default", run.id))
    report["run"] = {name: report["run"][name] for name in ("summary", "final_digest", "state", "done")}
    return canonical_json(report)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deaths=st.lists(st.integers(0, 400), min_size=1, max_size=3))
async def test_wherever_a_worker_dies_the_report_is_the_same(world: World, deaths: Sequence[int]) -> None:
    """Ended at any await, in a case, a write or the end itself, and taken up again: the bytes of a quiet run."""
    world.agent()
    world.suite("answers", target="answers", scorers=[{"name": "grounding"}], repeats=2)
    quiet = await measured(world)
    run = await world.evaluation.start_run(AUTHOR, "default", ANSWERS, AGENT)
    job = await world.claim("worker-0")
    for number, steps in enumerate(deaths, 1):
        work = asyncio.create_task(world.evaluation.execute(job))
        for _ in range(steps):
            await asyncio.sleep(0)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        world.clock.advance(30_001)
        again = await world.jobs.claim(["run"], f"worker-{number}")
        if again is None:
            break
        job = again
    else:
        await world.evaluation.execute(job)
    after = await world.evaluation.run(AUTHOR, "default", run.id)
    assert after.state is RunState.FINISHED
    assert await report_bytes(world, after) == await report_bytes(world, quiet)
