"""REST of the ledger."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.status_codes import HTTP_200_OK
from litestar.types import ControllerRouterHandler

from sekisho.kernel.injection import Injected
from sekisho.kernel.pages import Page
from sekisho.ledger.pushing.api import controllers as pushing
from sekisho.ledger.service import Ledger
from sekisho.ledger.types import Checkpoint, ConsistencyProof, Entry, InclusionProof, Reader, Verification

Limit = Annotated[int, QueryParameter(description="How many entries a page has at most.", ge=1, le=200)]


class Key(msgspec.Struct, frozen=True):
    """A public key. `active` is the one that signs now; others have signed before."""

    keyid: str
    algorithm: str
    pem: str
    active: bool


class Keys(msgspec.Struct, frozen=True):
    items: list[Key]


class LedgerController(Controller):
    """The append-only log of every change, its signed checkpoints, and proofs against them."""

    path = "/v1/ledger"
    tags = ("ledger",)

    @get("/checkpoint", operation_id="get_checkpoint")
    async def checkpoint(self, actor: Injected[Reader], ledger: Injected[Ledger]) -> Checkpoint:
        """The log's size and root now, signed. Keep it: later the log can be held to it."""
        return await ledger.checkpoint(actor)

    @get("/entries", operation_id="list_ledger_entries")
    async def entries(
        self,
        actor: Injected[Reader],
        ledger: Injected[Ledger],
        project: FromQuery[str | None] = None,
        kind: FromQuery[str | None] = None,
        subject: FromQuery[str | None] = None,
        order: FromQuery[Literal["newest", "oldest"]] = "newest",
        cursor: FromQuery[str | None] = None,
        limit: Limit = 50,
    ) -> Page[Entry]:
        """Entries of the projects you may read. `subject` is a digest, or the name that an entry is about."""
        return await ledger.entries(
            actor,
            project=project,
            kind=kind,
            subject=subject,
            cursor=cursor,
            newest_first=order == "newest",
            limit=limit,
        )

    @get("/entries/{seq:int}", operation_id="get_ledger_entry")
    async def entry(self, seq: FromPath[int], actor: Injected[Reader], ledger: Injected[Ledger]) -> Entry:
        """One entry, by its place in the log, counted from 0."""
        return await ledger.entry(actor, seq)

    @get("/entries/{seq:int}/proof", operation_id="prove_inclusion")
    async def inclusion(
        self,
        seq: FromPath[int],
        actor: Injected[Reader],
        ledger: Injected[Ledger],
        size: FromQuery[int | None] = None,
    ) -> InclusionProof:
        """That the entry is among the first `size` entries (by default: among all), as RFC 9162 proves it."""
        return await ledger.inclusion(actor, seq, size)

    @get("/consistency", operation_id="prove_consistency")
    async def consistency(
        self,
        first: FromQuery[int],
        actor: Injected[Reader],
        ledger: Injected[Ledger],
        second: FromQuery[int | None] = None,
    ) -> ConsistencyProof:
        """That the first `first` entries stood unchanged while the log grew to `second` (by default: to now)."""
        return await ledger.consistency(actor, first, second)

    @post("/verify", operation_id="verify_ledger", status_code=HTTP_200_OK)
    async def verify(self, actor: Injected[Reader], ledger: Injected[Ledger]) -> Verification:
        """Recompute the whole log from its entries' bytes. `problems` names all that does not hold."""
        return await ledger.verify(actor)


@get("/v1/keys", operation_id="list_keys", tags=["ledger"], security=[])
async def keys(ledger: Injected[Ledger]) -> Keys:
    """Public keys of this server's signatures. Needs no token; fetch them before you need to trust them."""
    return Keys([Key(key.keyid, key.algorithm, key.pem, key.keyid == ledger.signer.keyid) for key in ledger.keys])


controllers: list[ControllerRouterHandler] = [LedgerController, keys, *pushing]
