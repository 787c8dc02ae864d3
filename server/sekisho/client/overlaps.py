"""Overlap checks, as a program asks for them: whether an evaluation's questions stand in the prompt or the corpus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sekisho.client.connection import Connection
from sekisho.client.indexing import Indexing


@dataclass(frozen=True)
class Overlaps:
    """Overlap checks in one project. Every method raises `SekishoError`."""

    connection: Connection
    project: str

    def check(self, subject: str, dataset: str) -> dict[str, Any]:
        """Queue a check, wait for it, and give its job; the result lists what was found. Both by reference or digest.

        What was found before of the same digests is given again without looking.
        """
        started = self.connection.post(self._path, {"subject": subject, "dataset": dataset})
        return Indexing(self.connection, self.project).wait("overlaps", started["id"])

    def all(self, subject: str) -> list[dict[str, Any]]:
        """Every check of what a version is made from, oldest first."""
        found: list[dict[str, Any]] = self.connection.get(self._path, subject=subject)["items"]
        return found

    @property
    def _path(self) -> str:
        return f"/v1/projects/{self.project}/overlaps"
