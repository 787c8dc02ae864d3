"""Holm's steps over the margins of every suite at a stage, though one suite is compared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.evaluation.fakes import AUTHOR, VIEWER, World
from tests.evaluation.test_margins import Limits

MARGINS = {"recall@5": 2_000, "mrr": 2_000}
OTHER = {"hit@5": 2_000}


async def measured(world: World, suite: str) -> str:
    """A run of the agent as it is now, done."""
    run = await world.evaluation.start_run(AUTHOR, "default", f"suite/{suite}@latest", "agent/docs@latest")
    await world.evaluation.execute(await world.claim())
    return run.id


async def compared(world: World, before: str, after: str, limits: Limits) -> dict[str, Any]:
    evaluation = replace(world.evaluation, margins=limits)
    return await evaluation.compare(VIEWER, "default", before, after, "production")


async def two_versions(world: World, *suites: str) -> tuple[str, str]:
    """The first suite's runs of an agent and of its next version; by the other suites both are measured too."""
    runs = []
    for passages in (3, 2):
        world.agent(passages=passages)
        world.clock.advance(1000)
        first, *_ = [await measured(world, suite) for suite in suites]
        runs.append(first)
    return runs[0], runs[1]


def both(world: World) -> Limits:
    """Margins by two suites."""
    own = world.suite("own")
    other = world.suite("other", scorers=[{"name": "hit", "params": {"k": 5}}])
    return Limits(dict(MARGINS), own, {other: dict(OTHER)})


async def test_a_suite_that_was_not_measured_counts_as_undecided(world: World) -> None:
    """Three margins at the stage, two of them compared: Holm counts three, and says that one is not known."""
    limits = both(world)
    before, after = await two_versions(world, "own")
    found = await compared(world, before, after, limits)
    assert (found["stage"]["family"], found["stage"]["unmeasured"]) == (3, 1)
    assert {found["metrics"][name]["holm"]["claims"] for name in MARGINS} == {3}
    alone = await compared(world, before, after, replace(limits, others={}))
    assert (alone["stage"]["family"], alone["stage"]["unmeasured"]) == (2, 0)
    for name in MARGINS:
        wide, narrow = (one["metrics"][name]["holm"] for one in (found, alone))
        assert wide["not_worse_p_bp"] >= narrow["not_worse_p_bp"]
        assert wide["low_bp"] <= narrow["low_bp"]


async def test_what_another_suite_measured_takes_part_in_the_steps(world: World) -> None:
    """Where both versions were measured by it, nothing of the family stays unknown."""
    limits = both(world)
    before, after = await two_versions(world, "own", "other")
    found = await compared(world, before, after, limits)
    assert (found["stage"]["family"], found["stage"]["unmeasured"]) == (3, 0)
    assert [claim["metric"] for claim in found["stage"]["claims"]] == sorted(MARGINS)


async def test_a_version_beside_itself_says_nothing_by_other_suites(world: World) -> None:
    """Two runs of one version: by another suite there are no two versions to tell apart."""
    limits = both(world)
    world.agent()
    await measured(world, "other")
    before, after = await measured(world, "own"), await measured(world, "own")
    found = await compared(world, before, after, limits)
    assert (found["stage"]["family"], found["stage"]["unmeasured"]) == (3, 1)


async def test_a_suite_without_a_margin_claims_nothing(world: World) -> None:
    """Others may: this comparison has no part in that decision, and is judged by what got worse."""
    limits = both(world)
    before, after = await two_versions(world, "own", "other")
    found = await compared(world, before, after, replace(limits, found={}))
    assert found["stage"] == {"name": "production", "outcome": "none", "claims": [], "family": 0, "unmeasured": 0}
    assert found["metrics"]["mrr"]["holm"]["claims"] == 2


async def test_a_run_that_was_cancelled_is_passed_over(world: World) -> None:
    """The last one that ended well stands for the version."""
    limits = both(world)
    before, after = await two_versions(world, "own", "other")
    run = await world.evaluation.start_run(AUTHOR, "default", "suite/other@latest", "agent/docs@latest")
    await world.evaluation.cancel(AUTHOR, "default", run.id)
    found = await compared(world, before, after, limits)
    assert found["stage"]["unmeasured"] == 0
