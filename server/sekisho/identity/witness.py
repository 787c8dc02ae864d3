"""Principals, roles and tokens, held to the log. What a token's secret hashes to is not in the log."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sekisho.identity.store import PrincipalStore, RoleStore, TokenStore
from sekisho.identity.types import SYSTEM, Grant
from sekisho.kernel.database import Transaction
from sekisho.ledger.types import Entry
from sekisho.ledger.witness import Facts, Moment, Standing


class Principals:
    """Kind and creator: what approvals rest on. Names for display and e-mails may change unseen."""

    what = "principal"
    kinds = frozenset({"principal.created"})

    def told(self, entry: Entry, standing: Standing) -> None:
        created = {"kind": entry.body["kind"], "created_by": entry.principal, "created_at": Moment(entry.time)}
        standing[entry.body["name"]] = created

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for one in PrincipalStore(tx).each():
            creator = one.created_by or SYSTEM
            yield one.name, {"kind": one.kind.value, "created_by": creator, "created_at": one.created_at}


class Roles:
    what = "role"
    kinds = frozenset({"role.granted", "role.revoked"})

    def told(self, entry: Entry, standing: Standing) -> None:
        key = f"{entry.body['role']} of {entry.body['principal']} in {entry.project}"
        if entry.kind == "role.granted":
            standing[key] = {"granted_by": entry.principal, "granted_at": Moment(entry.time)}
        else:
            del standing[key]

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for grant in RoleStore(tx).each():
            yield role_key(grant), {"granted_by": grant.granted_by, "granted_at": grant.granted_at}


def role_key(grant: Grant) -> str:
    """What the log calls a role that somebody holds."""
    return f"{grant.role.value} of {grant.principal} in {grant.project}"


class Tokens:
    what = "token"
    kinds = frozenset({"token.issued", "token.revoked"})

    def told(self, entry: Entry, standing: Standing) -> None:
        token = entry.body["token"]
        if entry.kind == "token.revoked":
            standing[token] = {**standing[token], "revoked": True}
            return
        standing[token] = {
            "principal": entry.body["principal"],
            "issued_by": entry.principal,
            "expires_at": entry.body["expires_at"],
            "scopes": entry.body.get("scopes"),
            "issued_at": Moment(entry.time),
            "revoked": False,
        }

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for token in TokenStore(tx).each():
            scopes = None if token.scopes is None else sorted(scope.value for scope in token.scopes)
            yield (
                token.id,
                {
                    "principal": token.principal,
                    "issued_by": token.issued_by or SYSTEM,
                    "expires_at": token.expires_at,
                    "scopes": scopes,
                    "issued_at": token.issued_at,
                    "revoked": token.revoked_at is not None,
                },
            )
