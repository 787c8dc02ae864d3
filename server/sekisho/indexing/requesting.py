"""Asking for builds, verifications and searches, and reading what came of them. Runs in any process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import msgspec

from sekisho.identity.types import Action, Actor
from sekisho.indexing.ports import Ports
from sekisho.indexing.store import IndexStore
from sekisho.indexing.types import BuildRecord, DeepLook, FilterRecipe, Integrity, Recipe
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import is_digest
from sekisho.kernel.errors import Archived, FieldError, Invalid, NotFound
from sekisho.kernel.jobs import Job
from sekisho.kernel.pages import Cursor, Page, page_of, parse_cursor, parse_limit
from sekisho.kernel.references import Kind, parse_name, parse_reference
from sekisho.registry.finding import or_latest
from sekisho.registry.types import Provenance, Version

BUILD: Final = "build"
VERIFY: Final = "verify"
SEARCH: Final = "search"
MOST_HITS: Final = 100


@dataclass(frozen=True)
class Requesting(Ports):
    """Every request is pinned by digest before it is queued."""

    async def request_build(
        self, actor: Actor, project: str, name: str, recipe: Recipe, registration: Provenance
    ) -> Job:
        """Pin the corpus by digest and queue the build; the index is registered as `name` when it is done."""
        actor.require(project, Action.REGISTER)
        parse_name(name)
        _check(recipe)
        async with self.database.read() as tx:
            corpus = await self.version(tx, project, Kind.CORPUS, recipe.corpus, "$.corpus")
        if corpus.archived:
            raise Archived(f"{corpus} is archived", remedy="restore it, or build from another version")
        pinned = msgspec.structs.replace(recipe, corpus=corpus.digest)
        payload = {"name": name, "recipe": msgspec.to_builtins(pinned), "registration": asdict(registration)}
        return await self._queue(actor, project, BUILD, payload)

    async def request_verify(self, actor: Actor, project: str, reference: str, deep: DeepLook | None = None) -> Job:
        """Queue a comparison of what the store holds with the manifest and the build record.

        With `deep`, a seeded sample of the chunks is embedded again as well.
        """
        actor.require(project, Action.EVALUATE)
        async with self.database.read() as tx:
            version = await self.version(tx, project, Kind.INDEX, reference, "$.index")
        payload = {"index": version.digest, "reference": str(version)}
        return await self._queue(
            actor, project, VERIFY, payload | ({} if deep is None else {"deep": msgspec.to_builtins(deep)})
        )

    async def request_search(
        self,
        actor: Actor,
        project: str,
        reference: str,
        query: str,
        k: int | None,
        only: FilterRecipe | None = None,
        *,
        why: bool = False,
    ) -> Job:
        """Queue a search, of the documents of `only` where it is given; the hits are the job's result.

        With `why` each comes with what brought it there.
        """
        actor.require(project, Action.READ)
        wrong = [] if query.strip() else [FieldError("$.query", "ask something")]
        if k is not None and not 1 <= k <= MOST_HITS:
            wrong.append(FieldError("$.k", f"use 1 to {MOST_HITS}"))
        wrong += [] if only is None else only.problems("$.filter")
        if wrong:
            raise Invalid("the search is not valid", fields=wrong)
        async with self.database.read() as tx:
            version = await self.version(tx, project, Kind.INDEX, reference, "$.index")
        payload: dict[str, Any] = {"index": version.digest, "reference": str(version), "query": query}
        payload |= ({} if k is None else {"k": k}) | ({"why": True} if why else {})
        return await self._queue(actor, project, SEARCH, payload | ({} if only is None else {"filter": only.pinned()}))

    async def job(self, actor: Actor, project: str, kind: str, job_id: str) -> Job:
        """Raises `NotFound` also for another project's job, or one of another kind."""
        actor.require(project, Action.READ)
        job = await self.jobs.one(project, job_id)
        if job.kind != kind:
            raise NotFound(f"there is no {kind} {job_id} in project {project}")
        return job

    async def cancel(self, actor: Actor, project: str, kind: str, job_id: str) -> Job:
        """Ask for an end: at once where nobody works on it, else at the worker's next beat."""
        actor.require(project, Action.REGISTER)
        await self.job(actor, project, kind, job_id)
        async with self.database.write() as tx:
            await self.jobs.cancel(tx, job_id)
        return await self.jobs.one(project, job_id)

    async def builds(self, actor: Actor, project: str, cursor: str | None, limit: int) -> Page[BuildRecord]:
        """Records of the project's built indexes, newest first."""
        actor.require(project, Action.READ)
        after, size = parse_cursor(cursor), parse_limit(limit)
        async with self.database.read() as tx:
            rows = await IndexStore(tx).page(project, after, size + 1)
        return page_of(rows, size, lambda row: Cursor(row.built_at, row.digest))

    async def integrity(self, tx: Transaction, project: str, digest: str) -> Mapping[str, Any]:
        """For the gate: ``integrity``; of an index built here also when it was looked at and built, and with what."""
        record = await IndexStore(tx).one_or_none(project, digest)
        if record is None:
            return {"integrity": Integrity.UNVERIFIED.value}
        return {
            "integrity": record.integrity.value,
            "verified_at": record.checked_at,
            "built_at": record.built_at,
            "built_with": record.embedder_digest,
        }

    async def _queue(self, actor: Actor, project: str, kind: str, payload: Mapping[str, Any]) -> Job:
        async with self.database.write() as tx:
            job_id = await self.jobs.enqueue(tx, project=project, kind=kind, payload=payload, principal=actor.principal)
        return await self.jobs.one(project, job_id)

    async def version(self, tx: Transaction, project: str, kind: Kind, text: str, path: str) -> Version:
        """The version that a reference or a whole digest means in this project; it must be of the kind."""
        if is_digest(text):
            version = await self.registry.of_digest(tx, project, text)
        else:
            reference = or_latest(parse_reference(text, project=project))
            if reference.project != project:
                raise Invalid(
                    "the version is another project's", fields=[FieldError(path, f"name one of project {project}")]
                )
            version = await self.registry.find(tx, reference)
        if version.kind is not kind:
            raise Invalid(f"{version} is no {kind}", fields=[FieldError(path, f"name one of kind {kind}")])
        return version


def _check(recipe: Recipe) -> None:
    wrong = recipe.problems()
    if wrong:
        raise Invalid("the recipe is not valid", fields=wrong)
