"""Erasing a document: at once from the registry, then by the worker from everything that was made of it.

What is left of it is a salted commitment in the ledger. Whoever holds the salt can show later what was erased; the
server keeps no salt, so that nobody can find it out by guessing.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sekisho.evaluation.drafting.service import KIND as DRAFT
from sekisho.evaluation.index_comparison import COMPARE
from sekisho.evaluation.store import RunStore
from sekisho.identity.types import Action, Actor
from sekisho.indexing.requesting import SEARCH
from sekisho.indexing.service import Indexing
from sekisho.inference.store import ModelCallStore
from sekisho.inference.text import sentence_spans
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import FieldError, Invalid, NotFound, Unavailable
from sekisho.kernel.jobs import Job, Jobs, JobState, Progress
from sekisho.kernel.references import Kind, parse_reference
from sekisho.ledger.service import Ledger
from sekisho.registry.erasing import Holding
from sekisho.registry.finding import or_latest
from sekisho.registry.service import Registry
from sekisho.registry.types import Version

ERASE: Final = "erase"
_PATIENCE_S: Final = 120.0
_QUOTED: Final = 20
"""Characters of the shortest sentence that is looked for in datasets."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased at once, and the job that does the rest. `salt` is nowhere else.

    `commitment` is the digest of ``{"salt", "project", "corpus", "document", "texts"}``, `texts` being the document's
    own digests. `dependants` pin a revoked index; `quoted_by` are datasets with a sentence
    of the document, which stand as they are unless they were to go too: then they are `datasets`.
    """

    job_id: str
    salt: str
    commitment: str
    texts: tuple[str, ...]
    corpora: tuple[str, ...]
    indexes: tuple[str, ...]
    dependants: tuple[str, ...]
    quoted_by: tuple[str, ...]
    datasets: tuple[str, ...]


def commitment_of(salt: str, project: str, corpus: str, document: str, texts: Sequence[str]) -> str:
    """What the ledger keeps; anybody with the salt can compute it again."""
    return digest_of({"salt": salt, "project": project, "corpus": corpus, "document": document, "texts": sorted(texts)})


@dataclass(frozen=True)
class Erasing:
    """Use cases of erasure. `patience_s` is how long the worker waits for runs in flight to stop."""

    database: Database
    clock: Clock
    ledger: Ledger
    jobs: Jobs
    registry: Registry
    indexing: Indexing
    patience_s: float = _PATIENCE_S

    async def erase_document(
        self, actor: Actor, project: str, corpus: str, document: str, reason: str, *, with_datasets: bool = False
    ) -> Erasure:
        """Blank the text in every version that holds it, revoke those and their indexes, and queue the rest.

        `with_datasets`: every dataset that quotes a sentence of it goes as a whole, with the rows of its runs.
        Raises `NotFound` where no version of the corpus has the document, `Invalid` for what is no corpus.
        """
        actor.require(project, Action.OPERATE)
        salt = secrets.token_hex(32)
        async with self.database.write() as tx:
            await self.ledger.lock(tx)
            version = await self._corpus(tx, project, corpus)
            holding = await self.registry.holding(tx, version, document)
            quoting = await self._quoting(tx, project, holding)
            datasets = quoting if with_datasets else []
            records = await self.indexing.records(tx, project, [one.digest for one in holding.indexes])
            await self.registry.erase_in(tx, actor, project, holding, reason, datasets)
            indexes = [one.digest for one in holding.indexes]
            gone = sorted({one.digest for one, _ in datasets})
            corpora = sorted({one.digest for one in holding.corpora})
            payload = {
                "corpora": corpora,
                "indexes": sorted(set(indexes)),
                "subjects": sorted({*indexes, *holding.dependants, *gone}),
                "since": min((record.built_at - record.milliseconds for record in records), default=None),
                "texts": list(holding.digests),
                "quoted_by": [] if datasets else sorted({one.digest for one, _ in quoting}),
            }
            job_id = await self.jobs.enqueue(
                tx, project=project, kind=ERASE, payload=payload, principal=actor.principal
            )
            commitment = commitment_of(salt, project, version.name, document, holding.digests)
            revoked = sorted({*corpora, *indexes, *gone})
            body = {"commitment": commitment, "reason": reason, "revoked": revoked, "job": job_id}
            await self._enter(tx, "document.erased", project, actor.principal, version.digest, body)
        return Erasure(
            job_id, salt, commitment, holding.digests, tuple(map(str, holding.corpora)),
            tuple(map(str, holding.indexes)), holding.dependants,
            () if datasets else _named(quoting), _named(datasets),
        )  # fmt: skip

    async def job(self, actor: Actor, project: str, job_id: str) -> Job:
        """Raises `NotFound` also for a job of another kind."""
        return await self.indexing.job(actor, project, ERASE, job_id)

    async def erase(self, job: Job) -> None:
        """Stop the runs that read the indexes, then delete vectors, terms, case rows, cached calls, hits and drafts.

        Doing it again is harmless: every step takes away what is there.
        """
        subjects, indexes = list(job.payload["subjects"]), list(job.payload["indexes"])
        await self._stop_runs(job, subjects)
        async with self.database.read() as tx:
            records = await self.indexing.records(tx, job.project, indexes)
        kept = await self.indexing.erase_files(job.project, records)
        async with self.database.write() as tx:
            await self.jobs.hold(tx, job)
            await self.ledger.lock(tx)
            await self.indexing.forget_in(tx, job.project, records)
            runs = await RunStore(tx).erase(job.project, subjects)
            calls = await self._forget_calls(tx, job.payload["since"])
            forget = self.jobs.forget_results
            searches = await forget(tx, job.project, SEARCH, ["index"], indexes)
            searches += await forget(tx, job.project, COMPARE, ["before", "after"], indexes)
            drafts = await forget(tx, job.project, DRAFT, ["corpus"], job.payload["corpora"])
            await self.registry.blank(tx, job.project, [*runs.answers, *(draft["content"] for draft in drafts)])
            counts = {"indexes": len(records), "kept_for_other_projects": kept, "runs": len(runs.ids)}
            counts |= {"cases": runs.cases, "answer_files": len(runs.answers), "model_calls": calls}
            counts |= {"searches": len(searches), "drafts": len(drafts)}
            await self.jobs.finish(tx, job, JobState.DONE, result=counts)
            body = {"job": job.id, **counts, "erased_runs": list(runs.ids)}
            body["erased_indexes"] = sorted(record.digest for record in records)
            await self._enter(tx, "document.erasure_done", job.project, job.principal, None, body)

    async def _stop_runs(self, job: Job, subjects: Sequence[str]) -> None:
        """Raises `Unavailable` where one goes on: its next case would be written after its rows were deleted."""
        waited = 0.0
        while True:
            async with self.database.write() as tx:
                running = []
                for job_id in await RunStore(tx).running(job.project, subjects):
                    await self.jobs.cancel(tx, job_id)
                    there = await self.jobs.one_or_none(tx, job_id)
                    running += [job_id] if there is not None and not there.state.over else []
            if not running:
                return
            if waited >= self.patience_s:
                raise Unavailable(
                    f"{len(running)} runs of the indexes do not stop", remedy="see to the worker, then erase again"
                )
            await self.jobs.beat(job, Progress(0, len(running), "runs to stop"))
            await asyncio.sleep(0.2)
            waited += 0.2

    async def _forget_calls(self, tx: Transaction, since: int | None) -> int:
        """Every cached call since the first of the indexes was begun, of any model and project.

        A call does not say which passages it read, and an answer in other words cannot be found by the text. What is
        forgotten too much costs its time again, and no more.
        """
        return 0 if since is None else await ModelCallStore(tx).delete_since(since)

    async def _quoting(self, tx: Transaction, project: str, holding: Holding) -> list[tuple[Version, str]]:
        """Datasets with a sentence of it, each with the digest of its cases.

        Of a text that was erased before nothing can be looked for: what was found then counts.
        """
        known = await self._named_before(tx, project, holding.digests)
        sentences: set[str] = set()
        for digest in holding.digests:
            try:
                text = (await self.registry.read_blob(tx, project, digest)).decode("utf-8", "replace")
            except NotFound:
                continue  # erased before
            sentences |= {text[start:end].strip() for start, end in sentence_spans(text)}
        wanted = [sentence for sentence in sentences if len(sentence) >= _QUOTED]
        found = []
        for version, content in await self.registry.datasets(tx, project):
            try:
                cases = (await self.registry.read_blob(tx, project, content)).decode("utf-8", "replace")
            except NotFound:
                continue
            if version.digest in known or any(form in cases for sentence in wanted for form in _as_json(sentence)):
                found.append((version, content))
        return found

    async def _named_before(self, tx: Transaction, project: str, texts: Sequence[str]) -> set[str]:
        """The datasets that earlier erasures of one of these texts named and left."""
        earlier = [one.payload for one in await self.jobs.since(tx, ERASE, 0) if one.project == project]
        return {name for one in earlier if {*one.get("texts", ())} & {*texts} for name in one.get("quoted_by", ())}

    async def _corpus(self, tx: Transaction, project: str, text: str) -> Version:
        reference = or_latest(parse_reference(text, project=project))
        if reference.project != project or reference.kind is not Kind.CORPUS:
            raise Invalid(
                "that is no corpus of this project", fields=[FieldError("$.corpus", f"name a corpus of {project}")]
            )
        return await self.registry.find(tx, reference)

    async def _enter(
        self, tx: Transaction, kind: str, project: str, principal: str, subject: str | None, body: dict[str, Any]
    ) -> None:
        body = {**body, "at": epoch_ms(self.clock.now())}
        await self.ledger.append(tx, kind=kind, project=project, principal=principal, subject=subject, body=body)


def _named(datasets: Sequence[tuple[Version, str]]) -> tuple[str, ...]:
    return tuple(sorted(str(version) for version, _ in datasets))


def _as_json(text: str) -> tuple[str, str]:
    """The text as it may stand within a JSON string: with other letters as they are, or escaped."""
    return json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1]
