"""A project with a corpus, and a worker's services over it, built directly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sekisho.identity.types import EVERYWHERE, Actor, PrincipalKind, Role
from sekisho.indexing.integrity import KeptIntegrity
from sekisho.indexing.service import Indexing
from sekisho.indexing.types import ChunkerRecipe, Recipe, RetrieverRecipe
from sekisho.inference.service import Inference
from sekisho.kernel.database import ChangeWatch, Database
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.jobs import Job, Jobs
from sekisho.kernel.references import Kind
from sekisho.kernel.settings import Settings
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import load_or_create_signer
from sekisho.registry.service import Registry
from sekisho.registry.types import Provenance
from tests.clocks import FixedClock
from tests.indexing.embedders import HashedWords
from tests.registry.warrants import EveryWarrant

ENGLISH = """# Gate

The gate asks the policy engine. It never allows on silence.

## Decisions

A decision is signed with a key. It goes into the ledger.

```rego
allow if {

  count(missing) == 0
}
```
"""
JAPANESE = """# 承認

承認は十四日で失効します。サービスは承認できません。

## 免除

免除には理由と期限が要ります。
"""
DOCUMENTS = {"en/gate.md": ENGLISH, "ja/approval.md": JAPANESE, "notes.txt": "Bananas are yellow.\n\nSo are lemons."}


@dataclass
class World:
    """What a test of this room needs, with a queue that the test works off itself."""

    indexing: Indexing
    registry: Registry
    jobs: Jobs
    database: Database
    clock: FixedClock
    embedder: HashedWords = field(default_factory=HashedWords)

    def __post_init__(self) -> None:
        self.indexing.inference._embedders["minilm"] = self.embedder

    async def corpus(
        self,
        documents: Mapping[str, str] = DOCUMENTS,
        name: str = "handbook",
        project: str = "default",
        said: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> str:
        """Register a corpus; gives its digest. `said` are further fields of its files, by path."""
        files = []
        for path, text in documents.items():
            data = text.encode()
            await self.registry.put_blob(ADMIN, project, digest_of_bytes(data), data)
            media = "text/markdown" if path.endswith(".md") else "text/plain"
            file = {"path": path, "digest": digest_of_bytes(data), "bytes": len(data), "media_type": media}
            files.append(file | dict(said.get(path, {})))
        manifest = {"schema": "sekisho.corpus/v1", "files": files, "licence": "Apache-2.0"}
        registered = await self.registry.register(ADMIN, project, Kind.CORPUS, name, manifest, Provenance())
        return registered.version.digest

    async def request(self, corpus: str, mode: Any = "dense", project: str = "default", **options: Any) -> Job:
        recipe = Recipe(corpus, RetrieverRecipe(mode, **options), ChunkerRecipe(max_tokens=40))
        return await self.indexing.request_build(ADMIN, project, "docs", recipe, Provenance())

    async def build(self, corpus: str, mode: Any = "dense", project: str = "default", **options: Any) -> Job:
        """Ask for a build and do it; the job as it ended."""
        await self.request(corpus, mode, project, **options)
        return await self.work("build", project)

    async def verify(self, digest: str) -> Job:
        await self.indexing.request_verify(ADMIN, "default", digest)
        return await self.work("verify")

    async def work(self, kind: str, project: str = "default", owner: str = "worker-1") -> Job:
        """Claim the next job of the kind and do it."""
        job = await self.claim(kind, owner)
        await getattr(self.indexing, kind)(job)
        return await self.jobs.one(project, job.id)

    async def claim(self, kind: str, owner: str = "worker-1") -> Job:
        job = await self.jobs.claim([kind], owner)
        assert job is not None
        return job

    async def kinds(self) -> list[str]:
        """Kinds of the ledger's entries, oldest first."""
        page = await self.indexing.ledger.entries(ADMIN, newest_first=False, limit=200)
        return [entry.kind for entry in page.items]


ADMIN = Actor("root", PrincipalKind.PERSON, {EVERYWHERE: frozenset({Role.ADMIN})}, None, "token", None)


def new_world(
    database: Database, data_dir: Path, clock: FixedClock, chroma_url: str = "", rerankers: tuple[str, ...] = ()
) -> World:
    settings = Settings(data_dir=data_dir, chroma_url=chroma_url, rerankers=rerankers)
    jobs = Jobs(database, clock, lease_ms=30_000)
    ledger = Ledger(database, clock, load_or_create_signer(data_dir / "signing.pem"))
    registry = Registry(
        database, clock, ledger, ChangeWatch(database), ("dev", "staging", "production"), lambda: (), 10_000_000,
        EveryWarrant(), integrities=KeptIntegrity(),
    )  # fmt: skip
    inference = Inference(settings, database, clock)
    indexing = Indexing(settings, database, clock, ledger, jobs, registry, inference)
    return World(indexing, registry, jobs, database, clock)
