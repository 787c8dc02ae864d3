"""Published policies, activations and shadows, as a program asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sekisho.client.connection import Connection
from sekisho.kernel.errors import Unavailable

Judged = Callable[[int, int], None]
"""Hears how many decisions were judged, of how many."""


@dataclass(frozen=True)
class Policies:
    """The policies of a server. Every method raises `SekishoError` for whatever goes wrong."""

    connection: Connection

    def publish(self, policy: str, content: Mapping[str, Any], message: str = "") -> dict[str, Any]:
        """Publish under a name, or as exactly ``name@v3``; ``new`` says whether it was not known before."""
        body = {"policy": policy, "content": dict(content), "message": message}
        return dict(self.connection.post("/v1/policies", body))

    def all(self, name: str | None = None) -> list[dict[str, Any]]:
        return list(self.connection.get("/v1/policies", name=name)["items"])

    def one(self, policy: str) -> dict[str, Any]:
        """A version with its ``content``."""
        return dict(self.connection.get(f"/v1/policies/{policy}"))

    def difference(self, before: str, after: str) -> dict[str, Any]:
        return dict(self.connection.get(f"/v1/policies/{after}/difference", **{"from": before}))

    def flips(self, policy: str, judged: Judged = lambda _done, _total: None) -> dict[str, Any]:
        """What the last decisions would be under it; nothing is kept. `judged` hears how far it is."""
        return _followed(self.connection.events(f"/v1/policies/{policy}/flips"), judged)

    def propose(
        self, policy: str, *, reason: str, accept: str | None = None, judged: Judged = lambda _done, _total: None
    ) -> dict[str, Any]:
        """Propose it; ``report_digest`` is what the second owner must name. `judged` hears how far it is."""
        body = {"policy": policy, "reason": reason, **({} if accept is None else {"accept": accept})}
        return _followed(self.connection.events("/v1/policy/activations", body), judged)

    def activations(self) -> dict[str, Any]:
        """``items``, newest first, and the digest ``in_force``."""
        return dict(self.connection.get("/v1/policy/activations"))

    def activation(self, activation_id: str) -> dict[str, Any]:
        """A proposal or activation with its ``report``."""
        return dict(self.connection.get(f"/v1/policy/activations/{activation_id}"))

    def approve(self, activation_id: str, report: str) -> dict[str, Any]:
        """Put it in force, as the second owner, who saw that report."""
        return dict(self.connection.post(f"/v1/policy/activations/{activation_id}/approve", {"report": report}))

    def withdraw(self, activation_id: str) -> dict[str, Any]:
        return dict(self.connection.post(f"/v1/policy/activations/{activation_id}/withdraw"))

    def start_shadow(self, policy: str) -> dict[str, Any]:
        return dict(self.connection.post("/v1/policy/shadow", {"policy": policy}))

    def stop_shadow(self) -> dict[str, Any]:
        return dict(self.connection.post("/v1/policy/shadow/stop"))

    def shadow_report(self, shadow: str | None = None) -> dict[str, Any]:
        return dict(self.connection.get("/v1/policy/shadow", shadow=shadow))


def _followed(events: Iterable[tuple[str, Any]], judged: Judged) -> dict[str, Any]:
    """What the server comes to. Raises `Unavailable` where it ends without a word."""
    for name, said in events:
        if name == "done":
            return dict(said)
        judged(said["judged"], said["of"])
    raise Unavailable("the server ended before it was done; nothing was changed", remedy="ask again")
