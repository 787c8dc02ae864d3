"""The loop of a run: cases side by side, a bounded number at a time, each stored as it finishes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from sekisho.evaluation.case_source import CaseSource
from sekisho.evaluation.cases import cluster_of
from sekisho.evaluation.feed import Feed
from sekisho.evaluation.measuring import Measuring
from sekisho.evaluation.plan import Plan
from sekisho.evaluation.reports.neutral import clipped
from sekisho.evaluation.result_store import ResultStore
from sekisho.evaluation.store import RunStore
from sekisho.evaluation.tally import Hosts, Tally
from sekisho.evaluation.targets import KEPT_CHARACTERS, Produced, RunTarget
from sekisho.evaluation.types import Case, CaseResult, Sample, Score
from sekisho.inference.cache import NotRemembered
from sekisho.inference.types import Answerer
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database
from sekisho.kernel.errors import Invalid, ModelFailed, TooLarge
from sekisho.kernel.jobs import Cancelled, Job, Jobs, Progress

MOST_WANTED: Final = 10
"""Gold passages and relevant documents that are kept beside a result."""
BACKLOG: Final = 4
"""Results that may wait to be stored, per case evaluated at a time: so that one write takes many."""

Finished = asyncio.Queue[CaseResult | None]
"""Results to be stored; None after the last."""


class BudgetSpent(Exception):
    """More cases failed than the suite allows. The message says how many, and what the last failure was."""


@dataclass(frozen=True, slots=True)
class Work:
    """One run to do. `judge` answers measures that ask one."""

    run_id: str
    plan: Plan
    target: RunTarget
    cases: CaseSource
    tally: Tally
    hosts: Hosts
    judge: Answerer | None = None

    @property
    def planned(self) -> int:
        """Results, over all repeats."""
        return len(self.cases) * self.plan.suite.repeats

    def allows(self, failed: int) -> bool:
        """Whether so many failed cases are within the suite's error budget."""
        budget = self.plan.suite.error_budget_bp
        return budget is None or failed * 10_000 <= budget * self.planned


@dataclass
class Counts:
    """How far a run is: results stored, and how many of those failed."""

    done: int
    failed: int
    last_failure: str = ""
    beaten: float = field(default=float("-inf"))


@dataclass(frozen=True, slots=True)
class Runner:
    """`concurrency` cases at a time; the queue hears of progress at most every `beat_s` seconds."""

    database: Database
    jobs: Jobs
    clock: Clock
    concurrency: int
    beat_s: float
    monotonic: Callable[[], float] = time.monotonic

    async def run(self, job: Job, work: Work) -> None:
        """Evaluate every case that has no stored result yet.

        Raises `Cancelled`, `BudgetSpent`, `LeaseLost`, and whatever is not one case's own failure. What was stored
        stays stored.
        """
        async with self.database.read() as tx:
            counts = Counts(*await ResultStore(tx).counts(work.run_id))
        finished: Finished = asyncio.Queue(maxsize=BACKLOG * self.concurrency)
        feed = Feed(self.database, work.run_id, work.cases, work.plan.suite.repeats, resumed=counts.done > 0)
        tasks = [
            asyncio.create_task(self._evaluate(work, feed, finished)),
            asyncio.create_task(self._store(job, work, finished, counts)),
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _evaluate(self, work: Work, feed: Feed, finished: Finished) -> None:
        measuring = Measuring(work.plan.measures, work.judge)
        lanes = [asyncio.create_task(self._lane(work, measuring, feed, finished)) for _ in range(self.concurrency)]
        try:
            await asyncio.gather(*lanes)
        finally:
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
        await finished.put(None)

    async def _lane(self, work: Work, measuring: Measuring, feed: Feed, finished: Finished) -> None:
        while (item := await feed.next()) is not None:
            produced = await produce(work.target, *item)
            await finished.put(await result(work.plan, measuring, produced, item[1], epoch_ms(self.clock.now())))

    async def _store(self, job: Job, work: Work, finished: Finished, counts: Counts) -> None:
        """Write results as they come, as many at once as have gathered, for as long as the job is ours."""
        await self._beat(job, work, counts)
        while batch := await _gathered(finished):
            due = self.monotonic() - counts.beaten >= self.beat_s
            counts.done += len(batch)
            counts.failed += sum(one.failed for one in batch)
            async with self.database.write() as tx:
                await self.jobs.hold(tx, job)
                await ResultStore(tx).add(work.run_id, batch)
                if due or counts.done == work.planned:
                    await RunStore(tx).observe(work.run_id, observed(work, counts))
                    await work.hosts.tell(tx)
            counts.last_failure = next((str(one.output["failure"]) for one in batch if one.failed), counts.last_failure)
            if due or counts.done == work.planned:
                await self._beat(job, work, counts)
            self._check_budget(work, counts)

    async def _beat(self, job: Job, work: Work, counts: Counts) -> None:
        self._check_budget(work, counts)
        counts.beaten = self.monotonic()
        if await self.jobs.beat(job, Progress(counts.done, work.planned, "cases")):
            raise Cancelled

    def _check_budget(self, work: Work, counts: Counts) -> None:
        if not work.allows(counts.failed):
            raise BudgetSpent(
                f"the suite's error budget is spent: {counts.failed} of {work.planned} planned cases failed, "
                f"{(work.plan.suite.error_budget_bp or 0) / 100:g} % may; {work.planned - counts.done} were not tried"
                + (f". The last failure: {counts.last_failure}" if counts.last_failure else "")
            )


async def _gathered(finished: Finished) -> list[CaseResult]:
    """Whatever has finished, at least one result; empty after the last."""
    batch: list[CaseResult] = []
    first = await finished.get()
    while first is not None:
        batch.append(first)
        if finished.empty():
            return batch
        first = finished.get_nowait()
    if batch:
        finished.put_nowait(None)
    return batch


def observed(work: Work, counts: Counts) -> dict[str, Any]:
    """What is kept of how the run goes."""
    found = work.tally.observed(done=counts.done, failed=counts.failed, planned=work.planned)
    hosts = [asdict(host) for host in work.hosts.seen()]
    return {**found, "hosts": hosts} if hosts else found


async def produce(target: RunTarget, case: Case, repeat: int) -> Produced:
    """What the target gives for a case; where it fails for this case alone, a sample that says why.

    Such a case has no output, hence no score, which is not the same as a score of 0.
    """
    try:
        return await target.produce(case, repeat)
    except NotRemembered:
        raise  # nobody was asked: of a replay, and no failure of the case
    except (ModelFailed, Invalid, TooLarge) as error:
        return failed(case, error.detail)


def failed(case: Case, reason: str) -> Produced:
    return Produced(Sample(case, failure=reason), {"failure": reason})


async def result(
    plan: Plan,
    measuring: Measuring,
    produced: Produced,
    repeat: int,
    at: int,
    recorded: Mapping[str, Score] | None = None,
) -> CaseResult:
    """A produced sample with every score: by the pure measures, then by those that ask the judge."""
    case = produced.sample.case
    outcome = await measuring.score(produced.sample, recorded)
    return CaseResult(
        case_id=case.id,
        repeat=repeat,
        cluster=cluster_of(case, plan.suite.cluster_by),
        pair=case.pair,
        slices={axis: case.slices[axis] for axis in plan.axes if axis in case.slices},
        question=case.question,
        scores=outcome.scores,
        output={**produced.output, **outcome.details},
        latency_ms=produced.latency_ms,
        at=at,
        failed=produced.sample.failure is not None,
        wanted=wanted(case),
    )


def wanted(case: Case) -> dict[str, Any] | None:
    """What the case says would be right, as much as a report can show; None where it says nothing."""
    found = {
        "expected": case.expected and clipped(case.expected, KEPT_CHARACTERS),
        "gold": [clipped(passage, KEPT_CHARACTERS) for passage in case.gold[:MOST_WANTED]],
        "relevant": sorted(name for name, grade in case.qrels.items() if grade > 0)[:MOST_WANTED],
    }
    return {name: value for name, value in found.items() if value} or None
