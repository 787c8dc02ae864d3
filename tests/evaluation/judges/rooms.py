"""The application with a judge of ours at its hosts, and labelled answers to try it on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sekisho.evaluation.judges.service import KIND, Judging
from sekisho.inference.types import Answerer, AvailableModel, HostState
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.jobs import Job
from sekisho.ledger.store import LedgerStore
from sekisho.registry.manifests import ModelManifest
from sekisho.wiring.services import Services
from tests.api_client import ApiClient
from tests.clocks import FixedClock
from tests.evaluation.judges.benches import DIGEST, FakeJudge

PATH = "/v1/projects/default/qualifications"
GOOD = {
    "context": "The fee is 30 euros. Ayako runs the desk.",
    "response": "The fee is 30 euros.",
    "label": "supported",
}
FALSE = {**GOOD, "response": "The fee is 90 euros.", "label": "hallucinated"}


def rows(n: int = 10, **more: Any) -> list[dict[str, Any]]:
    return [{**row, "source_id": source, **more} for source in range(n) for row in (GOOD, FALSE)]


def lines(given: Sequence[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in given).encode()


@dataclass
class Hosts:
    """One host that has the judge, and whatever else a test adds."""

    judge: FakeJudge = field(default_factory=FakeJudge)
    states: list[HostState] = field(
        default_factory=lambda: [
            HostState(
                "http://one", True, None, (AvailableModel("careful:1b", DIGEST, "ollama", "http://one", "careful", 5),)
            )
        ]
    )

    async def available(self) -> Sequence[HostState]:
        return self.states

    async def answerer(self, model: ModelManifest) -> Answerer:
        return self.judge


@dataclass
class Room:
    """The application with a judge of ours at its hosts, and the worker's part of it."""

    api: ApiClient
    judging: Judging
    hosts: Hosts
    services: Services
    clock: FixedClock

    async def ask(self, content: bytes | None = None, status: int = 202, **body: Any) -> dict[str, Any]:
        """Put labels and ask for a qualification of ``ollama/careful:1b``, or of what `body` says."""
        author = await self.api.role("author")
        digest = await self.put(lines(rows()) if content is None else content)
        given = {"judge": "ollama/careful:1b", "labels": digest, **body}
        answer = await self.api.post(PATH, json=given, headers=author)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def put(self, content: bytes) -> str:
        digest = digest_of_bytes(content)
        sent = {**await self.api.role("author"), "Content-Type": "application/octet-stream"}
        await self.api.put(f"/v1/projects/default/blobs/{digest}", content=content, headers=sent)
        return digest

    async def claim(self, owner: str = "worker-1") -> Job:
        job = await self.services.jobs.claim([KIND], owner)
        assert job is not None
        return job

    async def done(self, content: bytes | None = None, **body: Any) -> dict[str, Any]:
        """A qualification from the asking to its end."""
        asked = await self.ask(content, **body)
        await self.judging.execute(await self.claim())
        return await self.read(asked["id"])

    async def read(self, qualification_id: str) -> dict[str, Any]:
        answer = await self.api.get(f"{PATH}/{qualification_id}", headers=await self.api.role("viewer"))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def ledger(self) -> list[tuple[str, dict[str, Any]]]:
        """What the ledger says of qualifications, oldest first."""
        async with self.services.database.read() as tx:
            entries = [await LedgerStore(tx).one_or_none(seq) for seq in range(40)]
        return [(one.kind, dict(one.body)) for one in entries if one and one.kind.startswith("qualification.")]
