"""From a version's manifest to what rules read of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sekisho.gate.facts import files_of, node_of
from sekisho.kernel.digests import digest_of
from sekisho.kernel.references import Kind
from sekisho.registry.types import Version
from tests.gate.inputs import digest
from tests.registry.manifests import corpus, dataset, index, prompt

PAGES = ("en/a.md", "ja/b.md", "c.md")


def version(kind: Kind, manifest: dict[str, Any]) -> Version:
    return Version(
        project="default", kind=kind, name="docs", number=1, digest=digest_of(manifest), manifest=manifest,
        created_at=77, author="", archived=False, revoked=False,
    )  # fmt: skip


def handbook(**changes: Any) -> Version:
    """Three pages, one of them in a folder that says no language."""
    files = [
        {"path": path, "digest": digest(letter), "bytes": 1, "media_type": "text/markdown"}
        for path, letter in zip(PAGES, "123", strict=True)
    ]
    return version(Kind.CORPUS, corpus(files=files, **changes))


def facts(subject: Version, **known: Any) -> dict[str, Any]:
    """The facts as an engine is given them."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(node_of(subject, **known)))
    return plain


def test_every_node_says_when_it_was_registered() -> None:
    """Whatever is measured of it must be younger."""
    assert facts(version(Kind.PROMPT, prompt()))["registered_at"] == 77


@pytest.mark.parametrize(("said", "languages"), [({}, ["en", "ja"]), ({"language": "fr"}, ["en", "fr", "ja"])])
def test_a_corpus_speaks_the_languages_of_its_files(said: dict[str, str], languages: list[str]) -> None:
    """A file's folder says it, else the corpus; what nobody says is left out."""
    assert facts(handbook(**said))["facts"]["languages"] == languages


def test_bytes_that_are_gone_are_counted() -> None:
    """Of a corpus by file, of a dataset as a whole."""
    pages = handbook()
    assert files_of(pages) == tuple(digest(letter) for letter in "123")
    assert facts(pages, absent={digest("2"), digest("9")})["facts"]["absent"] == 1
    cases = version(Kind.DATASET, dataset())
    assert facts(cases)["facts"]["absent"] == 0
    assert facts(cases, absent=set(files_of(cases)))["facts"]["absent"] == 1
    assert files_of(version(Kind.PROMPT, prompt())) == ()


def test_an_index_says_how_it_was_built_where_it_was() -> None:
    """An index that was registered and not built here has no record, and is no more than its manifest."""
    subject = version(Kind.INDEX, index(digest("3")))
    record = {"integrity": "verified", "verified_at": 5, "built_at": 4, "built_with": digest("8")}
    assert facts(subject, index=record)["facts"] | record == facts(subject, index=record)["facts"]
    assert "built_at" not in facts(subject)["facts"]
