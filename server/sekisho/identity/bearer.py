"""From a request's Authorization header to who is asking."""

from __future__ import annotations

from sekisho.identity.service import Identity
from sekisho.identity.types import Actor
from sekisho.kernel.errors import Unauthenticated


async def actor_of(authorization: str, identity: Identity) -> Actor:
    """Who is asking, by the bearer token of this header. Raises `Unauthenticated`."""
    return await identity.authenticate(bearer_token(authorization))


def bearer_token(authorization: str) -> str:
    """The token in this header. Raises `Unauthenticated` where there is none."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(
            "the request carries no token", remedy="send 'Authorization: Bearer <token>'; the CLI reads SEKISHO_TOKEN"
        )
    return token.strip()
