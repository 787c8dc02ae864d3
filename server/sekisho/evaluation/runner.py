"""The loop of a run: cases side by side, a bounded number at a time, each stored as it finishes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sekisho.evaluation.cases import cluster_of
from sekisho.evaluation.judges.applying import apply_judged
from sekisho.evaluation.plan import Plan
from sekisho.evaluation.store import RunStore
from sekisho.evaluation.targets import Produced, RunTarget
from sekisho.evaluation.types import Case, CaseResult, Sample, Score, Target
from sekisho.inference.types import Answerer
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database
from sekisho.kernel.errors import Invalid, ModelFailed, TooLarge
from sekisho.kernel.jobs import Job, Jobs, Progress


class Cancelled(Exception):
    """Somebody asked to cancel the run."""


@dataclass(frozen=True, slots=True)
class Runner:
    """`concurrency` cases at a time; the queue hears of progress at most every `beat_s` seconds."""

    database: Database
    jobs: Jobs
    clock: Clock
    concurrency: int
    beat_s: float
    judge: Answerer | None = None
    monotonic: Callable[[], float] = time.monotonic

    async def run(self, job: Job, run_id: str, plan: Plan, target: RunTarget, cases: Sequence[Case]) -> None:
        """Evaluate every case that has no stored result yet.

        Raises `Cancelled`, `LeaseLost`, and whatever is not one case's own failure. What was stored stays stored.
        """
        async with self.database.read() as tx:
            done = await RunStore(tx).done(run_id)
        planned = [(case, repeat) for repeat in range(plan.suite.repeats) for case in cases]
        todo = [(case, repeat) for case, repeat in planned if (case.id, repeat) not in done]
        finished: asyncio.Queue[CaseResult] = asyncio.Queue(maxsize=self.concurrency)
        work = iter(todo)
        tasks = [asyncio.create_task(self._lane(work, plan, target, finished)) for _ in range(self.concurrency)]
        tasks.append(asyncio.create_task(self._store(job, run_id, finished, len(todo), len(planned))))
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _lane(
        self,
        work: Iterator[tuple[Case, int]],
        plan: Plan,
        target: RunTarget,
        finished: asyncio.Queue[CaseResult],
    ) -> None:
        for case, repeat in work:
            await finished.put(await self._case(plan, target, case, repeat))

    async def _case(self, plan: Plan, target: RunTarget, case: Case, repeat: int) -> CaseResult:
        try:
            produced = await target.produce(case, repeat)
        except (ModelFailed, Invalid, TooLarge) as error:
            # This case's own failure: no output, hence no score, which is not the same as a score of 0.
            produced = Produced(Sample(case, failure=error.detail), {"failure": error.detail})
        if plan.target is Target.ANSWERS:
            scores, details = await asyncio.to_thread(apply, plan, produced.sample)
        else:
            scores, details = apply(plan, produced.sample)
        judged, shown = await apply_judged(plan.measures, produced.sample, self.judge)
        scores, details = {**scores, **judged}, {**details, **shown}
        return CaseResult(
            case_id=case.id,
            repeat=repeat,
            cluster=cluster_of(case, plan.suite.cluster_by),
            pair=case.pair,
            slices={axis: case.slices[axis] for axis in plan.axes if axis in case.slices},
            question=case.question,
            scores=scores,
            output={**produced.output, **details},
            latency_ms=produced.latency_ms,
            at=epoch_ms(self.clock.now()),
        )

    async def _store(
        self, job: Job, run_id: str, finished: asyncio.Queue[CaseResult], expected: int, planned: int
    ) -> None:
        """Write results as they come, as many at once as have gathered, for as long as the job is ours."""
        beat = self.monotonic()
        await self._beat(job, planned - expected, planned)
        while expected:
            batch = [await finished.get()]
            while not finished.empty():
                batch.append(finished.get_nowait())
            async with self.database.write() as tx:
                await self.jobs.hold(tx, job)
                await RunStore(tx).add_results(run_id, batch)
            expected -= len(batch)
            if expected == 0 or self.monotonic() - beat >= self.beat_s:
                beat = self.monotonic()
                await self._beat(job, planned - expected, planned)

    async def _beat(self, job: Job, done: int, planned: int) -> None:
        if await self.jobs.beat(job, Progress(done, planned, "cases")):
            raise Cancelled


def apply(plan: Plan, sample: Sample) -> tuple[Mapping[str, Score], Mapping[str, Any]]:
    """Every score of a sample by the pure scorers, and what they have to show.

    A case that gave no output is `Unscored` with its reason.
    """
    scores: dict[str, Score] = {}
    details: dict[str, Any] = {}
    for measure in plan.measures:
        if measure.score is None:
            continue
        outcome = measure.score(sample) if sample.failure is None else measure.unscored(sample.failure)
        scores.update(outcome.scores)
        details.update(outcome.details)
    return scores, details
