"""Judge qualifications, as a program asks for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sekisho.client.connection import Connection
from sekisho.client.registry import Registry

ENDED: Final = frozenset({"done", "failed", "cancelled"})


@dataclass(frozen=True)
class Judging:
    """Qualifications in one project. Every method raises `SekishoError`."""

    connection: Connection
    project: str

    def qualify(self, judge: str, labels: bytes, *, scorer: str | None = None, votes: int = 1) -> dict[str, Any]:
        """Send the labels (JSON Lines) and queue a qualification; gives what `qualification` gives."""
        (digest,) = Registry(self.connection, self.project).put_blobs([labels])
        body = {"judge": judge, "labels": digest, "votes": votes} | ({} if scorer is None else {"scorer": scorer})
        return dict(self.connection.post(self._path(), body))

    def qualification(self, qualification_id: str) -> dict[str, Any]:
        """What was found, or how far it is; `state` is queued, running, done, failed or cancelled."""
        return dict(self.connection.get(self._path(qualification_id)))

    def qualifications(self, *, instrument: str | None = None) -> list[dict[str, Any]]:
        """Everything found so far, newest first; of one instrument where its digest is given."""
        return self.connection.pages(self._path(), instrument=instrument, limit=200)

    def cancel(self, qualification_id: str) -> dict[str, Any]:
        return dict(self.connection.post(self._path(qualification_id, "cancel")))

    def wait(
        self, qualification_id: str, seen: Callable[[dict[str, Any]], None] = lambda _: None, *, poll_s: float = 0.3
    ) -> dict[str, Any]:
        """The qualification once it has ended; `seen` is told of its state at every look."""
        while True:
            found = self.qualification(qualification_id)
            seen(found)
            if found["state"] in ENDED:
                return found
            time.sleep(poll_s)

    def _path(self, *parts: str) -> str:
        return "/".join((f"/v1/projects/{self.project}/qualifications", *parts))
