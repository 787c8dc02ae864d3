"""Drafts of datasets, as a program asks for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sekisho.client.connection import Connection
from sekisho.client.indexing import Indexing


@dataclass(frozen=True)
class Drafts:
    """Drafts in one project. Every method raises `SekishoError`."""

    connection: Connection
    project: str

    def start(self, corpus: str, *, size: int = 50, seed: int = 0, model: str | None = None) -> dict[str, Any]:
        """Queue the drafting of questions from a corpus; the job's result names the blob of rows."""
        body = {"corpus": corpus, "size": size, "seed": seed} | ({} if model is None else {"model": model})
        return dict(self.connection.post(self._path(), body))

    def wait(self, job_id: str, seen: Callable[[dict[str, Any]], None] = lambda _: None) -> dict[str, Any]:
        """The job once it has ended; `seen` is told of its state at every look."""
        return Indexing(self.connection, self.project).wait("drafts", job_id, seen)

    def accept(
        self, name: str, content: str, *, licence: str, only: Sequence[str] = (), message: str = ""
    ) -> dict[str, Any]:
        """Register drafted rows, put before as a blob, as a dataset in the token's owner's name: a person's."""
        body = {"name": name, "content": content, "licence": licence, "only": list(only), "message": message}
        return dict(self.connection.post(self._path("accept"), body))

    def _path(self, *parts: str) -> str:
        return "/".join((f"/v1/projects/{self.project}/drafts", *parts))
