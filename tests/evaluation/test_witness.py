"""A run and its results, changed by hand, no longer agree with the log."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sekisho.evaluation.types import RunState
from sekisho.evaluation.witness import Runs
from tests.evaluation.fakes import AUTHOR, World
from tests.ledger.by_hand import problems_after

BY_HAND = {
    "a score": ("UPDATE case_results SET scores = replace(scores, '0', '1')", "results is"),
    "an answer": ("UPDATE case_results SET output = '{}'", "results is"),
    "a removed result": ("DELETE FROM case_results WHERE case_id = 'q-00-en'", "results is"),
    "a mean": ("UPDATE runs SET summary = replace(summary, '5000', '9000')", "results is"),
    "a suite": ("UPDATE runs SET suite = dataset", "suite is"),
    "an end": ("UPDATE runs SET state = 'inconclusive'", "state is 'inconclusive'"),
    "a back-dated end": ("UPDATE runs SET finished_at = 1", "finished_at is 1"),
    "a summary that is none": ("UPDATE runs SET summary = '{'", "run: a row does not read back"),
}


@pytest.mark.parametrize("what", BY_HAND)
async def test_a_run_is_held_to_its_final_digest(world: World, what: str) -> None:
    """Sound as it was measured; and whatever is changed, down to one answer, verification names the run."""
    world.agent()
    world.suite()
    run = await world.evaluation.start_run(AUTHOR, "default", "suite/docs-retrieval@latest", "agent/docs@latest")
    await world.evaluation.execute(await world.claim())
    assert (await world.evaluation.run(AUTHOR, "default", run.id)).state is RunState.FINISHED
    ledger = replace(world.evaluation.ledger, witnesses=(Runs(),))
    async with ledger.database.read() as tx:
        assert (await ledger.verify_in(tx)).problems == ()
    statement, problem = BY_HAND[what]
    found = await problems_after(ledger, statement)
    assert any(problem in one for one in found), found
