"""An exception that ran out as the doors tell it: `resolve`, readiness, metrics, the ledger and the command line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sekisho.cli import ledger as commands
from sekisho.gate.overrides.lapsing import LAPSED
from tests.clocks import FixedClock
from tests.gate.test_exceptions_end import DAY_MS, UNMENDED, passing
from tests.gate.test_fault_doors import Doors, opened
from tests.identity.commands import run
from tests.problems import problem

HERE = "/v1/projects/default"
WAIVED = {
    "subject": "prompt/ask@v1", "stage": "production", "rule": "DOC-01", "days": 7,
    "reason": "the card is with the lawyers",
}  # fmt: skip


@pytest.fixture
async def doors(database_url: str, data_dir: Path, clock: FixedClock) -> AsyncIterator[Doors]:
    """Production serves a prompt by a waiver for seven days."""
    async for doors in opened(database_url, data_dir, clock):
        approver = await doors.api.role("approver")
        granted = await doors.api.post(f"{HERE}/waivers", json=WAIVED, headers=approver)
        assert granted.status_code == 201, granted.text
        doors.opa.says(passing(DOC_01="missing"))
        assert (await doors.rest())["applied"]
        yield doors


async def test_its_end_is_told_before_and_after(doors: Doors, clock: FixedClock) -> None:
    """Three days before as a concern; then the stage serves nothing, the count goes up, and anybody can read why."""
    api, opa = doors.api, doors.opa
    viewer = await api.role("viewer")
    assert "exceptions" not in await doors.services.readiness.concerns()
    clock.advance(5 * DAY_MS)
    assert "1 whose exception ends within three days" in (await doors.services.readiness.concerns())["exceptions"]
    opa.says(UNMENDED)
    clock.advance(2 * DAY_MS)
    await doors.services.ending.end_due()
    async with asyncio.timeout(120):  # the server's own task may have been the one that did it, and still be telling
        while not doors.services.alarms.counts[LAPSED]:
            await asyncio.sleep(0.02)
    resolved = await api.get(f"{HERE}/resolve/prompt/ask", params={"selector": "production"}, headers=viewer)
    problem(resolved, 404, "not-found")
    (decision, _) = (await api.get(f"{HERE}/decisions", headers=viewer)).json()["items"]
    assert (decision["outcome"], decision["blocking"]) == ("deny", ["DOC-01"])
    metrics = (await api.get("/metrics")).text
    assert 'sekisho_alarms_total{event="exception.ended"} 1.0' in metrics
    assert 'sekisho_concern{name="exceptions"} 0.0' in metrics
    listed = await run(
        api, await api.token_for("viewer"), commands.commands, "ledger", "entries", "--kind", "exception.ended"
    )
    assert listed.exit_code == 0, listed.output
    assert "exception.ended" in listed.stdout
