"""Verification: what the store holds against the manifest and the build record, and what follows from it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sekisho.indexing.building import drift_in, drift_in_words
from sekisho.indexing.store import IndexStore
from sekisho.indexing.types import BuildRecord, Drift, Fingerprint, Integrity, collection_name, root_of
from sekisho.indexing.working import Working
from sekisho.inference.types import Embedder
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.database import Transaction
from sekisho.kernel.jobs import Job, JobState, Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEEP_TOLERANCE: Final = 1e-4
"""How far, in any component of a unit vector, an embedding may lie from the stored one and still be the same.

What else was in the batch moves float32 arithmetic by about 1e-7; other words, or another model, by about 1e-2.
"""
_SLAB: Final = 64
_NAMED_IN_LEDGER: Final = 20


@dataclass(frozen=True, slots=True)
class Deep:
    """A sample of an index that was embedded again. `farthest` is the greatest difference of any component."""

    sample: int
    seed: int
    farthest: float
    foreign: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "sample": self.sample,
            "seed": self.seed,
            "tolerance": DEEP_TOLERANCE,
            "farthest": round(self.farthest, 9),
        }


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the store. `record_matches`: the build record's own rows still have its vectors root."""

    record: BuildRecord
    chunks: int
    drift: Drift
    record_matches: bool
    deep: Deep | None

    @property
    def integrity(self) -> Integrity:
        return Integrity.VERIFIED if self.record_matches and not self.drift.found else Integrity.DRIFTED

    @property
    def report(self) -> dict[str, Any]:
        return {**self.drift.to_json(), "record_matches": self.record_matches}


@dataclass(frozen=True)
class Verifying(Working):
    """The worker's verifications. Each ends in one transaction: the mark, the job's end, and the ledger's entries."""

    async def verify(self, job: Job) -> None:
        """Compare chunk by chunk and bit by bit; where a deep look is asked for, embed a sample again.

        Raises `NotFound`, `Unavailable` where the store is away, and of a deep look `ModelFailed`: then nothing is
        known that was not known before, and no mark is changed.
        """
        digest = str(job.payload["index"])
        look = await self._look(job, digest)
        async with self.database.write() as tx:
            await self.jobs.hold(tx, job)
            records = await IndexStore(tx).of_digest(digest)
            sound = look.integrity is Integrity.VERIFIED
            now = epoch_ms(self.clock.now())
            await IndexStore(tx).mark(digest, look.integrity, now, None if sound else look.report)
            await self.jobs.finish(tx, job, JobState.DONE, result=_result(job, look))
            await self._enter(tx, job, records, look)

    async def _look(self, job: Job, digest: str) -> Look:
        async with self.database.read() as tx:
            manifest, record = await self._built(tx, job.project, digest)
            expected = await IndexStore(tx).chunks(digest)
        await self.jobs.beat(job, Progress(0, len(expected), "chunks"))
        drift, found = await asyncio.to_thread(drift_in, self.vectors, digest, expected, manifest.chunks.root)
        roots = await asyncio.to_thread(root_of, [one.vector_hash for one in expected])
        deep = None
        if asked := job.payload.get("deep"):
            embedder = await self._embedder(manifest)
            deep = await self._embed_again(job, embedder, digest, expected, **asked)
            drift = replace(drift, foreign_vectors=deep.foreign)
        return Look(record, found, drift, roots == record.vectors_root, deep)

    async def _embed_again(
        self, job: Job, embedder: Embedder, digest: str, expected: Sequence[Fingerprint], sample: int, seed: int
    ) -> Deep:
        """Those of the sample that the store lacks are named as missing already."""
        names = [one.chunk_id for one in sampled(expected, sample, seed)]
        held = await asyncio.to_thread(self.vectors.some, collection_name(digest), names)
        known = [held[name] for name in names if name in held]
        farthest, foreign = 0.0, []
        for start in range(0, len(known), _SLAB):
            slab = known[start : start + _SLAB]
            made = await asyncio.to_thread(embedder.embed, [stored.text for stored in slab])
            for stored, vector in zip(slab, made, strict=True):
                distance = apart(vector, stored.vector)
                farthest = max(farthest, distance)
                if distance > DEEP_TOLERANCE:
                    foreign.append(stored.id)
            await self.jobs.beat(job, Progress(start + len(slab), len(known), "chunks embedded again"))
        return Deep(len(known), seed, farthest, tuple(foreign))

    async def _enter(self, tx: Transaction, job: Job, before: Sequence[BuildRecord], look: Look) -> None:
        """Every project that has the index reads of a change; who asked for a look reads of it in any case."""
        changed = {record.project for record in before if record.integrity is not look.integrity}
        told = changed | (set() if job.payload.get("scheduled") else {job.project})
        body: dict[str, Any] = {"job": job.id, "chunks": look.chunks}
        if look.deep is not None:
            body["embedded_again"] = look.deep.sample
        if look.integrity is Integrity.DRIFTED:
            body["drift"] = _counted(look.report)
        states = {record.project: record.integrity.value for record in before}
        for project in sorted(told):
            was = {"was": states[project]} if project in changed else {}
            await self.ledger.append(
                tx,
                kind=f"index.{look.integrity.value}",
                project=project,
                principal=job.principal,
                subject=look.record.digest,
                body={**body, **was},
            )
        if changed:
            await self.database.announce(tx)


def sampled(chunks: Sequence[Fingerprint], size: int, seed: int) -> list[Fingerprint]:
    """At most `size` of the chunks, the same for a seed on every machine; a larger size keeps what a smaller had."""

    def place(one: Fingerprint) -> bytes:
        return hashlib.sha256(f"{seed}\n{one.chunk_id}".encode()).digest()

    return sorted(chunks, key=place)[:size]


def apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The greatest difference of any component; infinite for vectors of different length or with what is no number."""
    import numpy as np

    if one.shape != other.shape:
        return float("inf")
    distance = float(np.max(np.abs(one.astype(np.float64) - other.astype(np.float64))))
    return distance if np.isfinite(distance) else float("inf")


def _result(job: Job, look: Look) -> dict[str, Any]:
    result = {
        "digest": look.record.digest,
        "reference": job.payload["reference"],
        "integrity": look.integrity.value,
        "chunks": look.chunks,
        "vectors_root": look.record.vectors_root,
        "drift": look.report,
    }
    if look.deep is not None:
        result["deep"] = look.deep.to_json()
    return result | ({"detail": drift_in_words(look.drift)} if look.drift.found else {})


def _counted(report: Mapping[str, Any]) -> dict[str, Any]:
    """The drift report with numbers in the place of long lists, the first few ids kept."""
    return {
        name: {"count": len(value), "first": value[:_NAMED_IN_LEDGER]} if isinstance(value, list) else value
        for name, value in report.items()
    }
