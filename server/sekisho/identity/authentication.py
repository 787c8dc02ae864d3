"""From a token's hash to who acts by it, and what is remembered of that between requests."""

from __future__ import annotations

from dataclasses import dataclass, field

from sekisho.identity.borne import borne
from sekisho.identity.store import PrincipalStore, ProjectStore, RoleStore, TokenStore
from sekisho.identity.types import Actor, Role
from sekisho.kernel.database import Transaction
from sekisho.kernel.errors import Unauthenticated
from sekisho.ledger.service import Ledger


@dataclass(frozen=True, slots=True)
class Session:
    """What a live token stands for, and until when (epoch milliseconds)."""

    actor: Actor
    expires_at: int

    def actor_at(self, now: int) -> Actor:
        """Raises `Unauthenticated` where the token has expired."""
        if now >= self.expires_at:
            raise _refused("has expired")
        return self.actor


@dataclass
class Remembered:
    """Sessions by token hash, for as long as no process has committed anything since they were read."""

    _marker: int | None = None
    _sessions: dict[str, Session] = field(default_factory=dict)

    def get(self, marker: int | None, token_hash: str) -> Session | None:
        return self._sessions.get(token_hash) if marker is not None and marker == self._marker else None

    def put(self, marker: int | None, token_hash: str, session: Session) -> None:
        """`marker` is the one seen before the session was read."""
        if marker is None:
            return
        if marker != self._marker:
            self._marker, self._sessions = marker, {}
        self._sessions[token_hash] = session

    def forget(self) -> None:
        self._marker, self._sessions = None, {}


async def read_session(tx: Transaction, ledger: Ledger, token_hash: str) -> Session:
    """Raises `Unauthenticated` where the token is unknown or revoked.

    Only roles that the log bears out count: whoever makes himself an admin in the table could grant himself the rest.
    """
    token = await TokenStore(tx).of_hash_or_none(token_hash)
    if token is None:
        raise _refused("is not known here")
    if token.revoked_at is not None:
        raise _refused("was revoked")
    principal = await PrincipalStore(tx).one(token.principal)
    roles: dict[str, frozenset[Role]] = {}
    for grant in await borne(tx, ledger, await RoleStore(tx).all(principal.name)):
        roles[grant.project] = roles.get(grant.project, frozenset()) | {grant.role}
    actor = Actor(
        principal=principal.name, kind=principal.kind, roles=roles, scopes=token.scopes, token_id=token.id,
        token_issuer=token.issuers[0] if token.issuers else None, further_issuers=token.issuers[1:],
        projects=frozenset(project.name for project in await ProjectStore(tx).all()),
    )  # fmt: skip
    return Session(actor, token.expires_at)


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"the token {why}", remedy="ask an admin for a token: `sekisho token issue`")
