"""Use cases of overlap checks: ask for them, do them, read them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

import msgspec

from sekisho.evaluation.cases import measured, parse_cases
from sekisho.evidence.overlap.containment import METHOD
from sekisho.evidence.overlap.store import OverlapStore
from sekisho.evidence.overlap.types import Looking, Overlap
from sekisho.evidence.overlap.witness import MEASURED
from sekisho.identity.types import Action, Actor
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import is_digest
from sekisho.kernel.errors import FieldError, Invalid, NotFound
from sekisho.kernel.ids import new_id
from sekisho.kernel.jobs import Cancelled, Job, Jobs, JobState, Progress
from sekisho.kernel.references import Kind, parse_reference
from sekisho.ledger.service import Ledger
from sekisho.registry.finding import or_latest
from sekisho.registry.manifests import CorpusManifest, DatasetManifest, PromptManifest
from sekisho.registry.service import Registry
from sekisho.registry.types import Version

KIND: Final = "overlap"


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Whether the questions of a dataset stand in an agent's prompt or corpus.

    What a check finds follows from the three digests and the method alone, so it is done once; asking again gives the
    same.
    """

    database: Database
    clock: Clock
    ledger: Ledger
    jobs: Jobs
    registry: Registry

    async def request(self, actor: Actor, project: str, subject: str, dataset: str) -> Job:
        """Pin both by digest and queue the check; its job's result lists what was found.

        Raises `NotFound`, and `Invalid` where the subject has no prompt or no corpus, or the dataset is none.
        """
        actor.require(project, Action.EVALUATE)
        async with self.database.read() as tx:
            asked = await self._version(tx, project, subject, "$.subject")
            cases = await self._version(tx, project, dataset, "$.dataset")
            if cases.kind is not Kind.DATASET:
                raise Invalid(f"{cases} is no dataset", fields=[FieldError("$.dataset", "name a dataset")])
            prompts, corpora = await self._parts(tx, asked)
        payload = {"subject": str(asked), "dataset": cases.digest, "prompts": prompts, "corpora": corpora}
        async with self.database.write() as tx:
            job_id = await self.jobs.enqueue(tx, project=project, kind=KIND, payload=payload, principal=actor.principal)
        return await self.jobs.one(project, job_id)

    async def execute(self, job: Job) -> None:
        """Do a check. Called by a worker that holds the job. Raises what is not a cancellation; then none is kept."""
        known = await self._known(job)
        wanted = product(job.payload["prompts"], job.payload["corpora"])
        try:
            made = [await self._check(job, *pair) for pair in wanted if pair not in known]
        except Cancelled:
            async with self.database.write() as tx:
                await self.jobs.finish(tx, job, JobState.CANCELLED)
            return
        async with self.database.write() as tx:
            await self.jobs.hold(tx, job)
            for overlap in made:
                await self._keep(tx, overlap)
            result = {"overlaps": [overlap.as_json() for overlap in (*known.values(), *made)]}
            await self.jobs.finish(tx, job, JobState.DONE, result=result)

    async def job(self, actor: Actor, project: str, job_id: str) -> Job:
        """Raises `NotFound` also for another project's job, or one of another kind."""
        actor.require(project, Action.READ)
        job = await self.jobs.one(project, job_id)
        if job.kind != KIND:
            raise NotFound(f"there is no overlap check {job_id} in project {project}")
        return job

    async def all(self, actor: Actor, project: str, subject: str) -> tuple[Overlap, ...]:
        """Every check of what this version is made from, oldest first."""
        actor.require(project, Action.READ)
        async with self.database.read() as tx:
            version = await self._version(tx, project, subject, "$.subject")
            prompts, corpora = await self._parts(tx, version)
            return await OverlapStore(tx).all(project, prompts, corpora)

    async def about(
        self, tx: Transaction, project: str, prompts: Collection[str], corpora: Collection[str]
    ) -> Sequence[Mapping[str, Any]]:
        """For the gate: every check of one of these prompts with one of these corpora."""
        return [overlap.as_evidence() for overlap in await OverlapStore(tx).all(project, prompts, corpora)]

    async def _version(self, tx: Transaction, project: str, text: str, path: str) -> Version:
        if is_digest(text):
            return await self.registry.of_digest(tx, project, text)
        reference = or_latest(parse_reference(text, project=project))
        if reference.project != project:
            raise Invalid("the version is another project's", fields=[FieldError(path, f"name one of {project}")])
        return await self.registry.find(tx, reference)

    async def _parts(self, tx: Transaction, version: Version) -> tuple[list[str], list[str]]:
        """Digests of the prompts and of the corpora that a version is made from."""
        nodes = (await self.registry.closure(tx, version.project, version.digest)).nodes.values()
        prompts, corpora = (
            sorted(node.digest for node in nodes if node.kind is kind) for kind in (Kind.PROMPT, Kind.CORPUS)
        )
        if not prompts or not corpora:
            raise Invalid(
                f"{version} is not made from a prompt and a corpus",
                fields=[FieldError("$.subject", "name an agent")],
                remedy="check an agent, such as agent/docs@latest",
            )
        return prompts, corpora

    async def _known(self, job: Job) -> dict[tuple[str, str], Overlap]:
        async with self.database.read() as tx:
            found = await OverlapStore(tx).all(job.project, job.payload["prompts"], job.payload["corpora"])
        alike = [one for one in found if one.dataset == job.payload["dataset"] and one.method == METHOD]
        return {(one.prompt, one.corpus): one for one in alike}

    async def _check(self, job: Job, prompt: str, corpus: str) -> Overlap:
        looking = Looking(await self._cases(job))
        async with self.database.read() as tx:
            messages = await self._manifest(tx, job, prompt, PromptManifest)
            files = (await self._manifest(tx, job, corpus, CorpusManifest)).files
        await asyncio.to_thread(looking.in_prompt, [message.template for message in messages.messages])
        done = 0
        async for some in self.registry.documents(job.project, files):
            await asyncio.to_thread(looking.in_corpus, [data.decode("utf-8", errors="replace") for _, data in some])
            done += len(some)
            if await self.jobs.beat(job, Progress(done, len(files), "documents")):
                raise Cancelled
        now = self.clock.now()
        return Overlap(
            id=new_id(now),
            project=job.project,
            dataset=str(job.payload["dataset"]),
            prompt=prompt,
            corpus=corpus,
            principal=job.principal,
            created_at=epoch_ms(now),
            **looking.counted(),
        )

    async def _cases(self, job: Job) -> Any:
        async with self.database.read() as tx:
            dataset = await self._manifest(tx, job, str(job.payload["dataset"]), DatasetManifest)
            content = await self.registry.read_blob(tx, job.project, dataset.content)
        return measured(await asyncio.to_thread(parse_cases, content))

    async def _manifest(self, tx: Transaction, job: Job, digest: str, kind: type[Any]) -> Any:
        version = await self.registry.of_digest(tx, job.project, digest)
        return msgspec.convert(dict(version.manifest), kind)

    async def _keep(self, tx: Transaction, overlap: Overlap) -> None:
        await OverlapStore(tx).insert(overlap)
        body = {"overlap": overlap.id, "dataset": overlap.dataset, "prompt": overlap.prompt, "corpus": overlap.corpus}
        await self.ledger.append(
            tx,
            kind=MEASURED,
            project=overlap.project,
            principal=overlap.principal,
            subject=overlap.prompt,
            body={**body, "method": overlap.method, **overlap.counts, "found": list(overlap.found)},
        )
