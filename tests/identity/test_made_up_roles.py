"""Roles that somebody wrote into the database give nothing, with or without an entry to go with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import insert, text
from tests.api_client import ApiClient
from tests.registry.manifests import prompt, register

from sekisho.identity.types import EVERYWHERE, Action, Actor, PrincipalKind
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.digests import canonical_json
from sekisho.kernel.errors import Forbidden, NotFound
from sekisho.kernel.references import parse_reference
from sekisho.ledger.store import EntryRow, row_of
from sekisho.ledger.types import Entry
from sekisho.wiring.services import Services

ASK = parse_reference("prompt/ask@v1")
ROW = (
    "INSERT INTO roles (principal, project, role, granted_by, granted_at) "
    "VALUES ('carol', :project, :role, 'admin', :now)"
)


@dataclass
class Forger:
    """Somebody who may write SQL, and Carol, whom nobody gave a role."""

    services: Services
    carol: str
    """Her token."""

    async def row(self, role: str, project: str = "default") -> None:
        async with self.services.database.write() as tx:
            await tx.execute(text(ROW), {"project": project, "role": role, "now": self.now})
            await self.services.database.announce(tx)

    async def entry(self, role: str, project: str = "default", *, over: int | None = None) -> None:
        """An entry as the server would make it: at the end of the log without moving its head, or over another one."""
        async with self.services.database.write() as tx:
            seq = await self.services.ledger.size(tx) if over is None else over
            body = {"principal": "carol", "role": role}
            entry = Entry(seq, self.now, "role.granted", project, "admin", "carol", body)
            made = row_of(entry, canonical_json(entry.content()), entry.leaf(), [])
            if over is not None:
                await tx.execute(text("DELETE FROM ledger_entries WHERE seq = :seq"), {"seq": over})
            await tx.execute(insert(EntryRow).values(**made))

    async def who(self) -> Actor:
        return await self.services.identity.authenticate(self.carol)

    @property
    def now(self) -> int:
        return epoch_ms(self.services.clock.now())


@pytest.fixture
async def forger(services: Services, api: ApiClient) -> Forger:
    admin = await services.identity.authenticate(api.admin_token)
    await services.identity.create_principal(admin, "carol", PrincipalKind.PERSON)
    _, secret = await services.identity.issue_token(admin, "carol")
    return Forger(services, secret)


async def entry_of(services: Services, kind: str, about: str) -> int:
    async with services.database.read() as tx:
        return (await services.ledger.told(tx, kinds={kind}, subjects={about}))[-1].seq


FORGERIES = ["the row alone", "with an entry at the end", "with an entry over another", "with one under a checkpoint"]


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_made_up_role_lets_nobody_do_anything(services: Services, forger: Forger, forgery: str) -> None:
    """She neither approves nor, as an admin of her own making, gives herself the role; readiness warns."""
    admin = await services.identity.authenticate((services.settings.data_dir / "admin.token").read_text().strip())
    over = await entry_of(services, "token.issued", "carol")
    if forgery == FORGERIES[3]:
        await services.ledger.checkpoint(admin)
    for role, project in (("approver", "default"), ("admin", EVERYWHERE)):
        await forger.row(role, project)
        if forgery == FORGERIES[1] and role == "admin":
            await forger.entry(role, project)
        elif forgery in FORGERIES[2:] and role == "admin":
            await forger.entry(role, project, over=over)
    carol = await forger.who()
    assert carol.roles == {}
    with pytest.raises(NotFound):  # she has no role in the project, and so it is none of her business
        await services.approvals.approve(carol, ASK, "production", "sha256:" + "0" * 64)
    with pytest.raises(Forbidden):
        await services.identity.create_principal(carol, "dave", PrincipalKind.PERSON)
    async with services.database.read() as tx:
        assert await services.identity.who_may(tx, {"carol"}, "default", Action.APPROVE) == frozenset()
        assert await services.identity.who_holds(tx, {"carol"}, "default") == frozenset()
    assert "count for nothing: 2" in (await services.readiness.concerns())["roles"]


async def test_a_role_that_was_revoked_does_not_come_back_by_hand(
    services: Services, api: ApiClient, forger: Forger
) -> None:
    """Her approval counted; without the role it does not, and the denial says so, whatever the row says."""
    alice = await services.identity.authenticate(await api.token_for("author", name="alice"))
    await register(services.registry, alice, "prompt/ask", prompt("{{ context }}"))
    assert (await services.gate.promote(alice, ASK, "staging")).applied
    carol = await services.identity.authenticate(await api.token_for("approver", name="carol"))
    view = await services.approvals.evidence(carol, ASK, "production")
    await services.approvals.approve(carol, ASK, "production", view.hash)
    assert (await services.gate.promote(alice, ASK, "production", dry_run=True)).decision.blocking == ()
    admin = await services.identity.authenticate(api.admin_token)
    (grant,) = (await services.identity.principal(admin, "carol"))[1]
    await services.identity.revoke_role(admin, "carol", "default", grant.role)
    await forger.row("approver")
    done = await services.gate.promote(alice, ASK, "production")
    assert (done.applied, done.decision.blocking) == (False, ("OVS-01",))
    found: dict[str, Any] = dict(done.decision.rules["OVS-01"])
    assert "carol" in str(found)
    assert "role" in str(found)


async def test_what_the_log_bears_out_stays(services: Services, api: ApiClient, forger: Forger) -> None:
    """A forged role beside genuine ones takes nothing from anybody else; without forgery readiness has no concern."""
    author = await services.identity.authenticate(await api.token_for("author"))
    assert "roles" not in await services.readiness.concerns()
    await forger.row("approver")
    assert (await services.identity.authenticate(await api.token_for("author"))).roles == author.roles
    admin = await services.identity.authenticate(api.admin_token)
    assert admin.may(EVERYWHERE, Action.ADMINISTER)
