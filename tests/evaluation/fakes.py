"""An evaluation room on small in-memory neighbours: a catalogue, an index and a model that tests write down."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from sekisho.evaluation.gathering import Gathering
from sekisho.evaluation.service import Evaluation
from sekisho.evaluation.types import Hit
from sekisho.identity.types import Actor, PrincipalKind, Role
from sekisho.inference.types import Answer, Answerer, AnswerRequest, HostSeen
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import digest_of, digest_of_bytes
from sekisho.kernel.errors import ModelFailed, NotFound
from sekisho.kernel.jobs import Job, Jobs
from sekisho.kernel.references import Kind, Reference
from sekisho.ledger.service import Ledger
from sekisho.registry.manifests import ModelManifest, parse_manifest
from sekisho.registry.types import Closure, Version
from tests.clocks import FixedClock

SUITE, AGENT = "suite/docs-retrieval@latest", "agent/docs@latest"
AUTHOR = Actor("alice", PrincipalKind.PERSON, {"default": frozenset({Role.AUTHOR})}, None, "t1", None)
VIEWER = Actor("victor", PrincipalKind.PERSON, {"default": frozenset({Role.VIEWER})}, None, "t2", None)
STRANGER = Actor("sam", PrincipalKind.PERSON, {"other": frozenset({Role.ADMIN})}, None, "t3", None)


@dataclass
class FakeCatalogue:
    """Versions and blobs by digest; the last version under a name is what the name means."""

    versions: dict[str, Version] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def add(self, kind: Kind, name: str, /, *, archived: bool = False, **fields: Any) -> str:
        manifest = parse_manifest(kind, {"schema": f"sekisho.{kind}/v1", **fields})
        digest = digest_of(manifest.to_json())
        self.versions[digest] = Version(
            "default", kind, name, 1, digest, manifest.to_json(), 0, "alice", archived, False
        )
        self.names[f"{kind}/{name}"] = digest
        return digest

    def add_dataset(self, rows: Sequence[Mapping[str, Any]], name: str = "questions") -> str:
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        blob = digest_of_bytes(content)
        self.blobs[blob] = content
        fields = sorted({field for row in rows for field in row})
        return self.add(Kind.DATASET, name, content=blob, cases=len(rows), fields=fields, licence="CC0-1.0")

    def replace(self, digest: str, version: Version) -> None:
        self.versions[digest] = version

    async def find(self, _tx: Transaction, reference: Reference) -> Version:
        if reference.label not in self.names:
            raise NotFound(f"nothing is registered as {reference}")
        return self.versions[self.names[reference.label]]

    async def closure(self, _tx: Transaction, _project: str, digest: str) -> Closure:
        nodes: dict[str, Version] = {}
        waiting = [digest]
        while waiting:
            current = waiting.pop()
            if current not in self.versions or current in nodes:
                continue
            version = self.versions[current]
            nodes[current] = version
            manifest = parse_manifest(version.kind, dict(version.manifest))
            waiting += [dependency.digest for dependency in manifest.dependencies()]
        return Closure(digest, nodes, (), ())

    async def read_blob(self, _tx: Transaction, _project: str, digest: str) -> bytes:
        return self.blobs[digest]

    async def copy_blob(self, _tx: Transaction, _project: str, digest: str, file: IO[bytes]) -> None:
        file.write(self.blobs[digest])


@dataclass
class FakeIndex:
    """Answers each query as told; counts what it was asked."""

    texts: Callable[[str], Sequence[str]]
    asked: list[str] = field(default_factory=list)

    async def search(self, query: str, k: int) -> Sequence[Hit]:
        self.asked.append(query)
        return [Hit(f"c{n}", "01-checkpoint.md", text) for n, text in enumerate(self.texts(query)[:k])]


@dataclass
class FakeIndexes:
    index: FakeIndex

    async def open(self, _project: str, _digest: str) -> FakeIndex:
        return self.index


@dataclass
class FakeModel:
    """Answers as told, and says at the end whether it is still itself."""

    reply: Callable[[AnswerRequest], str]
    digest: str = digest_of("fake")
    moved: bool = False

    async def answer(self, request: AnswerRequest) -> Answer:
        return Answer(self.reply(request), self.digest, 1, 1, 5, "stop")

    async def check(self) -> None:
        if self.moved:
            raise ModelFailed("the host has another model under that name")


@dataclass
class FakeModels:
    model: FakeModel

    async def answerer(
        self, model: ModelManifest, *, deadline_ms: int | None = None, offline: bool = False
    ) -> Answerer:
        return self.model

    def seen(self) -> Sequence[HostSeen]:
        return ()

    async def tell(self, tx: Transaction) -> None:
        """It has no hosts."""


@dataclass
class World:
    """The room with its neighbours, and a project that holds one agent."""

    evaluation: Evaluation
    catalogue: FakeCatalogue
    index: FakeIndex
    model: FakeModel
    jobs: Jobs
    database: Database
    clock: FixedClock

    def suite(self, name: str = "docs-retrieval", **fields: Any) -> str:
        """Register a suite over the dataset registered last."""
        given = {
            "dataset": self.catalogue.names["dataset/questions"],
            "target": "retrieval",
            "scorers": [{"name": "recall", "params": {"k": 5}}, {"name": "mrr"}],
            "slices": ["language"],
        }
        return self.catalogue.add(Kind.SUITE, name, **{**given, **fields})

    def agent(
        self,
        name: str = "docs",
        *,
        passages: int = 3,
        variables: Mapping[str, Any] | None = None,
        model: Mapping[str, Any] | None = None,
        timeout_ms: int = 1000,
    ) -> str:
        add = self.catalogue.add
        corpus = add(
            Kind.CORPUS, "docs", licence="CC0-1.0",
            files=[{"path": "a.md", "digest": digest_of("a"), "bytes": 1, "media_type": "text/markdown"}],
        )  # fmt: skip
        index = add(
            Kind.INDEX, "docs", corpus=corpus,
            chunker={"name": "markdown", "version": 1, "max_tokens": 9, "overlap": 1},
            embedder={"name": "minilm", "digest": digest_of("minilm"), "dimension": 384},
            retriever={"mode": "dense", "k": 10}, distance="ip", chunks={"count": 1, "root": digest_of("root")},
        )  # fmt: skip
        system = add(Kind.SYSTEM, "docs", purpose="answers", risk_class="limited", owner="team", role="deployer")
        given = variables or {"question": {"type": "string"}, "passages": {"type": "array"}}
        template = " ".join("{{ " + name + " }}" for name in given)
        prompt = add(Kind.PROMPT, "docs", messages=[{"role": "user", "template": template}], variables=dict(given))
        builtin = {"name": "builtin/extractive", "digest": self.model.digest, "provider": "builtin"}
        answering = add(Kind.MODEL, "extractive", family="extractive", licence="Apache-2.0", **(model or builtin))
        return add(
            Kind.AGENT, name, system=system, prompt=prompt, index=index, model=answering, context_passages=passages,
            limits={"max_steps": 1, "max_tokens": 100, "timeout_ms": timeout_ms},
        )  # fmt: skip

    @property
    def gathering(self) -> Gathering:
        """What the gate is told of."""
        return Gathering(self.evaluation.ledger, self.jobs)

    async def claim(self, owner: str = "worker-1") -> Job:
        job = await self.jobs.claim(["run"], owner)
        assert job is not None
        return job


def rows(n: int = 6) -> list[dict[str, Any]]:
    """`n` questions, each in English and Japanese, and each from a document of its own language."""
    return [
        {
            "id": f"q-{i:02}-{language}",
            "question": f"question {i} in {language}",
            "gold": [f"gold passage {i} {language}"],
            "slices": {"language": language, "reader": "operator"},
            "cluster": f"doc-{2 * i + (language == 'ja')}.md",
            "pair": f"q-{i:02}",
        }
        for i in range(n)
        for language in ("en", "ja")
    ]


def only_english(query: str) -> list[str]:
    """An index that finds the gold passage second for English questions, and never for Japanese ones."""
    _, number, _, language = query.split()
    return ["noise", f"gold passage {number} en" if language == "en" else "more noise"]


def build_world(database: Database, clock: FixedClock, ledger: Ledger) -> World:
    catalogue, index = FakeCatalogue(), FakeIndex(only_english)
    model = FakeModel(lambda request: request.passages[0])
    jobs = Jobs(database, clock, lease_ms=30_000)
    evaluation = Evaluation(
        database, clock, ledger, jobs, catalogue, FakeIndexes(index), FakeModels(model), concurrency=3, beat_s=0
    )
    catalogue.add_dataset(rows())
    return World(evaluation, catalogue, index, model, jobs, database, clock)
