"""The ledger, as the light client sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sekisho.client.connection import Connection


@dataclass(frozen=True)
class Ledger:
    """Entries, checkpoints and proofs as JSON, by the server's word; `sekisho.ledger` proves them offline."""

    connection: Connection

    def checkpoint(self) -> Any:
        return self.connection.get("/v1/ledger/checkpoint")

    def entries(self, *, limit: int = 50, cursor: str | None = None, **filters: str | None) -> Any:
        """One page; filters are `project`, `kind`, `subject` and `order` (``newest`` or ``oldest``)."""
        return self.connection.get("/v1/ledger/entries", limit=limit, cursor=cursor, **filters)

    def entry(self, seq: int) -> Any:
        return self.connection.get(f"/v1/ledger/entries/{seq}")

    def inclusion(self, seq: int, size: int | None = None) -> Any:
        return self.connection.get(f"/v1/ledger/entries/{seq}/proof", size=size)

    def consistency(self, first: int, second: int | None = None) -> Any:
        return self.connection.get("/v1/ledger/consistency", first=first, second=second)

    def verify(self) -> Any:
        """What the server finds when it recomputes its log; `problems` is empty where all holds."""
        return self.connection.post("/v1/ledger/verify")

    def pushes(self, limit: int = 50) -> Any:
        """Where checkpoints were pushed, newest first, and the targets there are."""
        return self.connection.get("/v1/ledger/pushes", limit=limit)

    def keys(self) -> Any:
        """Public keys of the server's signatures; fetch and keep them before you need to trust them."""
        return self.connection.get("/v1/keys")["items"]
