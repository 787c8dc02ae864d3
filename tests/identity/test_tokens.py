"""Tokens: what they are, how long they hold, who may issue them, and that revoking acts at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from tests.clocks import FixedClock
from tests.identity.people import kinds, person
from tests.notifications import heard

from sekisho.identity.bootstrap import Bootstrap
from sekisho.identity.service import Identity
from sekisho.identity.types import Action, Actor, PrincipalKind, Role
from sekisho.kernel.database import ChangeWatch, Database
from sekisho.kernel.errors import Forbidden, Invalid, Unauthenticated
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import Signer

DAY = 86_400_000


@pytest.mark.parametrize(
    "token", ["", "sks_", "sks_" + "A" * 42, "sks_" + "A" * 44, "xyz_" + "A" * 43, "sks_" + "é" * 43]
)
async def test_a_malformed_token(identity: Identity, token: str) -> None:
    """Text that cannot be a token is refused without asking the database."""
    with pytest.raises(Unauthenticated, match="not one of Sekisho's"):
        await identity.authenticate(token)


async def test_an_unknown_token(identity: Identity) -> None:
    """A well-formed token that was never issued here is refused."""
    with pytest.raises(Unauthenticated, match="not known"):
        await identity.authenticate("sks_" + "A" * 43)


async def test_a_token_expires(identity: Identity, admin: Actor, clock: FixedClock) -> None:
    """It acts up to its last millisecond, even from memory."""
    _, secret = await identity.issue_token(admin, "admin", expires_in_days=1)
    clock.advance(DAY - 1)
    await identity.authenticate(secret)
    clock.advance(1)
    with pytest.raises(Unauthenticated, match="expired"):
        await identity.authenticate(secret)


@pytest.mark.parametrize("days", [0, -1, 366])
async def test_how_long_a_token_may_live(identity: Identity, admin: Actor, days: int) -> None:
    """From one day to a year."""
    with pytest.raises(Invalid, match="one day to a year"):
        await identity.issue_token(admin, "admin", expires_in_days=days)


async def test_only_the_hash_is_kept(identity: Identity, admin: Actor) -> None:
    """Neither the tokens' table nor the ledger holds the secret."""
    _, secret = await identity.issue_token(admin, "admin")
    async with identity.database.read() as tx:
        for table in ("tokens", "ledger_entries"):
            rows = (await tx.execute(text(f"SELECT * FROM {table}"))).all()
            assert secret not in str(rows)


async def test_authentication_writes_nothing_and_asks_once(
    identity: Identity, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between commits a token is answered from memory."""
    _, secret = await identity.issue_token(admin, "admin")
    await heard(identity.database, identity.watch)
    first = await identity.authenticate(secret)
    monkeypatch.setattr(identity.database, "read", None)
    assert await identity.authenticate(secret) == first


async def test_revoking_acts_on_the_next_request_of_another_process(
    identity: Identity, admin: Actor, database_url: str, clock: FixedClock, signer: Signer
) -> None:
    """A token and a role revoked by one process are gone from the next request of another one."""
    await identity.create_principal(admin, "bob", PrincipalKind.PERSON)
    await identity.grant_role(admin, "bob", "default", Role.VIEWER)
    token, secret = await identity.issue_token(admin, "bob")
    other_database = Database(database_url)
    other_watch = ChangeWatch(other_database)
    await other_watch.start()
    other = Identity(other_database, clock, Ledger(other_database, clock, signer), other_watch)
    assert (await other.authenticate(secret)).may("default", Action.READ)
    await identity.revoke_role(admin, "bob", "default", Role.VIEWER)
    await heard(other_database, other_watch)
    assert not (await other.authenticate(secret)).may("default", Action.READ)
    await identity.revoke_token(admin, token.id)
    await heard(other_database, other_watch)
    with pytest.raises(Unauthenticated, match="revoked"):
        await other.authenticate(secret)
    await other_watch.close()
    await other_database.close()


async def test_without_a_watch_nothing_is_remembered(
    database: Database, clock: FixedClock, signer: Signer, data_dir: Path
) -> None:
    """Where changes cannot be heard, every request asks the database."""
    identity = Identity(database, clock, Ledger(database, clock, signer), ChangeWatch(database))
    path = await Bootstrap(identity, data_dir).run()
    assert path is not None
    secret = path.read_text().strip()
    admin = await identity.authenticate(secret)
    await identity.revoke_token(admin, admin.token_id)
    with pytest.raises(Unauthenticated, match="revoked"):
        await identity.authenticate(secret)


async def test_a_person_narrows_his_own_token(identity: Identity, admin: Actor) -> None:
    """With his token he issues others for himself, neither wider nor longer-lived."""
    alice = await person(identity, admin, "alice", Role.AUTHOR)
    token, secret = await identity.issue_token(alice, "alice", [Action.READ], 30)
    narrow = await identity.authenticate(secret)
    assert token.scopes == frozenset({Action.READ})
    with pytest.raises(Forbidden, match="limited to: read"):
        narrow.require("default", Action.REGISTER)
    for scopes in (None, [Action.READ, Action.REGISTER]):
        with pytest.raises(Forbidden, match="wider"):
            await identity.issue_token(narrow, "alice", scopes, 1)
    with pytest.raises(Forbidden, match="outlive"):
        await identity.issue_token(alice, "alice", None, 91)
    with pytest.raises(Invalid, match="no scope"):
        await identity.issue_token(alice, "alice", [])


async def test_a_service_issues_nothing(identity: Identity, admin: Actor) -> None:
    """A service cannot renew itself."""
    ci = await person(identity, admin, "ci", Role.AUTHOR, kind=PrincipalKind.SERVICE)
    with pytest.raises(Forbidden, match="service"):
        await identity.issue_token(ci, "ci", None, 1)


async def test_revoking_takes_the_tokens_issued_with_it(identity: Identity, admin: Actor) -> None:
    """Who stole a token keeps nothing by having renewed it; tokens that an admin issued for others stay."""
    alice = await person(identity, admin, "alice", Role.AUTHOR)
    _, child = await identity.issue_token(alice, "alice", None, 30)
    _, grandchild = await identity.issue_token(await identity.authenticate(child), "alice", None, 30)
    await identity.revoke_token(alice, alice.token_id)
    for secret in (child, grandchild):
        with pytest.raises(Unauthenticated, match="revoked"):
            await identity.authenticate(secret)
    _, bobs = await identity.issue_token(admin, "alice")
    await identity.revoke_token(admin, admin.token_id)
    await identity.authenticate(bobs)


async def test_revoking_twice_changes_nothing(identity: Identity, admin: Actor) -> None:
    """The second time leaves the ledger alone."""
    token, _ = await identity.issue_token(admin, "admin")
    await identity.revoke_token(admin, token.id)
    before = await kinds(identity, admin)
    await identity.revoke_token(admin, token.id)
    assert await kinds(identity, admin) == before
    assert before[-1] == "token.revoked"
