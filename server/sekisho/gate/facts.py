"""From a version's manifest to the facts that rules read about it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

from msgspec import UNSET

from sekisho.gate import input_types as gate
from sekisho.indexing.types import UNKNOWN_LANGUAGE, language_of
from sekisho.kernel.digests import digest_of
from sekisho.kernel.references import Kind
from sekisho.registry.types import Version


def node_of(version: Version, *, index: Mapping[str, Any] | None = None, absent: Collection[str] = ()) -> gate.Node:
    """The version as a node of the gate's lineage.

    `index` is what is known of a built index; `absent` holds the digests of those of its files whose bytes are gone.
    """
    manifest = version.manifest
    matches = digest_of(manifest) == version.digest
    integrity: Literal["verified", "mismatch"] = "verified" if matches else "mismatch"
    common: dict[str, Any] = {
        "name": version.name,
        "digest": version.digest,
        "integrity": integrity,
        "archived": version.archived,
        "revoked": version.revoked,
        "registered_at": version.created_at,
    }
    match version.kind:
        case Kind.SYSTEM:
            return gate.SystemNode(**common, facts=_system(manifest))
        case Kind.PROMPT:
            return gate.PromptNode(**common, facts=gate.NoFacts())
        case Kind.CORPUS:
            return gate.CorpusNode(**common, facts=_corpus(manifest, absent))
        case Kind.INDEX:
            return gate.IndexNode(**common, facts=_index(manifest, index or {}))
        case Kind.AGENT:
            return gate.AgentNode(**common, facts=_agent(manifest))
        case Kind.DATASET:
            return gate.DatasetNode(**common, facts=_dataset(manifest, absent))
        case Kind.SUITE:
            return gate.SuiteNode(**common, facts=gate.NoFacts())
        case Kind.MODEL:
            return gate.ModelNode(**common, facts=_model(manifest))


def _system(manifest: Mapping[str, Any]) -> gate.SystemFacts:
    return gate.SystemFacts(
        risk_class=manifest.get("risk_class", UNSET),
        purpose_set=bool(str(manifest.get("purpose", "")).strip()),
        owner_set=bool(str(manifest.get("owner", "")).strip()),
        affected_groups=tuple(manifest.get("affected_groups", ())),
        role=manifest.get("role", "deployer"),
        ai_notice_set=bool(str(manifest.get("ai_notice", "")).strip()),
        output_marking=tuple(manifest.get("output_marking", {}).get("methods", ())),
    )


def files_of(version: Version) -> tuple[str, ...]:
    """Digests of the bytes that a version holds besides its manifest."""
    if version.kind is Kind.DATASET:
        return (version.manifest["content"],)
    return tuple(file["digest"] for file in version.manifest["files"]) if version.kind is Kind.CORPUS else ()


def _dataset(manifest: Mapping[str, Any], absent: Collection[str]) -> gate.DatasetFacts:
    return gate.DatasetFacts(licence=manifest.get("licence") or UNSET, absent=int(manifest["content"] in absent))


def _corpus(manifest: Mapping[str, Any], absent: Collection[str]) -> gate.CorpusFacts:
    sources = tuple(
        gate.Source(
            uri=source["uri"],
            digest=source.get("digest", UNSET),
            retrieved_at=source.get("retrieved_at", UNSET),
        )
        for source in manifest.get("sources", ())
    )
    files = manifest["files"]
    languages = {language_of(file["path"], file.get("language"), manifest.get("language")) for file in files}
    return gate.CorpusFacts(
        licence=manifest.get("licence") or UNSET,
        sources=sources,
        files=len(files),
        absent=sum(file["digest"] in absent for file in files),
        languages=tuple(sorted(languages - {UNKNOWN_LANGUAGE})),
    )


def _index(manifest: Mapping[str, Any], found: Mapping[str, Any]) -> gate.IndexFacts:
    embedder = manifest["embedder"]
    return gate.IndexFacts(
        embedder=embedder["name"],
        embedder_digest=embedder.get("digest", UNSET),
        dimension=embedder["dimension"],
        retriever=manifest["retriever"]["mode"],
        corpus=manifest["corpus"],
        integrity=found.get("integrity", "unverified"),
        **{name: found.get(name, UNSET) for name in ("verified_at", "built_at", "built_with")},
    )


def _agent(manifest: Mapping[str, Any]) -> gate.AgentFacts:
    limits = manifest.get("limits", {})
    names = ("max_steps", "max_tokens", "timeout_ms", "max_cost_micros")
    return gate.AgentFacts(
        tools=tuple(map(_tool, manifest.get("tools", ()))),
        limits=gate.Limits(**{name: limits[name] for name in names if name in limits}),
        log_retention_days=manifest.get("logging", {}).get("retention_days", UNSET),
    )


def _tool(tool: Mapping[str, Any]) -> gate.Tool:
    return gate.Tool(
        name=tool["name"],
        effect=tool["effect"],
        scopes=tuple(tool.get("scopes", ())),
        human_approval=tool.get("human_approval", False),
    )


def _model(manifest: Mapping[str, Any]) -> gate.ModelFacts:
    return gate.ModelFacts(
        licence=manifest.get("licence") or UNSET,
        name=manifest["name"],
        family=manifest.get("family", "").strip().lower(),
        pinned=bool(manifest.get("digest")),
    )
