"""Two index versions beside each other: which documents and chunks came, went or changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from sekisho.indexing.store import IndexStore
from sekisho.indexing.types import Fingerprint
from sekisho.indexing.working import Working
from sekisho.registry.manifests import CorpusManifest, IndexManifest

MOST_NAMED: Final = 200


@dataclass(frozen=True, slots=True)
class Contents:
    """What an index was built from and holds: `documents` gives the digest of each path, `chunks` by ordinal."""

    digest: str
    manifest: IndexManifest
    documents: Mapping[str, str]
    chunks: Sequence[Fingerprint]


@dataclass(frozen=True)
class Comparing(Working):
    """Reads what two indexes hold. It needs no vectors: the registry and the build records have it all."""

    async def contents(self, project: str, digest: str) -> Contents:
        """Raises `NotFound` where the project did not build the index."""
        async with self.database.read() as tx:
            manifest, _ = await self._built(tx, project, digest)
            chunks = await IndexStore(tx).chunks(digest)
            corpus = await self.registry.of_digest(tx, project, manifest.corpus)
        files = msgspec.convert(dict(corpus.manifest), CorpusManifest).files
        return Contents(digest, manifest, {file.path: file.digest for file in files}, chunks)


def contents_difference(before: Contents, after: Contents) -> dict[str, Any]:
    """Parameters, documents, chunks and vectors that differ; long lists are counted and their first names given.

    A chunk keeps its id while its document, its heading path and its words do, so an edited passage is one chunk
    removed and one added. Vectors are compared, bit by bit, where the embedder is the same; else they are all others.
    """
    old, new = ({one.chunk_id: one for one in side.chunks} for side in (before, after))
    shared = [name for name in old if name in new]
    same_embedder = before.manifest.embedder.digest == after.manifest.embedder.digest
    turned = [name for name in shared if old[name].vector_hash != new[name].vector_hash]
    return {
        "parameters": parameters_difference(before.manifest, after.manifest),
        "documents": {
            "added": _named(path for path in after.documents if path not in before.documents),
            "removed": _named(path for path in before.documents if path not in after.documents),
            "changed": _named(
                path for path, digest in before.documents.items() if after.documents.get(path, digest) != digest
            ),
            "before": len(before.documents),
            "after": len(after.documents),
        },
        "chunks": {
            "added": _named(name for name in new if name not in old),
            "removed": _named(name for name in old if name not in new),
            "kept": len(shared),
            "before": len(before.chunks),
            "after": len(after.chunks),
        },
        "vectors": {"same_embedder": same_embedder, "other_bits": _named(turned if same_embedder else ())},
    }


def parameters_difference(before: IndexManifest, after: IndexManifest) -> list[dict[str, Any]]:
    """Each parameter that differs, by its path in the manifest; null where one of the two does not have it."""
    old, new = (_flat("", _plain(manifest)) for manifest in (before, after))
    return [
        {"path": path, "before": old.get(path), "after": new.get(path)}
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]


def _plain(manifest: IndexManifest) -> dict[str, Any]:
    return {name: value for name, value in manifest.to_json().items() if name not in {"schema", "corpus", "chunks"}}


def _flat(path: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {path: value}
    return {
        deep: leaf
        for name, one in value.items()
        for deep, leaf in _flat(f"{path}.{name}" if path else str(name), one).items()
    }


def _named(names: Iterable[str]) -> dict[str, Any]:
    listed = sorted(names)
    return {"count": len(listed), "first": listed[:MOST_NAMED]}
