"""Makes principals with roles and tokens for tests, and reads what the ledger was told of them."""

from __future__ import annotations

from sekisho.identity.service import Identity
from sekisho.identity.types import Actor, PrincipalKind, Role


async def person(
    identity: Identity, by: Actor, name: str, *roles: Role, project: str = "default",
    kind: PrincipalKind = PrincipalKind.PERSON, email: str | None = None,
) -> Actor:  # fmt: skip
    """A new principal with these roles, acting by a token that `by` issued."""
    await identity.create_principal(by, name, kind, email=email)
    for role in roles:
        await identity.grant_role(by, name, project, role)
    _, secret = await identity.issue_token(by, name)
    return await identity.authenticate(secret)


async def kinds(identity: Identity, admin: Actor) -> list[str]:
    """The kinds of all entries that the actor may read, oldest first."""
    page = await identity.ledger.entries(admin, newest_first=False, limit=200)
    return [entry.kind for entry in page.items]
