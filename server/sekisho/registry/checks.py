"""What a manifest names must be there and fit: versions, blobs, scorers. Everything that is wrong is named at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import IO, Final

from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import PREFIX, digest_of_bytes, short
from sekisho.kernel.errors import FieldError, IntegrityFailed, Invalid, NotFound
from sekisho.registry.blobs import PIECE, BlobStore
from sekisho.registry.content import fields_of, read_cases, text_problem
from sekisho.registry.finding import best
from sekisho.registry.manifests import CorpusManifest, DatasetManifest, Manifest, SuiteManifest
from sekisho.registry.store import VersionStore
from sekisho.registry.types import Dependency, Version

OF_NOTHING: Final = digest_of_bytes(b"")
"""An empty blob under any other digest is one that was erased."""
KnownScorers = Callable[[], Collection[str]]
"""Port: the names of the scorers that suites may use."""


async def read_blob(tx: Transaction, project: str, digest: str) -> bytes:
    """The bytes under this digest, verified. Raises `NotFound` and `IntegrityFailed`."""
    return _checked(project, digest, await BlobStore(tx).one_or_none(project, digest))


async def read_blobs(tx: Transaction, project: str, digests: Sequence[str]) -> Mapping[str, bytes]:
    """The bytes under each of these digests, verified. Raises as `read_blob`."""
    held = await BlobStore(tx).some(project, digests)
    return {digest: _checked(project, digest, held.get(digest)) for digest in digests}


def _checked(project: str, digest: str, data: bytes | None) -> bytes:
    if data is None:
        raise NotFound(f"there is no blob {digest} in project {project}")
    if not data and digest != OF_NOTHING:
        raise NotFound(f"the blob {digest} was erased from project {project}")
    if digest_of_bytes(data) != digest:
        raise _altered(digest)
    return data


def _altered(digest: str) -> IntegrityFailed:
    return IntegrityFailed(
        f"the blob kept as {digest} has other bytes",
        remedy="the database was changed behind Sekisho's back; restore it from a backup",
    )


async def copy_blob(tx: Transaction, project: str, digest: str, file: IO[bytes]) -> None:
    """The bytes under this digest, verified, into an empty file, which ends at its beginning. Raises as `read_blob`."""
    if not await BlobStore(tx).copy(project, digest, file):
        raise NotFound(f"there is no blob {digest} in project {project}")
    file.seek(0)
    found = hashlib.sha256()
    while part := file.read(PIECE):
        found.update(part)
    if PREFIX + found.hexdigest() != digest:
        raise _altered(digest)
    file.seek(0)


async def check_content(tx: Transaction, project: str, manifest: Manifest) -> None:
    """Raises `Invalid` where a corpus's or dataset's bytes are missing or are not what the manifest says."""
    wrong: list[FieldError] = []
    if isinstance(manifest, CorpusManifest):
        wrong = await _corpus_problems(tx, project, manifest)
    elif isinstance(manifest, DatasetManifest):
        wrong = await _dataset_problems(tx, project, manifest)
    if wrong:
        raise Invalid("the bytes do not fit the manifest", fields=wrong)


async def _corpus_problems(tx: Transaction, project: str, manifest: CorpusManifest) -> list[FieldError]:
    sizes = await BlobStore(tx).sizes(project, sorted({file.digest for file in manifest.files}))
    wrong: list[FieldError] = []
    for index, file in enumerate(manifest.files):
        size = sizes.get(file.digest)
        if size is None:
            wrong.append(
                FieldError(
                    f"$.files[{index}].digest",
                    f"{file.path}: no blob {short(file.digest)} was put; PUT it first, as `sekisho apply` does",
                )
            )
        elif size == 0 and file.digest != OF_NOTHING:
            wrong.append(FieldError(f"$.files[{index}].digest", f"{file.path} was erased; leave it out"))
        elif size != file.bytes:
            wrong.append(FieldError(f"$.files[{index}].bytes", f"{file.path} has {size} bytes, not {file.bytes}"))
        elif problem := text_problem(await read_blob(tx, project, file.digest)):
            wrong.append(FieldError(f"$.files[{index}].digest", f"{file.path} {problem}"))
    return wrong


async def _dataset_problems(tx: Transaction, project: str, manifest: DatasetManifest) -> list[FieldError]:
    if not await BlobStore(tx).sizes(project, [manifest.content]):
        return [
            FieldError("$.content", f"no blob {short(manifest.content)} was put; PUT it first, as `sekisho apply` does")
        ]
    cases, wrong = read_cases(await read_blob(tx, project, manifest.content))
    if wrong:
        return [FieldError("$.content", f"{field.path}: {field.message}") for field in wrong]
    if len(cases) != manifest.cases:
        wrong.append(FieldError("$.cases", f"there are {len(cases)} cases, not {manifest.cases}"))
    present = fields_of(cases)
    if present != manifest.fields:
        wrong.append(FieldError("$.fields", f"the cases have the fields {', '.join(present)}"))
    return wrong


async def check_references(
    tx: Transaction, project: str, manifest: Manifest, scorers: Collection[str]
) -> Mapping[str, Version]:
    """The versions that the manifest pins, by digest.

    Raises `Invalid` naming each field that pins something unregistered, archived, revoked or of another kind, and
    each unknown scorer or field of the dataset.
    """
    pinned = manifest.dependencies()
    named = await VersionStore(tx).named(project, sorted({pin.digest for pin in pinned}))
    found = {digest: best(versions) for digest, versions in named.items()}
    wrong = [FieldError(pin.path, problem) for pin in pinned if (problem := _pin_problem(pin, found.get(pin.digest)))]
    if isinstance(manifest, SuiteManifest):
        wrong += _scorer_problems(manifest, scorers)
        wrong += _field_problems(manifest, found.get(manifest.dataset))
    if wrong:
        raise Invalid(
            "the manifest names what it may not use",
            fields=wrong,
            remedy="register or restore what is named, or name another version",
        )
    return found


def _pin_problem(pin: Dependency, version: Version | None) -> str | None:
    if version is None:
        return f"no {pin.kind} is registered as {pin.digest}"
    if version.kind is not pin.kind:
        return f"{short(pin.digest)} is {version.label} v{version.number}, and a {pin.kind} belongs here"
    if version.revoked:
        return f"{version.label} v{version.number} is revoked"
    return f"{version.label} v{version.number} is archived" if version.archived else None


def _scorer_problems(manifest: SuiteManifest, scorers: Collection[str]) -> list[FieldError]:
    return [
        FieldError(
            f"$.scorers[{index}].name", f"there is no scorer {use.name!r}; known are {', '.join(sorted(scorers))}"
        )
        for index, use in enumerate(manifest.scorers)
        if use.name not in scorers
    ]


def _field_problems(manifest: SuiteManifest, dataset: Version | None) -> list[FieldError]:
    if dataset is None or "fields" not in dataset.manifest:
        return []
    fields: Sequence[str] = dataset.manifest["fields"]
    used = [(f"$.slices[{index}]", name) for index, name in enumerate(manifest.slices)]
    if manifest.cluster_by is not None:
        used.append(("$.cluster_by", manifest.cluster_by))
    return [
        FieldError(path, f"no case has the field {name!r}; known are {', '.join(fields)}")
        for path, name in used
        if name.split(".")[0] not in fields and "slices" not in fields
    ]
