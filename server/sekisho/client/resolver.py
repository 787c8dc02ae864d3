"""`resolve` for applications at run time: remembered by ETag, and for a bounded time without a server."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sekisho.client.connection import Connection
from sekisho.kernel.errors import IntegrityFailed, Invalid, Revoked, Unavailable
from sekisho.kernel.references import DEFAULT_PROJECT, parse_reference


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a reference means now. `stale` is True where the server was away and the last answer is given again."""

    body: dict[str, Any]
    stale: bool = False

    @property
    def digest(self) -> str:
        return str(self.body["digest"])

    @property
    def override(self) -> dict[str, Any] | None:
        """``until`` (epoch milliseconds) and ``reason`` where policy denied this and somebody broke the glass."""
        found: dict[str, Any] | None = self.body.get("override")
        return found

    @property
    def integrity(self) -> str | None:
        """``verified``, ``drifted`` or ``unverified`` for an index or an agent's; None for all else."""
        found: str | None = self.body.get("integrity")
        return found


@dataclass
class Resolver:
    """Resolves references. `max_stale_s` bounds how long an answer outlives its server; 0 means not at all."""

    connection: Connection
    project: str = DEFAULT_PROJECT
    max_stale_s: float = 300.0
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    _remembered: dict[str, tuple[str, dict[str, Any], float]] = field(default_factory=dict)

    def resolve(self, reference: str) -> Resolution:
        """Ask the server, with the ETag of the last answer.

        Raises `NotFound` where nothing is promoted there, `Revoked` where what is served was taken out of use,
        `Unavailable` where the server is away and no answer young enough is remembered.
        """
        parsed = parse_reference(reference, project=self.project)
        if parsed.selector is None:
            raise Invalid(f"{reference} has no selector", remedy=f"write {reference}@production or {reference}@latest")
        path = f"/v1/projects/{parsed.project}/resolve/{parsed.kind}/{parsed.name}"
        key = str(parsed)
        known = self._remembered.get(key)
        headers = {"If-None-Match": known[0]} if known else {}
        try:
            response = self.connection.send("GET", path, params={"selector": str(parsed.selector)}, headers=headers)
        except Unavailable:
            if known and self.monotonic() - known[2] <= self.max_stale_s and not self._over(known[1]):
                return Resolution(known[1], stale=True)
            raise
        except (Revoked, IntegrityFailed):
            self._remembered.pop(key, None)  # nor is it given again once the server is away
            raise
        body = known[1] if known and response.status_code == 304 else response.json()
        self._remembered[key] = (response.headers.get("etag", ""), body, self.monotonic())
        return Resolution(body)

    def _over(self, body: dict[str, Any]) -> bool:
        """Whether what the answer rests on has ended: no answer outlives its override."""
        override = body.get("override")
        return override is not None and self.wall() * 1000 >= override["until"]
