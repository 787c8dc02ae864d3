"""From the bytes that the database holds to a policy, or to nothing: what was published is what is read, or refused."""

from __future__ import annotations

import asyncio

from sekisho.gate.governing.store import PolicyStore
from sekisho.gate.governing.types import Published
from sekisho.gate.policies import PolicySet, read_content
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import IntegrityFailed, Invalid, NotFound


async def published_or_raise(tx: Transaction, name: str, number: int | None) -> Published:
    """Raises `NotFound`."""
    found = await PolicyStore(tx).one_or_none(name, number)
    if found is None:
        said = name if number is None else f"{name}@v{number}"
        raise NotFound(f"there is no policy {said}", remedy="`sekisho policy list` shows what was published")
    return found


async def policies_of(tx: Transaction, published: Published) -> PolicySet:
    """The policy of a published version. Raises `IntegrityFailed` where its bytes are not those that were published."""
    content = await PolicyStore(tx).content_of(published.name, published.number)
    return await asyncio.to_thread(verified, published, content)


def verified(published: Published, content: object) -> PolicySet:
    """The same, from the content at hand."""
    if digest_of(content) != published.content_digest:
        raise _changed(published, "its content does not have the digest it was published under")
    try:
        policies = read_content(content)
    except Invalid as error:
        raise _changed(published, str(error)) from error
    if policies.digest != published.digest:
        raise _changed(published, f"it is policy {policies.digest}, not {published.digest}")
    return policies


def _changed(published: Published, fault: str) -> IntegrityFailed:
    return IntegrityFailed(
        f"the published policy {published.label} cannot be trusted: {fault}",
        remedy="the database was changed behind Sekisho's back: restore it from a backup; `sekisho ledger verify` tells"
        " what else was changed",
    )
