"""Runs, reports and comparisons, as a program asks for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sekisho.client.connection import Connection
from sekisho.kernel.errors import NotFound, Unavailable

ENDED: Final = frozenset({"finished", "inconclusive", "failed", "cancelled"})


@dataclass(frozen=True)
class Evaluation:
    """Evaluation in one project. Every method raises `SekishoError`."""

    connection: Connection
    project: str

    def start(
        self, suite: str, subject: str, *, idempotency_key: str | None = None, answers: str | None = None
    ) -> dict[str, Any]:
        """Queue a run of `subject` (an agent, an index or a prompt) by `suite`; gives the run.

        `answers` is the digest of recorded answers that were put before (`Registry.put_blobs`): the run scores these.
        """
        body = {"suite": suite, "subject": subject} | ({} if answers is None else {"answers": answers})
        return self._mapping(self.connection.post(self._path(), body, idempotency_key=idempotency_key))

    def run(self, run_id: str) -> dict[str, Any]:
        return self._mapping(self.connection.get(self._path(run_id)))

    def runs(
        self, *, subject: str | None = None, suite: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> dict[str, Any]:
        """One page, newest first."""
        return self._mapping(
            self.connection.get(self._path(), subject=subject, suite=suite, limit=limit, cursor=cursor)
        )

    def cases(self, run_id: str) -> list[dict[str, Any]]:
        """Every case of a run."""
        return self.connection.pages(self._path(run_id, "cases"), limit=200)

    def report(self, run_id: str) -> dict[str, Any]:
        return self._mapping(self.connection.get(self._path(run_id, "report")))

    def rendered_report(self, run_id: str, form: str = "json", **asked: Any) -> bytes:
        """The report as `stream_report` gives it, whole."""
        return b"".join(self.stream_report(run_id, form, **asked))

    def stream_report(
        self,
        run_id: str,
        form: str = "json",
        *,
        lang: str = "en",
        cases: int | None = None,
        docs: str | None = None,
        baseline: str | None = None,
    ) -> Iterator[bytes]:
        """The report as json, junit, markdown or html, as it arrives; with a baseline, what changed since that run.

        Without a number of `cases` junit has all of them, the others the fifty worst.
        """
        asked = {"format": form, "lang": lang, "cases": cases, "docs": docs, "baseline": baseline}
        return self.connection.download(self._path(run_id, "report"), **asked)

    def compare(self, baseline: str, candidate: str, stage: str | None = None) -> dict[str, Any]:
        """Two runs of one suite, paired by case; differences are candidate minus baseline.

        With a stage, what it says of the margins that policy sets there.
        """
        asked = {"baseline": baseline, "candidate": candidate, **({} if stage is None else {"stage": stage})}
        return self._mapping(self.connection.get(self._path("compare"), **asked))

    def replay(
        self, run_id: str, seen: Callable[[dict[str, Any]], None] = lambda _: None, *, poll_s: float = 0.3
    ) -> dict[str, Any]:
        """What a replay of the run found, once it is over; `seen` is told of its state at every look."""
        job = self._mapping(self.connection.post(self._path(run_id, "replays")))
        while job["state"] in {"queued", "running"}:
            time.sleep(poll_s)
            job = self._mapping(self.connection.get(self._path(run_id, "replays", job["id"])))
            seen(job)
        return job

    def cancel(self, run_id: str) -> dict[str, Any]:
        return self._mapping(self.connection.post(self._path(run_id, "cancel")))

    def report_schema(self) -> dict[str, Any]:
        return self._mapping(self.connection.get("/v1/reports/schema"))

    def suite_schema(self) -> dict[str, Any]:
        return self._mapping(self.connection.get("/v1/suites/schema"))

    def scorers(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.connection.get("/v1/scorers")["items"]
        return items

    def events(self, run_id: str) -> Iterator[dict[str, Any]]:
        """A run's progress as it changes, until it has ended: state, done, planned, per_second, seconds_left."""
        for _, progress in self.connection.events(self._path(run_id, "events")):
            yield progress

    def wait(
        self, run_id: str, seen: Callable[[dict[str, Any]], None] = lambda _: None, *, poll_s: float = 0.3
    ) -> dict[str, Any]:
        """The run once it has ended; `seen` is told of its progress as it changes.

        By the server's events, and by asking again and again where those do not come through (a proxy may keep them).
        """
        try:
            for progress in self.events(run_id):
                seen(progress)
        except (Unavailable, NotFound):
            time.sleep(poll_s)
        while True:
            run = self.run(run_id)
            seen(run)
            if run["state"] in ENDED:
                return run
            time.sleep(poll_s)

    def _path(self, *parts: str) -> str:
        return "/".join((f"/v1/projects/{self.project}/runs", *parts))

    @staticmethod
    def _mapping(value: Any) -> dict[str, Any]:
        found: dict[str, Any] = value
        return found
