"""What a command says while a worker does its work."""

from __future__ import annotations

import pytest

from sekisho.cli.following import UNCLAIMED_S, Unclaimed


def test_a_job_that_nobody_takes_is_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by itself, when it has waited; never one that a worker has taken."""
    now, told = [0.0], list[str]()
    monkeypatch.setattr("sekisho.cli.following.time.monotonic", lambda: now[0])
    unclaimed = Unclaimed(told.append)
    for second in range(3 * UNCLAIMED_S):
        now[0] = float(second)
        unclaimed.look({"id": "one", "state": "queued"})
        unclaimed.look({"id": "taken", "state": "running"})
        if second >= UNCLAIMED_S:
            unclaimed.look({"id": "later", "state": "queued"})
        expected = (second >= UNCLAIMED_S) + (second >= 2 * UNCLAIMED_S)
        assert len(told) == expected, second
    assert "sekisho worker" in told[0]
