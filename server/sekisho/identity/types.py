"""Who acts, by what token, in which roles. Pure; times are epoch milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sekisho.kernel.errors import Forbidden, NotFound

EVERYWHERE: Final = "*"
"""The project of roles that hold in every project."""
SYSTEM: Final = "sekisho"
"""Whom the ledger names for what the server does of its own; no principal may have this name."""


class Role(StrEnum):
    VIEWER = "viewer"
    AUTHOR = "author"
    APPROVER = "approver"
    BREAKGLASS = "breakglass"
    OPERATOR = "operator"
    POLICY_OWNER = "policy_owner"
    ADMIN = "admin"


class Action(StrEnum):
    """What a role permits. Approving, overriding and governing policy take roles of their own: no admin has them by
    being admin."""

    READ = "read"
    REGISTER = "register"
    EVALUATE = "evaluate"
    PROMOTE = "promote"
    APPROVE = "approve"
    OVERRIDE = "override"
    OPERATE = "operate"
    GOVERN = "govern"
    ADMINISTER = "administer"


ROLE_ACTIONS: Final[Mapping[Role, frozenset[Action]]] = {
    Role.VIEWER: frozenset({Action.READ}),
    Role.AUTHOR: frozenset({Action.READ, Action.REGISTER, Action.EVALUATE, Action.PROMOTE}),
    Role.APPROVER: frozenset({Action.READ, Action.APPROVE}),
    Role.BREAKGLASS: frozenset({Action.READ, Action.OVERRIDE}),
    Role.OPERATOR: frozenset({Action.READ, Action.EVALUATE, Action.PROMOTE, Action.OPERATE}),
    Role.POLICY_OWNER: frozenset({Action.READ, Action.GOVERN}),
    Role.ADMIN: frozenset(Action) - {Action.APPROVE, Action.OVERRIDE, Action.GOVERN},
}
PERSONAL: Final[Mapping[Role, str]] = {
    Role.APPROVER: "approve",
    Role.BREAKGLASS: "break the glass",
    Role.POLICY_OWNER: "govern policy",
}
"""Roles that only people can hold, and what they do by them."""


class PrincipalKind(StrEnum):
    PERSON = "person"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Actor:
    """A principal acting by one token. `scopes` None: all that his roles give.

    `token_issuer` is the nearest other principal through whose hands the token came, `further_issuers` are those
    behind him (see `Token.issuers`). `projects` are the projects that exist; None: not known, and not checked.
    """

    principal: str
    kind: PrincipalKind
    roles: Mapping[str, frozenset[Role]]
    scopes: frozenset[Action] | None
    token_id: str
    token_issuer: str | None
    projects: frozenset[str] | None = None
    further_issuers: tuple[str, ...] = ()

    def roles_in(self, project: str) -> frozenset[Role]:
        """His roles there, those that hold everywhere among them."""
        return self.roles.get(project, frozenset()) | self.roles.get(EVERYWHERE, frozenset())

    def may(self, project: str, action: Action) -> bool:
        """Whether his roles in the project permit the action and this token's scopes include it."""
        within = self.scopes is None or action in self.scopes
        return within and any(action in ROLE_ACTIONS[role] for role in self.roles_in(project))

    def require(self, project: str, action: Action) -> None:
        """Raises `NotFound` or `Forbidden` unless he `may`.

        Where he has no role at all the project is not found, so that its name tells him nothing. `Forbidden`
        names what would do.
        """
        absent = self.projects is not None and project not in self.projects and project != EVERYWHERE
        if absent or (not self.roles_in(project) and project != EVERYWHERE):
            raise NotFound(f"there is no project {project}")
        if self.may(project, action):
            return
        where = "every project" if project == EVERYWHERE else f"project {project}"
        enough = [role for role, actions in ROLE_ACTIONS.items() if action in actions]
        if not self.roles_in(project).isdisjoint(enough):
            held = ", ".join(sorted(self.scopes or ()))
            raise Forbidden(
                f"this token of {self.principal} is limited to: {held}; it does not include {action}",
                remedy=f"use a token without scopes, or one whose scopes include {action}",
            )
        raise Forbidden(
            f"{self.principal} may not {action} in {where}",
            remedy=f"an admin can grant one of these roles in {where}: {', '.join(enough)}",
        )

    @property
    def readable(self) -> frozenset[str]:
        """Projects he may read; `EVERYWHERE` stands for all."""
        return frozenset(project for project in self.roles if self.may(project, Action.READ))


@dataclass(frozen=True, slots=True)
class Project:
    name: str
    created_by: str | None
    created_at: int


@dataclass(frozen=True, slots=True)
class Principal:
    """`created_by` is None for what the server made at its first start."""

    name: str
    kind: PrincipalKind
    display: str
    email: str | None
    created_by: str | None
    created_at: int


@dataclass(frozen=True, slots=True)
class Grant:
    """One role of one principal in one project (or `EVERYWHERE`)."""

    principal: str
    project: str
    role: Role
    granted_by: str
    granted_at: int


@dataclass(frozen=True, slots=True)
class Origins:
    """Who created each principal, who created that one, and so on; the first start created nobody's creator.

    `issuers` are by a token's id who could have had it: its `Token.issuers`, and whoever created these.
    """

    creators: Mapping[str, tuple[str, ...]]
    issuers: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Token:
    """All that is kept of a token but its hash.

    `issued_by` used the token `issued_with` to issue it; both are None for the token of the first start.
    `issuers` are all others through whose hands it came: who issued it, who issued the token used for that, and
    so on. A token that its holder issued for himself thus still names who let him in.
    """

    id: str
    principal: str
    scopes: frozenset[Action] | None
    issued_by: str | None
    issued_with: str | None
    issuers: tuple[str, ...]
    issued_at: int
    expires_at: int
    revoked_at: int | None = None

    def live(self, now: int) -> bool:
        return self.revoked_at is None and now < self.expires_at
