"""Promotions, approvals, waivers, cards and decisions, as a program asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sekisho.client.connection import Connection


@dataclass(frozen=True)
class Gate:
    """The gate of one project. A denial is an answer, not an error; every method raises `SekishoError` for errors."""

    connection: Connection
    project: str

    def promote(
        self, subject: str, stage: str, *, dry_run: bool = False, idempotency_key: str | None = None,
        with_dependencies: bool = False, break_glass: tuple[str, int] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Ask for `subject` (a reference with a selector) to be moved to `stage`; ``applied`` says whether it was.

        `with_dependencies` moves everything that it is made from too, under the same decision, or nothing.
        `break_glass` is a reason and a number of hours: a denial is set aside for that long.
        """
        more: dict[str, Any] = {"with_dependencies": True} if with_dependencies else {}
        if break_glass is not None:
            more["break_glass"] = {"reason": break_glass[0], "hours": break_glass[1]}
        return self._ask("promotions", subject, stage, dry_run, idempotency_key, **more)

    def roll_back(
        self, subject: str, stage: str, *, dry_run: bool = False, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Ask for `stage` to return to `subject`, which was formerly allowed there."""
        return self._ask("rollbacks", subject, stage, dry_run, idempotency_key)

    def decision_log_findings(self, since: int = 0) -> dict[str, Any]:
        """Where OPA's own log and its answers are not the same, of every project; `since` is epoch milliseconds."""
        return dict(self.connection.get("/v1/policy/decision-logs", since=since))

    def evidence(self, subject: str, stage: str) -> dict[str, Any]:
        """What an approval must name now: ``hash``."""
        return dict(self.connection.get(self._path("evidence"), subject=subject, stage=stage))

    def approve(self, subject: str, stage: str, evidence_hash: str) -> dict[str, Any]:
        """Say yes, as the person whose token this is."""
        body = {"subject": subject, "stage": stage, "evidence_hash": evidence_hash}
        return dict(self.connection.post(self._path("approvals"), body))

    def waive(self, subject: str, stage: str, rule: str, *, reason: str, days: int) -> dict[str, Any]:
        """Except this version at this stage from one rule, as the person whose token this is, for some days."""
        body = {"subject": subject, "stage": stage, "rule": rule, "reason": reason, "days": days}
        return dict(self.connection.post(self._path("waivers"), body))

    def waivers(self, subject: str | None = None, stage: str | None = None) -> list[dict[str, Any]]:
        """Every waiver, newest first; ``state`` says whether it stands."""
        return self.connection.pages(self._path("waivers"), subject=subject, stage=stage)

    def withdraw_waiver(self, waiver_id: str) -> dict[str, Any]:
        """End a waiver before its time."""
        return dict(self.connection.post(self._path("waivers", waiver_id, "withdraw")))

    def add_card(self, system: str, card: Mapping[str, Any]) -> dict[str, Any]:
        """Attest a card about a system's version."""
        return dict(self.connection.post(self._path("cards"), {"subject": system, "card": dict(card)}))

    def decision(self, decision_id: str) -> dict[str, Any]:
        return dict(self.connection.get(self._path("decisions", decision_id)))

    def decisions(self, *, stage: str | None = None) -> Iterator[dict[str, Any]]:
        """Every decision, newest first, fetched a page at a time."""
        cursor: str | None = None
        while True:
            page = self.connection.get(self._path("decisions"), stage=stage, cursor=cursor, limit=200)
            yield from page["items"]
            if (cursor := page["next_cursor"]) is None:
                return

    def gate_input(self, decision_id: str) -> dict[str, Any]:
        """What a decision was made on."""
        return dict(self.connection.get(self._path("decisions", decision_id, "input")))

    def attestation(self, decision_id: str) -> dict[str, Any]:
        """The signed proof of a decision; keep it, and verify it offline."""
        return dict(self.connection.get(self._path("decisions", decision_id, "attestation")))

    def _ask(self, door: str, subject: str, stage: str, dry_run: bool, key: str | None, **more: Any) -> dict[str, Any]:
        body = {"subject": subject, "stage": stage, "dry_run": dry_run, **more}
        return dict(self.connection.post(self._path(door), body, idempotency_key=key))

    def _path(self, *parts: str) -> str:
        return "/".join((f"/v1/projects/{self.project}", *parts))
