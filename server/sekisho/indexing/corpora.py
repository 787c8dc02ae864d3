"""Profiles of registered corpora: asked for in any process, made by the worker."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import msgspec

from sekisho.identity.types import Action, Actor
from sekisho.indexing.profiles.profile import Profiler
from sekisho.indexing.profiles.reading import profiled
from sekisho.indexing.requesting import Requesting
from sekisho.kernel.jobs import Job, JobState, Progress
from sekisho.kernel.references import Kind
from sekisho.registry.manifests import CorpusManifest

PROFILE: Final = "profile"


@dataclass(frozen=True)
class Corpora(Requesting):
    """Use cases of corpora as such, before and besides any index."""

    async def request_profile(self, actor: Actor, project: str, reference: str) -> Job:
        """Queue a profile of a corpus version; it becomes the job's result."""
        actor.require(project, Action.READ)
        async with self.database.read() as tx:
            version = await self.version(tx, project, Kind.CORPUS, reference, "$.corpus")
        return await self._queue(actor, project, PROFILE, {"corpus": version.digest, "reference": str(version)})

    async def profile(self, job: Job) -> None:
        """Look at every document of the corpus; memory holds some of them at a time, and a sketch of each."""
        async with self.database.read() as tx:
            version = await self.registry.of_digest(tx, job.project, str(job.payload["corpus"]))
        corpus = msgspec.convert(dict(version.manifest), CorpusManifest)
        profiler = Profiler(str(job.payload["reference"]))
        done = 0
        async for some in self.registry.documents(job.project, corpus.files):
            await asyncio.to_thread(profiler.add_all, [profiled(corpus, file, data) for file, data in some])
            done += len(some)
            if await self.jobs.beat(job, Progress(done, len(corpus.files), "documents")):
                async with self.database.write() as tx:
                    await self.jobs.finish(tx, job, JobState.CANCELLED)
                return
        found = await asyncio.to_thread(profiler.profile)
        async with self.database.write() as tx:
            await self.jobs.finish(tx, job, JobState.DONE, result=msgspec.to_builtins(found))
