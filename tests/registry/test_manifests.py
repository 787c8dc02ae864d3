"""Manifests by themselves: what is refused, and when two are the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.kernel.digests import digest_of, digest_of_bytes
from sekisho.kernel.errors import Invalid
from sekisho.kernel.references import Kind
from sekisho.registry.manifests import parse_manifest
from tests.registry import manifests

DIGEST = digest_of_bytes(b"x")
PINS = dict.fromkeys(("system", "prompt", "index", "model"), DIGEST)
FILE = manifests.corpus()["files"][0]
RIGHT: dict[Kind, dict[str, Any]] = {
    Kind.SYSTEM: manifests.system(),
    Kind.PROMPT: manifests.prompt(),
    Kind.CORPUS: manifests.corpus(),
    Kind.INDEX: manifests.index(DIGEST),
    Kind.AGENT: manifests.agent(PINS),
    Kind.DATASET: manifests.dataset(),
    Kind.SUITE: manifests.suite(DIGEST),
    Kind.MODEL: manifests.model(),
}


def refused(kind: Kind, raw: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as error:
        parse_manifest(kind, raw)
    return {field.path: field.message for field in error.value.fields}


@pytest.mark.parametrize("kind", list(Kind))
def test_an_unknown_field_is_refused(kind: Kind) -> None:
    """Every kind names a field it does not know."""
    assert "unknown field" in refused(kind, {**RIGHT[kind], "colour": "red"})["$.colour"]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_manifest_says_its_schema(kind: Kind) -> None:
    """Without its schema, or with another kind's, a manifest is refused."""
    without = {name: value for name, value in RIGHT[kind].items() if name != "schema"}
    assert "$.schema" in refused(kind, without)
    assert "$.schema" in refused(kind, {**without, "schema": "sekisho.other/v1"})


@pytest.mark.parametrize("raw", [None, [], "text", 1, {}, {"schema": None}])
def test_what_is_no_manifest_is_refused(raw: Any) -> None:
    """Anything but an object of the kind is refused with a place."""
    assert refused(Kind.AGENT, raw)


def test_every_offending_field_is_named_at_once() -> None:
    """A manifest with several mistakes is refused once, with all their JSON paths."""
    wrong = manifests.agent({**PINS, "prompt": "v1"})
    wrong["tools"][0] |= {"effect": "maybe", "colour": 1}
    wrong["limits"] = {"max_steps": 0, "max_tokens": "many"}
    assert refused(Kind.AGENT, wrong).keys() == {
        "$.prompt", "$.tools[0].effect", "$.tools[0].colour",
        "$.limits.max_steps", "$.limits.max_tokens", "$.limits.timeout_ms",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "changes", "path"),
    [
        (Kind.SYSTEM, {"risk_class": "unknown"}, "$.risk_class"),
        (Kind.SYSTEM, {"purpose": "a\x00b"}, "$.purpose"),
        (Kind.SYSTEM, {"purpose": "\ud800"}, "$.purpose"),
        (Kind.MODEL, {"options": {"temperature": 0.5}}, "$.options.temperature"),
        (Kind.MODEL, {"options": {"big": 2**53}}, "$.options.big"),
        (Kind.MODEL, {"url": "http://localhost"}, "$.url"),
        (Kind.AGENT, {"context_passages": 1.0}, "$.context_passages"),
        (Kind.AGENT, {"tools": [{"name": "a", "schema": {"type": 3}, "effect": "read"}]}, "$.tools[0].schema.type"),
        (
            Kind.AGENT,
            {"tools": [{"name": "a", "schema": {"$ref": "https://x"}, "effect": "read"}]},
            "$.tools[0].schema['$ref']",
        ),
        (Kind.INDEX, {"distance": "cosine"}, "$.distance"),
        (Kind.INDEX, {"retriever": {"mode": "hybrid", "k": 5, "analyser": 2, "candidates": 20}}, "$.retriever.rrf_k"),
        (Kind.INDEX, {"retriever": {"mode": "hybrid", "k": 5, "analyser": 2, "rrf_k": 60}}, "$.retriever.candidates"),
        (Kind.INDEX, {"retriever": {"mode": "bm25", "k": 5}}, "$.retriever.analyser"),
        (Kind.INDEX, {"retriever": {"mode": "dense", "k": 5, "dense_weight": 30}}, "$.retriever.dense_weight"),
        (
            Kind.INDEX,
            {"retriever": {"mode": "hybrid", "k": 5, "analyser": 2, "candidates": 9, "rrf_k": 60, "dense_weight": 30}},
            "$.retriever.rrf_k",
        ),
        (Kind.INDEX, {"retriever": {"mode": "dense", "k": 5, "dense_scripts": ["latin"]}}, "$.retriever.dense_scripts"),
        (Kind.INDEX, {"chunker": {"name": "m", "version": 1, "max_tokens": 9, "overlap": 9}}, "$.chunker.overlap"),
        (Kind.DATASET, {"fields": ["question"]}, "$.fields"),
        (Kind.SUITE, {"scorers": [{"name": "mrr"}, {"name": "mrr"}]}, "$.scorers[1]"),
        (Kind.SUITE, {"scorers": []}, "$.scorers"),
        (Kind.SUITE, {"threshold": 9000}, "$.threshold"),
        (Kind.CORPUS, {"files": []}, "$.files"),
        (Kind.CORPUS, {"files": [FILE, FILE]}, "$.files[1].path"),
        (Kind.CORPUS, {"files": [{**FILE, "media_type": "application/pdf"}]}, "$.files[0].media_type"),
    ],
)
def test_one_wrong_value_is_refused_by_its_path(kind: Kind, changes: dict[str, Any], path: str) -> None:
    """Each of these differs from a right manifest in one place, and that place is named."""
    assert list(refused(kind, {**RIGHT[kind], **changes})) == [path]


@pytest.mark.parametrize("path", ["../a.md", "a/../../b", "/etc/passwd", "a\\b", "C:/a", "a//b", "./a", "a/", "a\nb"])
def test_a_corpus_path_stays_inside_its_root(path: str) -> None:
    """Paths that are absolute, climb, or are written for another system are refused."""
    assert list(refused(Kind.CORPUS, manifests.corpus(files=[{**FILE, "path": path}]))) == ["$.files[0].path"]


@pytest.mark.parametrize("kind", list(Kind))
def test_absent_null_and_empty_optionals_are_the_same(kind: Kind) -> None:
    """What is left out, null or empty gives the same digest, which is the digest of the canonical JSON."""
    given_up: dict[Kind, dict[str, Any]] = {
        Kind.CORPUS: {"language": None},
        Kind.AGENT: {"generation": {}},
        Kind.MODEL: {"options": {}},
        Kind.SUITE: {"cluster_by": None, "sample": None},
    }
    plain = parse_manifest(kind, RIGHT[kind])
    full = parse_manifest(kind, {**RIGHT[kind], **given_up.get(kind, {})})
    assert plain.own_digest() == full.own_digest() == digest_of(plain.to_json())
    assert parse_manifest(kind, plain.to_json()).canonical() == plain.canonical()


@given(st.permutations(["a.md", "b.md", "c/d.md", "é.md"]))
def test_the_order_of_files_means_nothing(paths: list[str]) -> None:
    """A corpus has the same digest in whatever order its files are listed."""
    listed = parse_manifest(Kind.CORPUS, manifests.corpus(files=[{**FILE, "path": path} for path in paths]))
    ordered = parse_manifest(Kind.CORPUS, manifests.corpus(files=[{**FILE, "path": path} for path in sorted(paths)]))
    assert listed.own_digest() == ordered.own_digest()


@given(st.dictionaries(st.sampled_from("abc"), st.one_of(st.integers(-9, 9), st.booleans(), st.text("xyz"))))
def test_the_same_content_has_the_same_digest_however_it_is_written(options: dict[str, Any]) -> None:
    """Key order and spacing of the text mean nothing; a changed value does."""
    raw = manifests.model(options=options)
    digest = parse_manifest(Kind.MODEL, raw).own_digest()
    turned = json.loads(json.dumps(dict(reversed(list(raw.items()))), indent=3))
    assert parse_manifest(Kind.MODEL, turned).own_digest() == digest
    assert parse_manifest(Kind.MODEL, {**raw, "options": {**options, "more": 1}}).own_digest() != digest
