"""A real model as a judge: SmolLM2-135M is measured on labelled answers, and is refused."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sekisho.inference.service import Inference
from sekisho.kernel.clock import SystemClock
from sekisho.kernel.settings import Settings
from sekisho.kernel.trees import tree
from tests.conftest import service_url
from tests.evaluation.judges.rooms import Room

LEAST_KAPPA_BP = 6_000
"""What policies commonly ask of the lower end; see docs/judges.md."""


@pytest.fixture
async def inference(room: Room) -> AsyncIterator[Inference]:
    settings = Settings(ollama_hosts=(service_url("SEKISHO_TEST_OLLAMA_URL"),), ollama_timeout_s=600)
    inference = Inference(settings, room.services.database, SystemClock())
    yield inference
    await inference.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)  # seconds on a free machine; a busy one has little left for a model
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_smollm2_is_refused_as_a_judge(room: Room, inference: Inference) -> None:
    """Its kappa is stored with its interval, whose lower end is far below what a judge needs."""
    name = os.environ["SEKISHO_TEST_OLLAMA_CHAT_MODEL"]
    digest = await inference.hosts[0].digest(name)
    manifest = {
        "schema": "sekisho.model/v1",
        "name": name,
        "digest": digest,
        "family": "llama",
        "licence": "Apache-2.0",
        "provider": "ollama",
        "options": {"num_ctx": 2048, "num_predict": 64},
    }
    author = await room.api.role("author")
    await room.api.post(
        "/v1/projects/default/artifacts/model/smollm2/versions", json={"manifest": manifest}, headers=author
    )
    content = b"\n".join((tree("evals") / "judges" / "labels.jsonl").read_bytes().splitlines()[:6])
    room.judging = replace(room.judging, inference=inference)
    found = await room.done(content, judge="model/smollm2@v1")
    assert found["state"] == "done", found
    assert found["model"] == digest
    result = found["result"]
    assert result["n"] == 6
    assert result["kappa_low_bp"] < LEAST_KAPPA_BP, result
    assert result["kappa_bp"] < LEAST_KAPPA_BP, result
    async with room.services.database.read() as tx:
        (evidence,) = await room.services.evaluation.qualifications(tx, "default", [found["instrument"]])
    assert (evidence["kappa_bp"], evidence["low_bp"]) == (result["kappa_bp"], result["kappa_low_bp"])
