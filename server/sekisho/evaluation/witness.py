"""Runs and their results, held to the log: the final digest is taken anew, over every result as it is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from sekisho.evaluation.result_store import ResultStore
from sekisho.evaluation.seal import Seal, result_bytes
from sekisho.evaluation.store import RunStore
from sekisho.evaluation.types import Run
from sekisho.kernel.database import Transaction
from sekisho.ledger.types import Entry
from sekisho.ledger.witness import Facts, Moment, Standing


class Runs:
    """A run that the log does not know as ended has no result."""

    what = "run"
    kinds = frozenset({"run.started", "run.finished", "run.failed", "run.cancelled", "document.erasure_done"})

    def told(self, entry: Entry, standing: Standing) -> None:
        if entry.kind == "document.erasure_done":
            for run in entry.body["erased_runs"]:
                standing[run] = {**standing[run], "state": "cancelled", "results": None}
            return
        run = entry.body["run"]
        if entry.kind == "run.started":
            facts: dict[str, Any] = {"project": entry.project, "subject": entry.subject, "principal": entry.principal}
            facts |= {name: entry.body[name] for name in ("suite", "dataset", "origin")}
            facts |= {"planned": entry.body["cases"], "answers": entry.body.get("answers")}
            standing[run] = {**facts, "created_at": Moment(entry.time), "final_digest": None, "results": None}
        elif entry.kind == "run.finished":
            final = entry.body["final_digest"]
            ended = {"state": entry.body["state"], "final_digest": final, "results": final}
            standing[run] = {**standing[run], **ended, "finished_at": Moment(entry.time)}
        else:
            state = entry.kind.removeprefix("run.")
            standing[run] = {**standing[run], "state": state, "finished_at": Moment(entry.time)}

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        store = RunStore(tx)
        async for run in store.each():
            yield (
                run.id,
                {
                    "project": run.project,
                    "subject": run.subject,
                    "principal": run.principal,
                    "suite": run.suite,
                    "dataset": run.dataset,
                    "origin": run.origin.value,
                    "planned": run.planned,
                    "answers": run.answers,
                    "state": run.state.value,
                    "final_digest": run.final_digest,
                    "results": await _digest(tx, run),
                    "created_at": run.created_at,
                    "finished_at": run.finished_at,
                },
            )


async def _digest(tx: Transaction, run: Run) -> str | None:
    if run.final_digest is None or run.summary is None:
        return None
    seal = Seal(run)
    async for row in ResultStore(tx).stream(run.id):
        seal.add(result_bytes(row.case_id, row.repeat, row.scores, row.output))
    return seal.close(run.state, run.summary)
