"""Builds, verifications and searches of indexes, as a program asks for them. Each is a job of the worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from sekisho.client.connection import Connection

ENDED: Final = frozenset({"done", "failed", "cancelled"})
Kind = Literal["builds", "verifications", "searches", "index-comparisons", "drafts", "profiles", "erasures", "overlaps"]


@dataclass(frozen=True)
class Indexing:
    """Indexing in one project. Every method raises `SekishoError`."""

    connection: Connection
    project: str

    def start_build(
        self,
        name: str,
        corpus: str,
        retriever: Mapping[str, Any],
        *,
        chunker: Mapping[str, Any] | None = None,
        embedder: str = "minilm",
        registration: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Queue a build; gives the job, whose result names the index once it is done."""
        body = {"name": name, "corpus": corpus, "retriever": dict(retriever), "embedder": embedder}
        body |= {"chunker": dict(chunker or {}), "registration": dict(registration or {})}
        return self._start("builds", body)

    def start_verification(self, index: str, *, deep: Mapping[str, int] | None = None) -> dict[str, Any]:
        """Queue a comparison of the stored chunks and vectors with the index's manifest and build record.

        `deep`, such as ``{"sample": 50, "seed": 0}``, also embeds a sample again.
        """
        return self._start("verifications", {"index": index, **({} if deep is None else {"deep": dict(deep)})})

    def start_search(
        self,
        index: str,
        query: str,
        k: int | None = None,
        only: Mapping[str, Any] | None = None,
        *,
        why: bool = False,
    ) -> dict[str, Any]:
        """Queue a search; the hits are in the job's result, with `why` each with what brought it there.

        `only`: the `path_prefix`, `languages`, `licences`, `since` and `until` of documents.
        """
        options = ({} if k is None else {"k": k}) | ({"filter": dict(only)} if only else {})
        return self._start("searches", {"index": index, "query": query, "why": why, **options})

    def start_comparison(
        self, before: str, after: str, *, queries: str | None = None, queries_blob: str | None = None, k: int = 10
    ) -> dict[str, Any]:
        """Queue a comparison of two index versions; the report is in the job's result.

        `queries` names a dataset, `queries_blob` is the digest of rows that were put before (`Registry.put_blobs`).
        """
        asked = {"queries": queries, "queries_blob": queries_blob}
        given = {name: value for name, value in asked.items() if value is not None}
        return self._start("index-comparisons", {"before": before, "after": after, "k": k, **given})

    def start_profile(self, corpus: str) -> dict[str, Any]:
        """Queue a profile of a corpus version; it is the job's result."""
        return self._start("profiles", {"corpus": corpus})

    def erase(self, corpus: str, document: str, reason: str, *, with_datasets: bool = False) -> dict[str, Any]:
        """Erase a document at once from the registry; `job_id` is the worker's part. The salt is told once."""
        return self._start(
            "erasures", {"corpus": corpus, "document": document, "reason": reason, "with_datasets": with_datasets}
        )

    def job(self, kind: Kind, job_id: str) -> dict[str, Any]:
        return dict(self.connection.get(self._path(kind, job_id)))

    def cancel_build(self, job_id: str) -> dict[str, Any]:
        return dict(self.connection.post(self._path("builds", job_id, "cancel")))

    def builds(self) -> list[dict[str, Any]]:
        """Every build record, newest first."""
        return self.connection.pages(self._path("builds"), limit=200)

    def wait(
        self,
        kind: Kind,
        job_id: str,
        seen: Callable[[dict[str, Any]], None] = lambda _: None,
        *,
        poll_s: float = 0.2,
    ) -> dict[str, Any]:
        """The job once it has ended; `seen` is told of its state at every look."""
        while True:
            job = self.job(kind, job_id)
            seen(job)
            if job["state"] in ENDED:
                return job
            time.sleep(poll_s)

    def _start(self, kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self.connection.post(self._path(kind), dict(body)))

    def _path(self, kind: Kind, *parts: str) -> str:
        return "/".join((f"/v1/projects/{self.project}/{kind}", *parts))
