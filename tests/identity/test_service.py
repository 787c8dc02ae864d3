"""Projects, principals and roles on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clocks import FixedClock
from tests.identity.people import kinds, person

from sekisho.identity.independence import independence_of
from sekisho.identity.service import Identity
from sekisho.identity.types import Action, Actor, PrincipalKind, Role
from sekisho.kernel.errors import Conflict, Forbidden, Invalid, NotFound


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
