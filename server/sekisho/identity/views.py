"""What identity's REST takes and gives, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from sekisho.identity.types import Action, Grant, Principal, PrincipalKind, Project, Role, Token


class NewProject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(examples=["search"])]


class NewPrincipal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person or a service. `email` ties a person to his commits."""

    name: Annotated[str, msgspec.Meta(examples=["alice"])]
    kind: PrincipalKind
    display: str = ""
    email: Annotated[str, msgspec.Meta(examples=["alice@example.org"])] | None = None


class NewGrant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role in a project; the project ``*`` is all of them."""

    project: Annotated[str, msgspec.Meta(examples=["default"])]
    role: Role


class NewToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Absent `principal`: for yourself. Absent `scopes`: all that the roles give. Absent life: 90 days."""

    principal: str | None = None
    scopes: list[Action] | None = None
    expires_in_days: Annotated[int, msgspec.Meta(ge=1, le=365)] | None = None


class Projects(msgspec.Struct, frozen=True):
    items: list[Project]


class GrantView(msgspec.Struct, frozen=True):
    project: str
    role: Role
    granted_by: str
    granted_at: int


class PrincipalView(msgspec.Struct, frozen=True):
    """A principal with those of his roles that you may see."""

    name: str
    kind: PrincipalKind
    display: str
    email: str | None
    created_by: str | None
    created_at: int
    roles: list[GrantView]


class TokenView(msgspec.Struct, frozen=True):
    """All that is known of a token but its secret. Times are epoch milliseconds."""

    id: str
    principal: str
    scopes: list[Action] | None
    issued_by: str | None
    issued_at: int
    expires_at: int
    revoked_at: int | None


class Tokens(msgspec.Struct, frozen=True):
    items: list[TokenView]


class IssuedToken(msgspec.Struct, frozen=True):
    """`secret` is shown this once and kept nowhere."""

    token: TokenView
    secret: str


class WhoAmI(msgspec.Struct, frozen=True):
    """Who acts, in which roles by project, by which token."""

    principal: str
    kind: PrincipalKind
    display: str
    email: str | None
    roles: dict[str, list[Role]]
    token: TokenView


def principal_view(principal: Principal, grants: Sequence[Grant]) -> PrincipalView:
    return PrincipalView(
        name=principal.name,
        kind=principal.kind,
        display=principal.display,
        email=principal.email,
        created_by=principal.created_by,
        created_at=principal.created_at,
        roles=[GrantView(grant.project, grant.role, grant.granted_by, grant.granted_at) for grant in grants],
    )


def token_view(token: Token) -> TokenView:
    return TokenView(
        id=token.id,
        principal=token.principal,
        scopes=None if token.scopes is None else sorted(token.scopes),
        issued_by=token.issued_by,
        issued_at=token.issued_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
    )


def whoami_view(principal: Principal, roles: Mapping[str, frozenset[Role]], token: Token) -> WhoAmI:
    return WhoAmI(
        principal=principal.name,
        kind=principal.kind,
        display=principal.display,
        email=principal.email,
        roles={project: sorted(held) for project, held in sorted(roles.items())},
        token=token_view(token),
    )
