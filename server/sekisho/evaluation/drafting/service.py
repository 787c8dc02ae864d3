"""Use cases of drafts: have questions proposed, and take into use what a person has accepted."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from sekisho.evaluation.cases import DRAFT, parse_cases
from sekisho.evaluation.drafting.proposals import proposals, rows_of
from sekisho.evaluation.drafting.sentences import READABLE
from sekisho.evaluation.drafting.writing import ollama_writer
from sekisho.identity.types import Action, Actor, PrincipalKind
from sekisho.indexing.service import Indexing
from sekisho.indexing.types import Document, language_of
from sekisho.inference.service import Inference
from sekisho.kernel.database import Database
from sekisho.kernel.errors import FieldError, Forbidden, Invalid
from sekisho.kernel.jobs import Job, Jobs, JobState, Progress
from sekisho.kernel.references import Kind
from sekisho.ledger.service import Ledger
from sekisho.registry.content import describe_dataset, read_cases
from sekisho.registry.manifests import CorpusManifest
from sekisho.registry.service import Registry
from sekisho.registry.types import Provenance, Registered

KIND: Final = "draft"
OLLAMA: Final = "ollama/"
_MOST_NAMED: Final = 50


@dataclass(frozen=True)
class Drafting:
    """A draft is told from a dataset by its rows: each has the field ``draft``, so it has another digest too."""

    database: Database
    ledger: Ledger
    jobs: Jobs
    registry: Registry
    indexing: Indexing
    inference: Inference

    async def request(self, actor: Actor, project: str, corpus: str, *, size: int, seed: int, model: str | None) -> Job:
        """Pin the corpus by digest and have a worker propose questions; the rows are a blob that the result names.

        Raises `Invalid` for a model that is not ``ollama/<name>``.
        """
        actor.require(project, Action.REGISTER)
        if model is not None and not model.startswith(OLLAMA):
            raise Invalid("there is no such writer", fields=[FieldError("$.model", "use ollama/<model>")])
        async with self.database.read() as tx:
            version = await self.indexing.version(tx, project, Kind.CORPUS, corpus, "$.corpus")
        payload = {"corpus": version.digest, "reference": str(version), "size": size, "seed": seed}
        async with self.database.write() as tx:
            job_id = await self.jobs.enqueue(
                tx,
                project=project,
                kind=KIND,
                payload=payload | ({} if model is None else {"model": model}),
                principal=actor.principal,
            )
        return await self.jobs.one(project, job_id)

    async def job(self, actor: Actor, project: str, job_id: str) -> Job:
        """Raises `NotFound` also for another project's job, or one of another kind."""
        return await self.indexing.job(actor, project, KIND, job_id)

    async def execute(self, job: Job) -> None:
        """Propose, and keep the rows. Raises `ModelFailed` where the model is gone, `Invalid` where nothing fits."""
        documents, skipped = await self._documents(job.project, str(job.payload["corpus"]))
        size, seed = int(job.payload["size"]), int(job.payload["seed"])
        writer, by = None, ""
        if model := job.payload.get("model"):
            writer, by = await ollama_writer(self.inference.hosts, str(model).removeprefix(OLLAMA), seed)

        async def told(done: int) -> None:
            if writer is not None:  # which takes seconds for each; without it all is done at once
                await self.jobs.beat(job, Progress(done, size, "questions"))

        found = await proposals(documents, size, seed, writer=writer, by=by, told=told)
        if not found:
            raise Invalid(
                "no question could be drafted",
                fields=[FieldError("$.corpus", "it has no sentence in English or Japanese that stands there once")],
            )
        async with self.database.write() as tx:
            content = await self.registry.keep_blob(tx, job.project, rows_of(found))
            result = {
                "reference": job.payload["reference"],
                "content": content,
                "cases": len(found),
                "by": dict(sorted(Counter(one.by for one in found).items())),
                "left_out": {"count": len(skipped), "first": skipped[:_MOST_NAMED]},
            }
            await self.jobs.finish(tx, job, JobState.DONE, result=result)

    async def accept(
        self,
        actor: Actor,
        project: str,
        name: str,
        content: str,
        *,
        licence: str,
        only: Sequence[str] = (),
        message: str = "",
    ) -> Registered:
        """Register rows that were drafted as dataset `name`, in a person's name; the ledger says who took them.

        `content` is the blob of rows as he leaves them, `only` the ids he takes of them (all where it is empty).
        Raises `Forbidden` for a service, `Invalid` where no row is a draft, an id is unknown or a row is no case.
        """
        actor.require(project, Action.REGISTER)
        if actor.kind is not PrincipalKind.PERSON:
            raise Forbidden(f"{actor.principal} is a service; only a person accepts drafts")
        async with self.database.read() as tx:
            data = await self.registry.read_blob(tx, project, content)
        rows, by = await asyncio.to_thread(accepted, data, only)
        cases, fields = describe_dataset(rows)
        async with self.database.write() as tx:
            await self.ledger.lock(tx)
            blob = await self.registry.keep_blob(tx, project, rows)
            manifest = {"schema": "sekisho.dataset/v1", "content": blob, "cases": cases, "fields": list(fields)}
            registered = await self.registry.register_in(
                tx,
                actor.principal,
                project,
                Kind.DATASET,
                name,
                {**manifest, "licence": licence},
                Provenance(author=actor.principal, message=message),
            )
            version = registered.version
            await self.ledger.append(
                tx,
                kind="dataset.accepted",
                project=project,
                principal=actor.principal,
                subject=version.digest,
                body={"artifact": version.label, "number": version.number, "drafts": content, "cases": cases, "by": by},
            )
        return registered

    async def _documents(self, project: str, digest: str) -> tuple[list[Document], list[str]]:
        """What can be read of the corpus, and the paths of what cannot."""
        async with self.database.read() as tx:
            version = await self.registry.of_digest(tx, project, digest)
        corpus = msgspec.convert(dict(version.manifest), CorpusManifest)
        readable = [file for file in corpus.files if file.media_type in READABLE]
        documents = [
            Document(
                file.path,
                data.decode("utf-8", "replace"),
                file.media_type,
                language_of(file.path, file.language, corpus.language),
            )
            async for some in self.registry.documents(project, readable)
            for file, data in some
        ]
        return documents, [file.path for file in corpus.files if file.media_type not in READABLE]


def accepted(data: bytes, only: Sequence[str]) -> tuple[bytes, dict[str, int]]:
    """The rows without their marks, and how many were drafted by whom. Raises `Invalid`."""
    rows, wrong = read_cases(data)
    if wrong:
        raise Invalid("the drafts are not valid", fields=wrong, remedy="mend the lines named")
    ids = {str(row.get("id")) for row in rows}
    unknown = [FieldError("$.only", f"there is no draft {name!r}") for name in only if name not in ids]
    if unknown:
        raise Invalid("the drafts are not there", fields=unknown)
    chosen = [row for row in rows if not only or row.get("id") in set(only)]
    by = Counter(str(row[DRAFT]) for row in chosen if row.get(DRAFT))
    if not by:
        raise Invalid("nothing is accepted", fields=[FieldError("$.content", "no row is a draft: just register it")])
    lines: list[dict[str, Any]] = [{name: value for name, value in row.items() if name != DRAFT} for row in chosen]
    text = "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines).encode()
    parse_cases(text)
    return text, dict(sorted(by.items()))
