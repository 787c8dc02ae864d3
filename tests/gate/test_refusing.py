"""Where what is kept cannot be trusted there is no decision to keep: the refusal itself stands in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text

from sekisho.cli import gate as commands
from sekisho.gate.refusing import REFUSED
from sekisho.kernel.database import Database
from sekisho.kernel.errors import IntegrityFailed
from sekisho.kernel.references import parse_reference
from sekisho.ledger.types import Entry
from sekisho.registry.types import Version
from sekisho.wiring.services import Services, build_services
from tests.api_client import ApiClient
from tests.clocks import FixedClock
from tests.identity.commands import run
from tests.registry.manifests import prompt, register

HERE = "/v1/projects/default"
ASKED = {"subject": "prompt/ask@v1", "stage": "dev"}

FAULTS: dict[str, tuple[str, str, str]] = {
    "the manifest was edited": (
        "UPDATE versions SET manifest = replace(manifest, 'context', 'kontext')",
        "has other content",
        "IntegrityFailed",
    ),
    "the version is from before the epoch": (
        "UPDATE versions SET created_at = -1",
        "registered_at",
        "Invalid",
    ),
    "the policy was edited": (
        "UPDATE policies SET content = replace(content, 'enforce', 'warn')",
        "its content does not have the digest it was published under",
        "IntegrityFailed",
    ),
    "the policy is gone": ("DELETE FROM policies", "the policy sekisho@v1 is gone", "IntegrityFailed"),
    "the activation was edited": (
        "UPDATE policy_activations SET reason = 'because'",
        "it says something else than what was signed",
        "IntegrityFailed",
    ),
    "the activation is gone": ("DELETE FROM policy_activations", "cannot be trusted", "IntegrityFailed"),
}
"""What was done to the database, what the refusal says of it, and the kind of the error."""
AT_A_START = ["the policy was edited", "the activation was edited", "the activation is gone"]


@pytest.fixture
async def version(api: ApiClient, services: Services) -> Version:
    """A prompt that the shipped policy lets enter dev."""
    author = await services.identity.authenticate(await api.token_for("author"))
    return (await register(services.registry, author, "prompt/ask", prompt("{{ context }}"))).version


async def edit(database: Database, statement: str) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text(statement))


async def told(services: Services, api: ApiClient) -> Sequence[Entry]:
    """Every refusal in the ledger, oldest first."""
    admin = await services.identity.authenticate(api.admin_token)
    page = await services.ledger.entries(admin, kind=REFUSED, newest_first=False)
    return page.items


async def moves(services: Services) -> int:
    async with services.database.read() as tx:
        return int(await tx.scalar(text("SELECT count(*) FROM stage_moves")) or 0)


async def asked(api: ApiClient, **more: Any) -> Any:
    return await api.post(f"{HERE}/promotions", json={**ASKED, **more}, headers=await api.role("author"))


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_refusal_is_told_at_every_door_and_kept(
    api: ApiClient, services: Services, version: Version, fault: str
) -> None:
    """REST and CLI say what is wrong; each time the ledger says so too, of which bytes, stage and person."""
    statement, said, kind = FAULTS[fault]
    await edit(services.database, statement)
    answer = await asked(api)
    assert answer.status_code in (400, 500), answer.text
    assert said in answer.text
    command = await run(
        api, await api.token_for("author"), commands.commands, "promote", "prompt/ask@v1", "--to", "dev"
    )
    assert command.exit_code == (2 if kind == "Invalid" else 4)
    assert said in command.stderr
    assert await moves(services) == 0
    entries = await told(services, api)
    assert [(entry.principal, entry.subject) for entry in entries] == [("author", version.digest)] * 2
    for entry in entries:
        assert entry.body["artifact"] == "prompt/ask"
        assert (entry.body["selector"], entry.body["stage"], entry.body["action"]) == ("v1", "dev", "promote")
        assert entry.body["fault"] == kind
        assert said in entry.body["reason"]


@pytest.mark.parametrize("fault", AT_A_START)
async def test_a_server_that_starts_with_such_a_policy_decides_nothing(
    api: ApiClient, services: Services, version: Version, clock: FixedClock, fault: str
) -> None:
    """Nor does it fall back on the folder of its settings; readiness says why."""
    statement, said, _ = FAULTS[fault]
    await edit(services.database, statement)
    other = build_services(services.settings, clock)
    await other.start()
    try:
        assert said in (await other.readiness.problems())["policy"]
        author = await other.identity.authenticate(await api.token_for("author"))
        with pytest.raises(IntegrityFailed, match=said):
            await other.gate.promote(author, parse_reference("prompt/ask@v1"), "dev")
    finally:
        await other.close()
    assert await moves(services) == 0
    assert [entry.subject for entry in await told(services, api)] == [version.digest]


async def test_what_the_request_itself_has_wrong_is_not_told(
    api: ApiClient, services: Services, version: Version
) -> None:
    """A stage that there is not, a version that there is not, someone who may not ask: the ledger stays as it was."""
    async with services.database.read() as tx:
        before = await services.ledger.size(tx)
    assert (await asked(api, stage="nowhere")).status_code == 400
    assert (await asked(api, subject="prompt/ask@v2")).status_code == 404
    await edit(services.database, FAULTS["the manifest was edited"][0])
    assert (await asked(api, dry_run=True)).status_code == 500
    async with services.database.read() as tx:
        assert await services.ledger.size(tx) == before


async def test_a_roll_back_is_refused_alike(api: ApiClient, services: Services, version: Version) -> None:
    """The one way that needs no evidence needs sound bytes all the same."""
    assert (await asked(api)).json()["applied"]
    await edit(services.database, FAULTS["the manifest was edited"][0])
    headers = await api.role("operator")
    answer = await api.post(f"{HERE}/rollbacks", json={"subject": "prompt/ask@dev", "stage": "dev"}, headers=headers)
    assert answer.status_code == 500, answer.text
    (entry,) = await told(services, api)
    assert (entry.principal, entry.subject) == ("operator", version.digest)
    assert (entry.body["action"], entry.body["selector"]) == ("rollback", "dev")
