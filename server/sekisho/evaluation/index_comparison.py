"""Use cases of comparing two index versions: what they hold, and what each gives for a set of questions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sekisho.evaluation.cases import cluster_of, measured, parse_cases
from sekisho.evaluation.comparison import compare_runs
from sekisho.evaluation.rankings import moved, summed
from sekisho.evaluation.scorers.catalogue import LOWER_IS_BETTER, measures
from sekisho.evaluation.scorers.declaration import Measure
from sekisho.evaluation.targets import OpenIndex
from sekisho.evaluation.types import Case, CaseResult, Hit, Sample, Target
from sekisho.identity.types import Action, Actor
from sekisho.indexing.comparing import contents_difference
from sekisho.indexing.service import Indexing
from sekisho.kernel.database import Database
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.jobs import Job, Jobs, JobState, Progress
from sekisho.kernel.references import Kind
from sekisho.registry.service import Registry

COMPARE: Final = "compare"
CUTS: Final = (1, 3, 5, 10)
_BEAT_EVERY: Final = 10


@dataclass(frozen=True)
class IndexComparison:
    """The comparison is a job of the worker, which owns the vectors; its result is the report."""

    database: Database
    jobs: Jobs
    registry: Registry
    indexing: Indexing

    async def request(
        self,
        actor: Actor,
        project: str,
        before: str,
        after: str,
        *,
        queries: str | None = None,
        queries_blob: str | None = None,
        k: int = 10,
    ) -> Job:
        """Pin both indexes and the questions by digest, and queue the comparison.

        `queries` names a dataset, `queries_blob` is the digest of rows that were put before; without either only what
        the indexes hold is compared. Raises `Invalid`, `NotFound`.
        """
        actor.require(project, Action.EVALUATE)
        if queries is not None and queries_blob is not None:
            raise Invalid("one set of questions, not two", fields=[FieldError("$.queries_blob", "leave one out")])
        async with self.database.read() as tx:
            versions = [
                await self.indexing.version(tx, project, Kind.INDEX, text, path)
                for text, path in ((before, "$.before"), (after, "$.after"))
            ]
            content, asked = queries_blob, queries_blob
            if queries is not None:
                dataset = await self.indexing.version(tx, project, Kind.DATASET, queries, "$.queries")
                content, asked = str(dataset.manifest["content"]), str(dataset)
            if content is not None:
                _questions(await self.registry.read_blob(tx, project, content))
        payload: dict[str, Any] = {
            "before": versions[0].digest,
            "after": versions[1].digest,
            "references": [str(version) for version in versions],
            "k": k,
            **({} if content is None else {"content": content, "queries": asked}),
        }
        async with self.database.write() as tx:
            job_id = await self.jobs.enqueue(
                tx, project=project, kind=COMPARE, payload=payload, principal=actor.principal
            )
        return await self.jobs.one(project, job_id)

    async def job(self, actor: Actor, project: str, job_id: str) -> Job:
        """Raises `NotFound` also for another project's job, or one of another kind."""
        return await self.indexing.job(actor, project, COMPARE, job_id)

    async def execute(self, job: Job) -> None:
        """Do a comparison. Raises `IntegrityFailed` where either index has drifted: its rankings are nobody's."""
        digests = [str(job.payload[side]) for side in ("before", "after")]
        contents = [await self.indexing.contents(job.project, digest) for digest in digests]
        result: dict[str, Any] = {
            "schema": "sekisho.index-comparison/v1",
            "before": {"reference": job.payload["references"][0], "digest": digests[0]},
            "after": {"reference": job.payload["references"][1], "digest": digests[1]},
            **await asyncio.to_thread(contents_difference, contents[0], contents[1]),
        }
        if content := job.payload.get("content"):
            async with self.database.read() as tx:
                cases = _questions(await self.registry.read_blob(tx, job.project, content))
            result["retrieval"] = {
                "queries": job.payload["queries"],
                **await self._retrieval(job, digests, cases),
            }
        async with self.database.write() as tx:
            await self.jobs.finish(tx, job, JobState.DONE, result=result)

    async def _retrieval(self, job: Job, digests: Sequence[str], cases: Sequence[Case]) -> dict[str, Any]:
        k = int(job.payload["k"])
        before, after = [await self.indexing.open(job.project, digest) for digest in digests]
        depth = max(k, *CUTS)
        answers: list[tuple[Case, tuple[Hit, ...], tuple[Hit, ...]]] = []
        for number, case in enumerate(cases, 1):
            old, new = [await _asked(index, case.question, depth) for index in (before, after)]
            answers.append((case, old, new))
            if number % _BEAT_EVERY == 0:
                await self.jobs.beat(job, Progress(number, len(cases), "questions"))
        return await asyncio.to_thread(_compared, answers, k)


async def _asked(index: OpenIndex, question: str, depth: int) -> tuple[Hit, ...]:
    return tuple(Hit(hit.chunk_id, hit.document, hit.text) for hit in await index.search(question, depth))


def _questions(content: bytes) -> tuple[Case, ...]:
    found = measured(parse_cases(content))
    if not found:
        raise Invalid("there is nothing to ask", fields=[FieldError("$.queries", "every case of it is a control")])
    return found


def _compared(answers: Sequence[tuple[Case, tuple[Hit, ...], tuple[Hit, ...]]], k: int) -> dict[str, Any]:
    """Rank changes over every question; metrics, paired, over those that say what there was to find."""
    rows = [moved(case, old, new, k) for case, old, new in answers]
    judged = [one for one in answers if one[0].gold or any(grade > 0 for grade in one[0].qrels.values())]
    cuts = {"k": list(CUTS)}
    found = measures([("recall", cuts), ("ndcg", cuts), ("mrr", {}), ("map", {})], Target.RETRIEVAL)
    before = [_result(case, old, found) for case, old, _ in judged]
    after = [_result(case, new, found) for case, _, new in judged]
    names = [metric for measure in found for metric in measure.metrics]
    compared: Mapping[str, Any] = compare_runs(before, after, names, LOWER_IS_BETTER) if judged else {}
    return {**summed(rows, k), "judged": len(judged), "metrics": dict(compared)}


def _result(case: Case, hits: tuple[Hit, ...], found: Sequence[Measure]) -> CaseResult:
    sample = Sample(case, hits)
    scores = {
        name: score
        for measure in found
        if measure.score is not None
        for name, score in measure.score(sample).scores.items()
    }
    return CaseResult(case.id, 0, cluster_of(case, None), case.pair, case.slices, case.question, scores, {}, None, 0)
