"""Manifests that are right, to be changed in one place by each test."""

from __future__ import annotations

from typing import Any

from sekisho.identity.types import Actor
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.references import Kind
from sekisho.registry.service import Registry
from sekisho.registry.types import Provenance, Registered

SAID = Provenance(author="Ada <ada@example.org>", message="first", commit="c0ffee")
CASES = b'{"id": "a", "question": "Why?", "language": "en"}\n{"id": "b", "question": "How?", "language": "ja"}\n'
PAGE = "# 関所\n".encode()


def system(**changes: Any) -> dict[str, Any]:
    base = {
        "schema": "sekisho.system/v1", "purpose": "Answers questions about the handbook", "risk_class": "limited",
        "owner": "docs team", "affected_groups": ["readers"], "role": "provider",
    }  # fmt: skip
    return {**base, **changes}


def prompt(template: str = "Context: {{ context }}", **changes: Any) -> dict[str, Any]:
    base = {
        "schema": "sekisho.prompt/v1",
        "messages": [{"role": "user", "template": template}],
        "variables": {"context": {"type": "string"}},
    }
    return {**base, **changes}


def model(**changes: Any) -> dict[str, Any]:
    base = {
        "schema": "sekisho.model/v1", "name": "extractive", "digest": digest_of_bytes(b"model"),
        "family": "builtin", "licence": "Apache-2.0", "provider": "builtin",
    }  # fmt: skip
    return {**base, **changes}


def corpus(data: bytes = PAGE, **changes: Any) -> dict[str, Any]:
    file = {"path": "en/a.md", "digest": digest_of_bytes(data), "bytes": len(data), "media_type": "text/markdown"}
    base = {
        "schema": "sekisho.corpus/v1", "files": [file], "licence": "CC-BY-4.0",
        "sources": [{"uri": "https://example.org/handbook.git"}],
    }  # fmt: skip
    return {**base, **changes}


def index(corpus_digest: str, **changes: Any) -> dict[str, Any]:
    base = {
        "schema": "sekisho.index/v1",
        "corpus": corpus_digest,
        "chunker": {"name": "markdown", "version": 1, "max_tokens": 200, "overlap": 20},
        "embedder": {"name": "minilm", "digest": digest_of_bytes(b"minilm"), "dimension": 384},
        "retriever": {"mode": "dense", "k": 5},
        "distance": "ip",
        "chunks": {"count": 3, "root": digest_of_bytes(b"root")},
    }
    return {**base, **changes}


def agent(pins: dict[str, str], **changes: Any) -> dict[str, Any]:
    base = {
        "schema": "sekisho.agent/v1",
        **pins,
        "tools": [{"name": "look_up", "schema": {"type": "object"}, "effect": "read"}],
        "limits": {"max_steps": 1, "max_tokens": 500, "timeout_ms": 10_000},
        "context_passages": 3,
    }
    return {**base, **changes}


def dataset(data: bytes = CASES, **changes: Any) -> dict[str, Any]:
    base = {
        "schema": "sekisho.dataset/v1", "content": digest_of_bytes(data), "cases": 2,
        "fields": ["id", "language", "question"], "licence": "CC-BY-4.0",
    }  # fmt: skip
    return {**base, **changes}


def suite(dataset_digest: str, **changes: Any) -> dict[str, Any]:
    base = {
        "schema": "sekisho.suite/v1", "dataset": dataset_digest, "target": "retrieval",
        "scorers": [{"name": "recall", "params": {"k": 5}}], "slices": ["language"], "repeats": 1,
    }  # fmt: skip
    return {**base, **changes}


async def register(
    registry: Registry, actor: Actor, label: str, manifest: dict[str, Any], said: Provenance = SAID
) -> Registered:
    kind, _, name = label.partition("/")
    return await registry.register(actor, "default", Kind(kind), name, manifest, said)


async def put(registry: Registry, actor: Actor, *contents: bytes) -> None:
    for data in contents:
        await registry.put_blob(actor, "default", digest_of_bytes(data), data)


async def register_agent(registry: Registry, actor: Actor) -> dict[str, str]:
    """An agent ``agent/docs`` and all that it is made of; digests by kind."""
    await put(registry, actor, PAGE)
    digests = {}
    for kind, manifest in {"system": system(), "prompt": prompt(), "model": model(), "corpus": corpus()}.items():
        digests[kind] = (await register(registry, actor, f"{kind}/docs", manifest)).version.digest
    made = await register(registry, actor, "index/docs", index(digests["corpus"]))
    digests["index"] = made.version.digest
    pins = {kind: digests[kind] for kind in ("system", "prompt", "index", "model")}
    digests["agent"] = (await register(registry, actor, "agent/docs", agent(pins))).version.digest
    return digests
