"""A run done again without asking any model: every case from the cache, every score, the summary, digest and report.

What comes out must be the recorded bytes. A call that the cache does not hold is an error, never a difference; a case
that had failed has no answer to find, and is taken as it failed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from tempfile import TemporaryFile
from typing import Any, Final

from sekisho.evaluation.case_source import CaseSource, open_cases
from sekisho.evaluation.columns import Columns
from sekisho.evaluation.execution import inconclusive, load_plan, stored, summary_of
from sekisho.evaluation.feed import STRETCH
from sekisho.evaluation.measuring import Forgotten, Measuring, Remembering
from sekisho.evaluation.neighbours import Catalogue, Indexes, Models, Neighbours
from sekisho.evaluation.plan import Plan
from sekisho.evaluation.reporting import Measured, read_report, report_measured
from sekisho.evaluation.reports.formats import Wish
from sekisho.evaluation.reports.shape import Report
from sekisho.evaluation.result_store import ResultStore, add
from sekisho.evaluation.runner import failed, produce, result
from sekisho.evaluation.seal import Seal, result_bytes
from sekisho.evaluation.targets import RunTarget
from sekisho.evaluation.types import Case, CaseResult, Run, RunState
from sekisho.inference.cache import NotRemembered
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import canonical_json, digest_of_bytes
from sekisho.kernel.errors import Conflict, ModelFailed, SekishoError
from sekisho.kernel.jobs import Cancelled, Job, Jobs, JobState, LeaseLost, Progress
from sekisho.registry.types import Closure

KIND: Final = "replay"
_COMPARED: Final = ("scores", "output", "cluster", "pair", "slices", "question", "failed")


@dataclass
class Findings:
    """What a replay has seen so far: results compared, taken as they failed, and come out otherwise."""

    compared: int = 0
    as_failed: int = 0
    others: dict[tuple[str, int], CaseResult] = field(default_factory=dict)
    difference: str | None = None

    def differs(self, what: str) -> None:
        """The first difference is the one that is told."""
        self.difference = self.difference or what


@dataclass(frozen=True)
class Replaying:
    """Replays runs in the worker. `concurrency` cases at a time."""

    database: Database
    jobs: Jobs
    registry: Catalogue
    indexing: Indexes
    inference: Models
    concurrency: int

    async def replay(self, job: Job) -> None:
        """Do the replay and end its job, whose result says whether the bytes are the same. Raises `LeaseLost`."""
        try:
            found = await self._replay(job, str(job.payload["run"]))
        except Cancelled:
            await self._end(job, JobState.CANCELLED)
        except LeaseLost:
            raise
        except SekishoError as error:
            await self._end(job, JobState.FAILED, error=str(error))
        else:
            await self._end(job, JobState.DONE, result=found)

    async def _end(self, job: Job, state: JobState, **outcome: Any) -> None:
        async with self.database.write() as tx:
            await self.jobs.finish(tx, job, state, **outcome)

    async def _replay(self, job: Job, run_id: str) -> dict[str, Any]:
        with TemporaryFile() as dataset:
            async with self.database.read() as tx:
                run = await stored(tx, run_id)
                if run.final_digest is None:
                    raise Conflict(f"run {run_id} has no result: it is {run.state}")
                plan = await load_plan(self.registry, tx, run.project, run.suite, run.subject, dataset)
                self._check_embedder(run, await self.registry.closure(tx, run.project, run.subject), plan)
            cases = await open_cases(plan, dataset)
            findings = Findings()
            neighbours = Neighbours(self.database, self.registry, self.indexing, self.inference, offline=True)
            target = await neighbours.target(run, plan, cases, lambda model: model)
            measuring = Measuring(plan.measures, await neighbours.judge(plan, Remembering))
            await self._compare(job, run, plan, target, measuring, cases, findings)
            return await self._conclude(run, plan, cases.measured, findings)

    def _check_embedder(self, run: Run, subject: Closure, plan: Plan) -> None:
        if plan.index is None or run.answers is not None:
            return
        index = subject.nodes[plan.index].manifest
        embedder = str(index["embedder"]["name"])
        if embedder.startswith("ollama:") and index["retriever"]["mode"] != "bm25":
            raise ModelFailed(
                f"the index embeds questions by {embedder}, at a model host, which a replay does not ask",
                remedy="runs over an index with the embedder minilm, or of mode bm25, can be replayed",
            )

    async def _compare(
        self,
        job: Job,
        run: Run,
        plan: Plan,
        target: RunTarget,
        measuring: Measuring,
        cases: CaseSource,
        findings: Findings,
    ) -> None:
        """Every stored result beside what comes out now, in the order in which the run was planned."""
        places = asyncio.Semaphore(self.concurrency)
        for repeat in range(plan.suite.repeats):
            for stretch in cases.stretches(STRETCH):
                if await self.jobs.beat(job, Progress(findings.compared, run.planned, "cases")):
                    raise Cancelled
                async with self.database.read() as tx:
                    rows = await ResultStore(tx).some(run.id, repeat, [case.id for case in stretch])
                known = [(case, rows[case.id]) for case in stretch if case.id in rows]
                again = await _all([_again(plan, target, measuring, places, *one) for one in known])
                for (_, row), fresh in zip(known, again, strict=True):
                    _note(row, fresh, findings)

    async def _conclude(self, run: Run, plan: Plan, cases: int, findings: Findings) -> dict[str, Any]:
        async with self.database.read() as tx:
            columns, seal = await self._sealed(tx, run, findings)
        if len(columns) != findings.compared:
            findings.differs(f"{len(columns) - findings.compared} stored results are of cases that are not planned")
        summary = await asyncio.to_thread(summary_of, plan, columns, cases)
        # What left a run inconclusive beyond its scores (a model that moved, a spent budget) cannot be seen again.
        state = run.state if inconclusive(summary) is None else RunState.INCONCLUSIVE
        digest = seal.close(state, summary)
        again = Measured(replace(run, state=state, summary=summary, final_digest=digest), columns)
        async with self.database.read() as tx:
            recorded = _bytes(await read_report(tx, run, None, Wish()))
            recomputed = _bytes(await report_measured(tx, again, findings.others))
        if dict(run.summary or {}) != summary:
            findings.differs(f"the summary: {first_difference(run.summary or {}, summary)}")
        if digest != run.final_digest:
            findings.differs(f"the final digest: {digest}, recorded as {run.final_digest}")
        if recorded != recomputed:
            findings.differs("the report")
        return {
            "run": run.id,
            "same": findings.difference is None,
            "compared": findings.compared,
            "as_failed": findings.as_failed,
            "other": len(findings.others),
            "final_digest": digest,
            "report": digest_of_bytes(recomputed),
            **({} if findings.difference is None else {"difference": findings.difference}),
        }

    async def _sealed(self, tx: Transaction, run: Run, findings: Findings) -> tuple[Columns, Seal]:
        """As the worker seals a run, with what came out otherwise in the stored results' place."""
        columns, seal = Columns(), Seal(run)
        async for row in ResultStore(tx).stream(run.id):
            other = findings.others.get((row.case_id, row.repeat))
            if other is None:
                add(columns, row)
                seal.add(result_bytes(row.case_id, row.repeat, row.scores, row.output))
            else:
                columns.add(other)
                seal.add(canonical_json(other.canonical()))
        return columns, seal


async def _all(work: Sequence[Coroutine[Any, Any, CaseResult]]) -> list[CaseResult]:
    """All at once; where one raises, the others are not left running."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _again(
    plan: Plan, target: RunTarget, measuring: Measuring, places: asyncio.Semaphore, case: Case, row: CaseResult
) -> CaseResult:
    """Raises `NotRemembered`, naming the case."""
    async with places:
        try:
            if row.failed and "failure" in row.output:
                produced = failed(case, str(row.output["failure"]))
            else:
                produced = await produce(target, case, row.repeat)
            fresh = await result(plan, measuring, produced, row.repeat, row.at, recorded=row.scores)
        except (NotRemembered, Forgotten) as error:
            raise NotRemembered(
                f"case {case.id}, repeat {row.repeat}: {error.args[0]}",
                remedy="run the evaluation again with the models' hosts at hand; then it can be replayed",
            ) from error
    return replace(fresh, latency_ms=row.latency_ms)


def _note(row: CaseResult, fresh: CaseResult, findings: Findings) -> None:
    findings.compared += 1
    findings.as_failed += row.failed
    for name in _COMPARED:
        before, after = _plain(row, name), _plain(fresh, name)
        if before != after:
            findings.others[row.case_id, row.repeat] = fresh
            findings.differs(f"case {row.case_id}, repeat {row.repeat}, {name}: {first_difference(before, after)}")
            return


def _plain(one: CaseResult, name: str) -> Any:
    """The part as it is stored."""
    if name in {"scores", "output"}:
        return json.loads(canonical_json(one.canonical()[name]))
    value = getattr(one, name)
    return dict(value) if isinstance(value, Mapping) else value


def _bytes(report: Report) -> bytes:
    return canonical_json(report)


def first_difference(before: Any, after: Any, path: str = "$") -> str:
    """Where two JSON values part, and what stands there in each."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key) or (key in before) != (key in after):
                return first_difference(before.get(key), after.get(key), f"{path}.{key}")
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (old, new) in enumerate(zip(before, after, strict=True)):
            if old != new:
                return first_difference(old, new, f"{path}[{place}]")
    return f"{path} is {_shown(after)}, recorded as {_shown(before)}"


def _shown(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
