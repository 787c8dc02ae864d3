"""Projects, principals, roles and tokens on both databases."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.clocks import FixedClock
from tests.identity.people import person
from tests.notifications import heard

from sekisho.identity.bootstrap import Bootstrap
from sekisho.identity.independence import independence_of
from sekisho.identity.service import Identity
from sekisho.identity.types import Action, Actor, PrincipalKind, Role
from sekisho.kernel.database import ChangeWatch, Database
from sekisho.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import Signer

DAY = 86_400_000


async def kinds(identity: Identity, admin: Actor) -> list[str]:
    page = await identity.ledger.entries(admin, newest_first=False, limit=200)
    return [entry.kind for entry in page.items]


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


async def test_the_first_start(identity: Identity, admin: Actor, data_dir: Path) -> None:
    """It makes the project default, an admin of everything, and a token that only its owner reads."""
    assert (admin.principal, dict(admin.roles)) == ("admin", {"*": frozenset({Role.ADMIN})})
    assert [project.name for project in await identity.projects(admin)] == ["default"]
    assert stat.S_IMODE((data_dir / "admin.token").stat().st_mode) == 0o600
    assert await kinds(identity, admin) == ["project.created", "principal.created", "role.granted", "token.issued"]


async def test_a_second_start_does_nothing(identity: Identity, admin: Actor, data_dir: Path) -> None:
    """The token file and the ledger stay as they are."""
    before = (data_dir / "admin.token").read_text()
    assert await Bootstrap(identity, data_dir).run() is None
    assert (data_dir / "admin.token").read_text() == before
    assert len(await kinds(identity, admin)) == 4


async def test_api_and_worker_start_at_once(
    database_url: str, clock: FixedClock, signer: Signer, watch: ChangeWatch, data_dir: Path
) -> None:
    """Of several processes that start on an empty database, exactly one makes the admin, and his token works."""
    databases = [Database(database_url) for _ in range(3)]
    starts = [Identity(database, clock, Ledger(database, clock, signer), watch) for database in databases]
    written = await asyncio.gather(*(Bootstrap(start, data_dir).run() for start in starts))
    assert len([path for path in written if path]) == 1
    admin = await starts[0].authenticate((data_dir / "admin.token").read_text().strip())
    assert len(await kinds(starts[0], admin)) == 4
    for database in databases:
        await database.close()


async def test_a_token_file_that_cannot_be_written_undoes_the_start(identity: Identity, tmp_path: Path) -> None:
    """Without its token an admin would be of no use: nothing is kept, and the next start makes it all."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises((OSError, Exception)):
        await Bootstrap(identity, blocked / "data").run()
    assert await Bootstrap(identity, tmp_path / "data").run() is not None


async def test_a_link_in_the_place_of_the_token_file_is_not_followed(identity: Identity, data_dir: Path) -> None:
    """The secret goes to a fresh file; what stood there is kept aside."""
    target = data_dir / "elsewhere"
    target.write_text("kept")
    (data_dir / "admin.token").symlink_to(target)
    await Bootstrap(identity, data_dir).run()
    assert target.read_text() == "kept"
    assert not (data_dir / "admin.token").is_symlink()


async def test_a_server_that_nobody_can_administer_mends_itself_at_start(
    identity: Identity, admin: Actor, data_dir: Path, clock: FixedClock
) -> None:
    """Once every admin's token has expired, the next start issues a new one."""
    clock.advance(91 * DAY)
    path = await Bootstrap(identity, data_dir).run()
    assert path is not None
    renewed = await identity.authenticate(path.read_text().strip())
    assert renewed.principal == "admin"
    assert (await kinds(identity, renewed))[4:] == ["token.issued"]


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


async def test_who_is_not_admin_administers_nothing(identity: Identity, admin: Actor) -> None:
    """A project's author, and even its admin, may not create projects or principals, or issue tokens for others."""
    author = await person(identity, admin, "alice", Role.AUTHOR)
    local = await person(identity, admin, "lee", Role.ADMIN)
    for actor in (author, local):
        for refused in (
            identity.create_project(actor, "more"),
            identity.create_principal(actor, "eve", PrincipalKind.PERSON),
            identity.issue_token(actor, "admin"),
            identity.tokens(actor, "admin"),
            identity.grant_role(actor, actor.principal, "*", Role.ADMIN),
        ):
            with pytest.raises(Forbidden):
                await refused
    with pytest.raises(Forbidden):
        await identity.grant_role(author, "alice", "default", Role.ADMIN)
    with pytest.raises(NotFound):
        await identity.revoke_token(author, admin.token_id)


async def test_a_projects_admin_grants_roles_in_it(identity: Identity, admin: Actor, data_dir: Path) -> None:
    """He acts in his project only; of another one he learns nothing."""
    await identity.create_project(admin, "other")
    admin = await identity.authenticate((data_dir / "admin.token").read_text().strip())
    local = await person(identity, admin, "lee", Role.ADMIN)
    await identity.create_principal(admin, "bob", PrincipalKind.PERSON)
    await identity.grant_role(admin, "bob", "other", Role.AUTHOR)
    await identity.grant_role(local, "bob", "default", Role.APPROVER)
    with pytest.raises(NotFound):
        await identity.grant_role(local, "bob", "other", Role.VIEWER)
    _, seen = await identity.principal(local, "bob")
    assert [(grant.project, grant.role) for grant in seen] == [("default", Role.APPROVER)]
    assert [project.name for project in await identity.projects(local)] == ["default"]


async def test_granting_twice_changes_nothing(identity: Identity, admin: Actor, clock: FixedClock) -> None:
    """The standing grant is answered, and the ledger takes one entry."""
    await identity.create_principal(admin, "bob", PrincipalKind.PERSON)
    first = await identity.grant_role(admin, "bob", "default", Role.VIEWER)
    clock.advance(1000)
    assert await identity.grant_role(admin, "bob", "default", Role.VIEWER) == first
    assert (await kinds(identity, admin)).count("role.granted") == 2


async def test_a_service_does_not_get_the_approvers_role(identity: Identity, admin: Actor) -> None:
    """Only people approve, so the grant itself is refused."""
    await identity.create_principal(admin, "ci", PrincipalKind.SERVICE)
    with pytest.raises(Invalid, match="only people approve"):
        await identity.grant_role(admin, "ci", "default", Role.APPROVER)


async def test_roles_for_nobody_or_nowhere(identity: Identity, admin: Actor) -> None:
    """Principal and project must exist, and what is revoked must be held."""
    await identity.create_principal(admin, "bob", PrincipalKind.PERSON)
    for refused in (
        identity.grant_role(admin, "nobody", "default", Role.VIEWER),
        identity.grant_role(admin, "bob", "nowhere", Role.VIEWER),
        identity.revoke_role(admin, "bob", "default", Role.VIEWER),
    ):
        with pytest.raises(NotFound):
            await refused


async def test_the_last_admin_stays(identity: Identity, admin: Actor) -> None:
    """The only admin of the server cannot lose the role; one of two can."""
    with pytest.raises(Conflict, match="only admin"):
        await identity.revoke_role(admin, "admin", "*", Role.ADMIN)
    await person(identity, admin, "alice", Role.ADMIN, project="*")
    await identity.revoke_role(admin, "admin", "*", Role.ADMIN)


@pytest.mark.parametrize("name", ["sekisho", "Alice", "a b", "", "*", "a" * 65, "-a"])
async def test_names_no_principal_can_have(identity: Identity, admin: Actor, name: str) -> None:
    """Names are lower-case words, and the server's own is taken."""
    with pytest.raises(Invalid):
        await identity.create_principal(admin, name, PrincipalKind.PERSON)


@pytest.mark.parametrize("email", ["", "a", "a@", "@b", "a@b@c", "a b@c", "A <a@b>", "a@b\n", "x" * 65 + "@b"])
async def test_text_that_is_no_e_mail(identity: Identity, admin: Actor, email: str) -> None:
    """An e-mail is one plain address."""
    if email == "a@b\n":
        email = "a\n@b"
    with pytest.raises(Invalid, match="not an address"):
        await identity.create_principal(admin, "bob", PrincipalKind.PERSON, email=email)


async def test_an_e_mail_belongs_to_one_principal(identity: Identity, admin: Actor) -> None:
    """Case does not tell two addresses apart; and one without an address is no obstacle to another."""
    await person(identity, admin, "bob", email="Bob@Example.org")
    with pytest.raises(Conflict, match="e-mail"):
        await identity.create_principal(admin, "bob2", PrincipalKind.PERSON, email="bob@example.ORG")
    await person(identity, admin, "carol")
    await person(identity, admin, "dave")
    with pytest.raises(Conflict, match="principal bob"):
        await identity.create_principal(admin, "bob", PrincipalKind.PERSON)
    async with identity.database.read() as tx:
        for known in ("bob", "BOB@example.org", "Robert <bob@example.org>", "bob <nobody@example.org>"):
            found = await identity.people_named(tx, [known, "nobody@example.org"])
            assert {text: principal.name for text, principal in found.items()} == {known: "bob"}


async def test_the_ledger_takes_no_e_mail(identity: Identity, admin: Actor) -> None:
    """What could never be erased is not put there."""
    await person(identity, admin, "bob", email="bob@example.org")
    entries = (await identity.ledger.entries(admin, limit=200)).items
    assert "example.org" not in str([entry.content() for entry in entries])


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


async def test_the_second_account_of_an_admin(identity: Identity, admin: Actor) -> None:
    """An admin who makes himself a second account, directly or through a service, is no second person by it."""
    alice = await person(identity, admin, "alice", Role.ADMIN, project="*")
    direct = await person(identity, alice, "alice2", Role.APPROVER)
    ci = await person(identity, alice, "ci", Role.ADMIN, project="*", kind=PrincipalKind.SERVICE)
    indirect = await person(identity, ci, "alice3", Role.APPROVER)
    bob = await person(identity, admin, "bob", Role.APPROVER)
    for actor, independent in ((direct, False), (indirect, False), (bob, True)):
        assert (not await reasons(identity, actor, {"alice": "author"})) is independent


async def test_a_token_that_an_author_issued(identity: Identity, admin: Actor) -> None:
    """Who acts as another by a token that he issued, renewed, or had another issue, is no second person."""
    alice = await person(identity, admin, "alice", Role.ADMIN, project="*")
    await person(identity, admin, "bob", Role.APPROVER)
    await person(identity, admin, "carol", Role.ADMIN, project="*")
    _, as_bob = await identity.issue_token(alice, "bob")
    stolen = await identity.authenticate(as_bob)
    _, renewed = await identity.issue_token(stolen, "bob", None, 30)
    _, as_carol = await identity.issue_token(alice, "carol")
    _, by_carol = await identity.issue_token(await identity.authenticate(as_carol), "bob")
    ci = await person(identity, alice, "ci", Role.ADMIN, project="*", kind=PrincipalKind.SERVICE)
    _, by_service = await identity.issue_token(ci, "bob")
    for secret in (as_bob, renewed, by_carol, by_service):
        actor = await identity.authenticate(secret)
        assert await reasons(identity, actor, {"alice": "author"}) == [
            "bob acts by a token that came from alice, the author of the change"
        ]


async def reasons(identity: Identity, actor: Actor, involved: dict[str, str]) -> list[str]:
    async with identity.database.read() as tx:
        origins = await identity.origins_of(tx, [actor.principal], [actor.token_id])
    creators, issuers = origins.creators[actor.principal], origins.issuers[actor.token_id]
    return independence_of(actor.principal, actor.kind, involved, creators, None, further_issuers=issuers)


async def test_a_role_holds_whatever_the_token(identity: Identity, admin: Actor) -> None:
    """Other rooms can ask whether somebody may still do what he did."""
    await person(identity, admin, "bob", Role.APPROVER)
    async with identity.database.read() as tx:
        both = ["bob", "admin", "nobody"]
        assert await identity.who_may(tx, both, "default", Action.APPROVE) == {"bob"}
        assert await identity.who_may(tx, both, "default", Action.PROMOTE) == {"admin"}
        assert await identity.who_may(tx, both, "other", Action.APPROVE) == set()
        assert await identity.who_may(tx, both, "other", Action.ADMINISTER) == {"admin"}


async def test_principals_page_by_name(identity: Identity, admin: Actor) -> None:
    """All of them, in pages, for who administers; one alone, for himself; nobody, for others."""
    for name in ("dave", "bob", "carol"):
        await identity.create_principal(admin, name, PrincipalKind.PERSON)
    first = await identity.principals(admin, limit=3)
    second = await identity.principals(admin, limit=3, cursor=first.next_cursor)
    assert [p.name for p in (*first.items, *second.items)] == ["admin", "bob", "carol", "dave"]
    viewer = await person(identity, admin, "vera", Role.VIEWER)
    with pytest.raises(Forbidden):
        await identity.principals(viewer)
    with pytest.raises(NotFound):
        await identity.principal(viewer, "bob")
    found, grants = await identity.principal(viewer, "vera")
    assert (found.created_by, [grant.role for grant in grants]) == ("admin", [Role.VIEWER])


async def test_a_project_is_made_once(identity: Identity, admin: Actor) -> None:
    """Its name is checked, and a second one of the name is a conflict."""
    await identity.create_project(admin, "search")
    with pytest.raises(Conflict):
        await identity.create_project(admin, "search")
    for name in ("*", "Search", "a/b"):
        with pytest.raises(Invalid):
            await identity.create_project(admin, name)
    assert (await kinds(identity, admin))[-1] == "project.created"
