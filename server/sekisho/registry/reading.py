"""Reading versions, their registrations, their differences and their lineage."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from sekisho.identity.types import Action, Actor
from sekisho.kernel.database import Transaction
from sekisho.kernel.errors import FieldError, Invalid, NotFound
from sekisho.kernel.pages import Cursor, Page, page_of, parse_cursor, parse_limit
from sekisho.kernel.references import Kind, Reference
from sekisho.registry import lineage
from sekisho.registry.artifacts import ArtifactFilter, ArtifactStore
from sekisho.registry.diffs import as_steps, as_text
from sekisho.registry.finding import artifact_of, best, digest_of_reference, find, or_latest
from sekisho.registry.manifests import PromptManifest
from sekisho.registry.ports import Ports
from sekisho.registry.prompts import render_prompt
from sekisho.registry.store import RegistrationStore, VersionStore
from sekisho.registry.types import Artifact, Closure, Diff, Direction, Lineage, Registration, Version


@dataclass(frozen=True)
class Reading(Ports):
    """Use cases that change nothing. A reference without a selector means the latest version."""

    async def one(self, actor: Actor, reference: Reference) -> Version:
        """The version that a reference means."""
        actor.require(reference.project, Action.READ)
        async with self.database.read() as tx:
            return await self.find(tx, or_latest(reference))

    async def of_digest(self, tx: Transaction, project: str, digest: str) -> Version:
        """The version with this digest, whatever its name: one in use before one archived, then the first.

        Raises `NotFound`.
        """
        found = (await VersionStore(tx).named(project, [digest])).get(digest)
        if not found:
            raise NotFound(f"nothing is registered as {digest} in project {project}")
        return best(found)

    async def digest_of(self, tx: Transaction, reference: Reference) -> str | None:
        """The digest that a reference means, even of a version whose manifest cannot be trusted; None: of nothing."""
        return await digest_of_reference(tx, reference)

    async def artifact(self, actor: Actor, reference: Reference) -> Artifact:
        actor.require(reference.project, Action.READ)
        async with self.database.read() as tx:
            return await artifact_of(tx, reference)

    async def artifacts(
        self, actor: Actor, project: str, wanted: ArtifactFilter, cursor: str | None, limit: int
    ) -> Page[Artifact]:
        """A page of the project's artifacts, oldest first."""
        actor.require(project, Action.READ)
        after, size = parse_cursor(cursor), parse_limit(limit)
        async with self.database.read() as tx:
            rows = await ArtifactStore(tx).page(project, wanted, after, size + 1)
        return page_of(rows, size, lambda row: Cursor(row.created_at, row.id))

    async def versions(self, actor: Actor, reference: Reference, cursor: str | None, limit: int) -> Page[Version]:
        """A page of an artifact's versions, oldest first."""
        actor.require(reference.project, Action.READ)
        after, size = parse_cursor(cursor), parse_limit(limit)
        async with self.database.read() as tx:
            artifact = await artifact_of(tx, reference)
            rows = await VersionStore(tx).page(artifact.id, after, size + 1)
        page = page_of(rows, size, lambda row: Cursor(row.version.created_at, row.id))
        return Page(tuple(row.version for row in page.items), page.next_cursor)

    async def registrations(
        self, actor: Actor, reference: Reference, cursor: str | None, limit: int
    ) -> Page[Registration]:
        """A page of a version's registrations under this name, oldest first."""
        actor.require(reference.project, Action.READ)
        after, size = parse_cursor(cursor), parse_limit(limit)
        async with self.database.read() as tx:
            stored, _ = await find(tx, or_latest(reference), self.stages)
            rows = await RegistrationStore(tx).page(stored.id, after, size + 1)
        return page_of(rows, size, lambda row: Cursor(row.created_at, row.id))

    async def hands_in(self, tx: Transaction, project: str, digests: Collection[str]) -> tuple[tuple[str, str], ...]:
        """Who registered any of these bytes in the project, under whatever name: each principal, with each author
        whom he named (empty: none)."""
        return tuple(await RegistrationStore(tx).hands(project, sorted(digests)))

    async def diff(self, actor: Actor, before: Reference, after: Reference, *, text: bool = False) -> Diff:
        """What changed from one version to another, as steps or as unified text."""
        actor.require(before.project, Action.READ)
        actor.require(after.project, Action.READ)
        async with self.database.read() as tx:
            old, new = await self.find(tx, or_latest(before)), await self.find(tx, or_latest(after))
        if text:
            shown = await asyncio.to_thread(as_text, old.manifest, new.manifest, str(old), str(new))
            return Diff(old, new, text=shown)
        return Diff(old, new, steps=tuple(await asyncio.to_thread(as_steps, old.manifest, new.manifest)))

    async def render(self, actor: Actor, reference: Reference, variables: Mapping[str, Any]) -> list[dict[str, str]]:
        """A prompt's chat messages. Raises `Invalid` where the version is no prompt or the variables do not fit."""
        actor.require(reference.project, Action.READ)
        if reference.kind is not Kind.PROMPT:
            raise Invalid(f"{reference} is no prompt", fields=[FieldError("$.kind", "only prompts are rendered")])
        version = await self.one(actor, reference)
        manifest = msgspec.convert(dict(version.manifest), PromptManifest)
        return await asyncio.to_thread(render_prompt, manifest, variables)

    async def closure(self, tx: Transaction, project: str, digest: str) -> Closure:
        """A version and everything that it is made from."""
        return await lineage.closure(tx, project, digest)

    async def lineage(self, actor: Actor, reference: Reference, direction: Direction, depth: int) -> Lineage:
        """The graph up or down from a version, at most `depth` (1 to 100) steps far."""
        actor.require(reference.project, Action.READ)
        if not 1 <= depth <= lineage.EVERYTHING:
            raise Invalid("the depth is out of range", fields=[FieldError("$.depth", f"use 1 to {lineage.EVERYTHING}")])
        async with self.database.read() as tx:
            version = await self.find(tx, or_latest(reference))
            return await lineage.lineage(tx, reference.project, version, direction, depth)
