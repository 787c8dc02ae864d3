"""Secrets of tokens, what is kept of them, and what a new token may be. Pure but for the randomness."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Collection
from typing import Final

from sekisho.identity.types import EVERYWHERE, Action, Actor, PrincipalKind, Token
from sekisho.kernel.errors import FieldError, Forbidden, Invalid, Unauthenticated

PREFIX: Final = "sks_"
_SECRET: Final = re.compile(r"sks_[A-Za-z0-9_-]{43}")


def new_secret() -> str:
    """256 random bits as text; the prefix lets scanners of leaked secrets recognise it."""
    return PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")


def hash_of(secret: str) -> str:
    """What is kept of a token. Raises `Unauthenticated` for text that cannot be one.

    A plain sha256 is enough: there is no guessing 256 random bits.
    """
    if _SECRET.fullmatch(secret) is None:
        raise Unauthenticated(
            "the token is not one of Sekisho's",
            remedy=f"send the whole token: {PREFIX} and 43 characters, as it was shown when it was issued",
        )
    return "sha256:" + hashlib.sha256(secret.encode()).hexdigest()


def scopes_granted(actor: Actor, holder: str, scopes: Collection[Action] | None) -> frozenset[Action] | None:
    """The scopes of a token that `actor` issues for `holder`; None is all that the holder's roles give.

    Raises `Forbidden` unless the actor is admin, or a person who issues for himself and asks for no more than the
    token in his hand has.
    """
    admin, own = actor.may(EVERYWHERE, Action.ADMINISTER), actor.principal == holder
    if not own:
        actor.require(EVERYWHERE, Action.ADMINISTER)
    elif actor.kind is not PrincipalKind.PERSON and not admin:
        raise Forbidden("a service may not issue tokens for itself", remedy="ask an admin for one")
    if scopes is not None and not scopes:
        raise Invalid("no scope is named", fields=[FieldError("$.scopes", "name one, or leave it out for all")])
    wanted = None if scopes is None else frozenset(scopes)
    if own and actor.scopes is not None and (wanted is None or not wanted <= actor.scopes):
        held = ", ".join(sorted(actor.scopes))
        raise Forbidden(f"this token is limited to: {held}; it cannot issue a wider one")
    return wanted


def require_no_longer(actor: Actor, token: Token, used: Token | None) -> None:
    """Raises `Forbidden` where a token for oneself would outlive the one in hand; an admin may renew his own."""
    if token.principal != actor.principal or actor.may(EVERYWHERE, Action.ADMINISTER):
        return
    if used is None or token.expires_at > used.expires_at:
        raise Forbidden(
            "a token that you issue for yourself may not outlive the one you issue it with",
            remedy="ask for fewer days, or ask an admin for a token",
        )


def issuers_of(holder: str, issuer: str, used: Token | None) -> tuple[str, ...]:
    """Through whose hands a token comes that `issuer` issues with the token `used`, the holder's own left out."""
    behind = () if used is None else used.issuers
    return tuple(dict.fromkeys(name for name in (issuer, *behind) if name != holder))
