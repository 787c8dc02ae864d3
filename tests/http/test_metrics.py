"""The model hosts' circuit breakers in the metrics."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.api_client import ApiClient

from sekisho.http.app import create_app
from sekisho.http.health import circuits
from sekisho.inference.service import Inference
from sekisho.inference.store import ModelHostStore
from sekisho.inference.types import HostSeen
from sekisho.kernel.settings import Settings
from sekisho.wiring.services import Services, build_services

HOST = "http://127.0.0.1:11434"
SEEN = HostSeen(HOST, "open", 2, "measured", 9, 5, 1_764_000_000_000)


async def test_metrics_answer_without_a_table_to_read(tmp_path: Path) -> None:
    """Where the database has no migrations yet there is no host to tell of, and no fault either."""
    services = build_services(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/none.sqlite3", data_dir=tmp_path))
    async with ApiClient(create_app(services), services) as client:
        found = await client.get("/metrics")
    await services.close()
    assert found.status_code == 200
    assert "sekisho_model_host_circuit{" not in found.text


async def test_an_open_circuit_is_a_gauge(services: Services) -> None:
    """What the worker wrote down of a host of the settings; a host that was taken out of them is no longer told."""
    inference = Inference(Settings(ollama_hosts=(HOST,)), services.database, services.clock)
    async with services.database.write() as tx:
        await ModelHostStore(tx).replace([SEEN, replace(SEEN, host="http://gone:1")])
    there = replace(services, inference=inference)
    async with ApiClient(create_app(there), there) as client:
        told = (await client.get("/metrics")).text
    await inference.close()
    assert f'sekisho_model_host_circuit{{host="{HOST}",state="open"}} 1.0' in told
    assert f'sekisho_model_host_circuit{{host="{HOST}",state="closed"}} 0.0' in told
    assert "gone" not in told


@pytest.mark.parametrize("state", ["closed", "half-open", "open"])
def test_a_host_is_in_one_state(state: str) -> None:
    """Exactly one of the three is 1, and a password in the address is not told."""
    registry = circuits([replace(SEEN, host="http://user:secret@models:11434", circuit=state)])
    labels = {"host": "http://models:11434"}
    told = {
        name: registry.get_sample_value("sekisho_model_host_circuit", {**labels, "state": name})
        for name in ("closed", "half-open", "open")
    }
    assert told == {name: float(name == state) for name in told}
    assert registry.get_sample_value("sekisho_model_host_seen_seconds", labels) == 1_764_000_000
