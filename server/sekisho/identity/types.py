"""Who acts, in which roles, and who is independent enough to approve. Pure; times are epoch milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    OPERATOR = "operator"
    ADMIN = "admin"


class Action(StrEnum):
    """What a role permits. Approving takes the approver's role: an admin does not have it by being admin."""

    READ = "read"
    REGISTER = "register"
    EVALUATE = "evaluate"
    PROMOTE = "promote"
    APPROVE = "approve"
    OPERATE = "operate"
    ADMINISTER = "administer"


ROLE_ACTIONS: Final[Mapping[Role, frozenset[Action]]] = {
    Role.VIEWER: frozenset({Action.READ}),
    Role.AUTHOR: frozenset({Action.READ, Action.REGISTER, Action.EVALUATE, Action.PROMOTE}),
    Role.APPROVER: frozenset({Action.READ, Action.APPROVE}),
    Role.OPERATOR: frozenset({Action.READ, Action.EVALUATE, Action.PROMOTE, Action.OPERATE}),
    Role.ADMIN: frozenset(Action) - {Action.APPROVE},
}


class PrincipalKind(StrEnum):
    PERSON = "person"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Actor:
    """A principal acting by one token. `scopes` None: all that his roles give.

    `projects` are the projects that exist; None: not known, and then not checked.
    """

    principal: str
    kind: PrincipalKind
    roles: Mapping[str, frozenset[Role]]
    scopes: frozenset[Action] | None
    token_id: str
    token_issuer: str | None
    projects: frozenset[str] | None = None

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
class Token:
    """All that is kept of a token but its hash. `issued_with` is the token by which it was issued."""

    id: str
    principal: str
    scopes: frozenset[Action] | None
    issued_by: str | None
    issued_with: str | None
    issued_at: int
    expires_at: int
    revoked_at: int | None = None

    def live(self, now: int) -> bool:
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class Involved:
    """Who had a part in a change: a principal's name, an e-mail, or git's ``Name <e-mail>``."""

    part: str
    who: str


def independence_of(
    approver: Principal,
    involved: Sequence[Involved],
    created_by: Sequence[Principal],
    token_issuers: Sequence[Principal],
) -> list[str]:
    """Why `approver` is not a second person to the change; empty where he is.

    A service is no person. Nor may he be anyone who had a part in the change, nor anyone whom these created
    (`created_by`: his creator, that one's creator, and so on), nor act by a token that one of these issued
    (`token_issuers`: who issued it, who issued the token it was issued with, and so on, with their creators).
    """
    reasons = []
    if approver.kind is not PrincipalKind.PERSON:
        reasons.append(f"{approver.name} is a service, and only people approve")
    for part in involved:
        if _same(approver, part.who):
            reasons.append(f"{approver.name} is the {part.part} of the change")
            continue
        reasons += [
            f"{approver.name} was created by {creator.name}, the {part.part} of the change"
            if place == 0
            else f"{approver.name} was created by way of {creator.name}, the {part.part} of the change"
            for place, creator in enumerate(created_by)
            if _same(creator, part.who)
        ]
        reasons += [
            f"{approver.name} acts by a token that comes from {issuer.name}, the {part.part} of the change"
            for issuer in token_issuers
            if issuer.name != approver.name and _same(issuer, part.who)
        ]
    return list(dict.fromkeys(reasons))


def email_of(text: str) -> str:
    """The address in ``Name <address>``, or the text itself; in the form by which addresses are compared."""
    _, bracket, tail = text.rpartition("<")
    address = tail.partition(">")[0] if bracket else text
    return address.strip().casefold()


def _same(principal: Principal, who: str) -> bool:
    names = {who.strip().casefold(), who.partition("<")[0].strip().casefold()}
    by_email = principal.email is not None and email_of(principal.email) == email_of(who)
    return by_email or principal.name in names
