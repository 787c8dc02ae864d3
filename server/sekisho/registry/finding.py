"""From a reference to the version it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import PREFIX
from sekisho.kernel.errors import AmbiguousReference, FieldError, Invalid, NotFound
from sekisho.kernel.references import DigestPrefix, Latest, Number, Reference, Stage
from sekisho.registry.artifacts import ArtifactStore
from sekisho.registry.pointers import StageStore
from sekisho.registry.store import Stored, VersionStore
from sekisho.registry.types import Artifact, Pointer, Version

MAX_CANDIDATES = 10


def or_latest(reference: Reference) -> Reference:
    """The reference as a reader means it who wrote no selector."""
    return replace(reference, selector=Latest()) if reference.selector is None else reference


async def artifact_of(tx: Transaction, reference: Reference) -> Artifact:
    """Raises `NotFound`."""
    artifact = await ArtifactStore(tx).one_or_none(reference.project, reference.kind, reference.name)
    if artifact is None:
        raise NotFound(
            f"there is no {reference.label} in project {reference.project}",
            remedy=f"`sekisho list --kind {reference.kind}` shows what there is",
        )
    return artifact


async def find(tx: Transaction, reference: Reference, stages: Sequence[str]) -> tuple[Stored, Pointer | None]:
    """The version that a reference means now, and the stage's pointer where the selector is a stage.

    Raises `NotFound`, `AmbiguousReference`, or `Invalid` for a reference without a selector or an unknown stage.
    """
    if isinstance(reference.selector, Stage):
        known_stage(reference.selector.name, stages)
    artifact = await artifact_of(tx, reference)
    pointer = None
    match reference.selector:
        case Latest():
            found = await VersionStore(tx).by_number(artifact.id, artifact.latest)
        case Number(value):
            found = await VersionStore(tx).by_number(artifact.id, value)
        case DigestPrefix():
            found = await _by_prefix(tx, artifact, reference.selector)
        case Stage(name):
            pointer = await StageStore(tx).one_or_none(artifact.id, name)
            if pointer is None:
                raise _nothing_promoted(reference, name)
            found = await VersionStore(tx).by_digest(artifact.id, pointer.digest)
        case None:
            raise _no_selector(reference)
    if found is None:
        raise _no_version(reference, artifact)
    return found, pointer


async def digest_of_reference(tx: Transaction, reference: Reference) -> str | None:
    """The digest that a reference means, without reading the manifest that is kept under it; None where it means none.

    For telling of a version that cannot be read.
    """
    artifact = await ArtifactStore(tx).one_or_none(reference.project, reference.kind, reference.name)
    if artifact is None:
        return None
    match reference.selector:
        case Stage(name):
            pointer = await StageStore(tx).one_or_none(artifact.id, name)
            return None if pointer is None else pointer.digest
        case Number(value):
            return await VersionStore(tx).digest_of(artifact.id, value)
        case DigestPrefix() as prefix:
            found = await VersionStore(tx).candidates(artifact.id, PREFIX + prefix.hex, 2)
            return found[0][1] if len(found) == 1 else None
        case _:
            return await VersionStore(tx).digest_of(artifact.id, artifact.latest)


def known_stage(stage: str, stages: Sequence[str]) -> None:
    """Raises `Invalid` naming the stages there are."""
    if stage not in stages:
        known = ", ".join(stages)
        raise Invalid(
            f"there is no stage {stage}; the stages are {known}",
            fields=[FieldError("$.selector", f"use one of {known}, v<number>, a digest or latest")],
        )


async def _by_prefix(tx: Transaction, artifact: Artifact, selector: DigestPrefix) -> Stored | None:
    if selector.whole:
        return await VersionStore(tx).by_digest(artifact.id, PREFIX + selector.hex)
    found = await VersionStore(tx).candidates(artifact.id, PREFIX + selector.hex, MAX_CANDIDATES)
    if len(found) > 1:
        named = [f"v{number} is {digest}" for number, digest in found]
        raise AmbiguousReference(
            f"{selector} is the beginning of {len(found)} versions of {artifact.label}: {'; '.join(named)}",
            fields=[FieldError("$.selector", "write more digits, or the version's number")],
            remedy="write more digits of the digest",
        )
    return await VersionStore(tx).by_digest(artifact.id, found[0][1]) if found else None


def best(versions: Sequence[Version]) -> Version:
    """The one that stands for a digest which is registered under several names: in use rather than archived, then
    the one registered first."""
    if len(versions) == 1:
        return versions[0]
    return min(versions, key=lambda version: (version.archived or version.revoked, version.created_at, version.name))


def _no_selector(reference: Reference) -> Invalid:
    return Invalid(
        f"{reference} does not say which version",
        fields=[FieldError("$.selector", "add @<stage>, @v<number>, @<digest> or @latest")],
        remedy=f"write {reference.label}@latest, or name a stage, number or digest",
    )


def _no_version(reference: Reference, artifact: Artifact) -> NotFound:
    return NotFound(
        f"{reference.label} has no version {reference.selector}; it has v1 to v{artifact.versions}",
        remedy=f"`sekisho versions {reference.label}` shows them",
    )


def _nothing_promoted(reference: Reference, stage: str) -> NotFound:
    return NotFound(
        f"nothing of {reference.label} has been promoted to {stage}",
        remedy=f"`sekisho promote {reference.label} --to {stage}`",
    )
