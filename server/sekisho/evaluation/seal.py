"""The final digest of a run, made as its results pass by, so that none of them need be held. Pure.

It is the digest of one canonical JSON object (RFC 8785 sorts its keys) over what was measured: versions, summary,
every case result in order. Times are not part of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sekisho.evaluation.types import CaseResult, Run, RunState
from sekisho.kernel.digests import PREFIX, canonical_json

SCHEMA: Final = "sekisho.run/v1"


class Seal:
    """Feed every result in the order of (case, repeat), then `close` it with state and summary, once."""

    def __init__(self, run: Run) -> None:
        self._run = run
        head: dict[str, str] = {"dataset": run.dataset}
        if run.answers is not None:
            head |= {"answers": run.answers, "origin": run.origin.value}
        # Whatever stands here sorts before "results", and all else after it.
        self._hash = hashlib.sha256(canonical_json(head)[:-1] + b',"results":[')
        self._first = True

    def add(self, result: bytes) -> None:
        """One result's canonical JSON."""
        self._hash.update(result if self._first else b"," + result)
        self._first = False

    def close(self, state: RunState, summary: Mapping[str, Any]) -> str:
        """The digest."""
        rest = {
            "schema": SCHEMA,
            "state": state.value,
            "subject": self._run.subject,
            "suite": self._run.suite,
            "summary": dict(summary),
        }
        # An object's canonical JSON begins with its brace; what follows continues ours, since its keys sort last.
        self._hash.update(b"]," + canonical_json(rest)[1:])
        return PREFIX + self._hash.hexdigest()


def final_digest(run: Run, state: RunState, summary: Mapping[str, Any], results: Iterable[CaseResult]) -> str:
    """The same, of results at hand."""
    seal = Seal(run)
    for result in results:
        seal.add(canonical_json(result.canonical()))
    return seal.close(state, summary)


def result_bytes(case_id: str, repeat: int, scores: str, output: str) -> bytes:
    """Canonical JSON of one result from its parts as stored, `scores` and `output` being canonical JSON already."""
    named = canonical_json(case_id).decode()
    return f'{{"case":{named},"output":{output},"repeat":{repeat},"scores":{scores}}}'.encode()
