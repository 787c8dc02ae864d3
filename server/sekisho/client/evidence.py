"""Attested documents and licence scans, as a program asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sekisho.client.connection import Connection


@dataclass(frozen=True)
class Evidence:
    """What one project holds besides runs; every method raises `SekishoError` for errors."""

    connection: Connection
    project: str

    def attest(self, subject: str, kind: str, document: str, days: int) -> dict[str, Any]:
        """Attest a document of a type about `subject`, as the person whose token this is, for some days."""
        body = {"subject": subject, "type": kind, "document": document, "days": days}
        return dict(self.connection.post(self._path("attested"), body))

    def documents(self, subject: str) -> list[dict[str, Any]]:
        """Every document about `subject`, newest first; ``state`` says whether it stands."""
        return list(self.connection.get(self._path("attested"), subject=subject)["items"])

    def withdraw(self, document_id: str) -> dict[str, Any]:
        """Take a document back."""
        return dict(self.connection.post(self._path("attested", document_id, "withdraw")))

    def scan_licences(self, subject: str) -> list[dict[str, Any]]:
        """Scan every licensed part of `subject`; the newest scan of each."""
        return list(self.connection.post(self._path("licence-scans"), {"subject": subject})["items"])

    def licence_scans(self, subject: str) -> list[dict[str, Any]]:
        """The newest scan of each part of `subject` that was scanned."""
        return list(self.connection.get(self._path("licence-scans"), subject=subject)["items"])

    def _path(self, *parts: str) -> str:
        return "/".join((f"/v1/projects/{self.project}", *parts))
