"""Control cases: they test the scorers and not the subject."""

from __future__ import annotations

from typing import Any

import pytest

from sekisho.evaluation.types import RunState
from sekisho.kernel.errors import Invalid
from tests.evaluation.fakes import AUTHOR, World, rows


def control(name: str, answer: str, context: str = "The lock names digests.") -> dict[str, Any]:
    return {"id": name, "question": "What is a lock?", "control": {"answer": answer, "context": [context]}}


INVENTED = control("c-1", "Zebras patented 4711 submarines near Osaka in 1887.")
COPIED = control("c-2", "The lock names digests.")


async def run_of(world: World, *controls: dict[str, Any], allowed: int | None = None, **suite: Any) -> Any:
    world.catalogue.add_dataset([*rows(), *controls])
    world.model.reply = lambda request: request.passages[0]
    fields = {"scorers": [{"name": "grounding"}], "target": "answers", **suite}
    if allowed is not None:
        fields["controls"] = {"max_missed": allowed}
    world.suite(**fields)
    world.agent()
    run = await world.evaluation.start_run(AUTHOR, "default", "suite/docs-retrieval", "agent/docs")
    await world.evaluation.execute(await world.claim())
    return await world.evaluation.run(AUTHOR, "default", run.id)


async def test_a_caught_control_leaves_the_run_as_it_is(world: World) -> None:
    """The control is counted beside the cases and enters no mean."""
    run = await run_of(world, INVENTED)
    assert run.state is RunState.FINISHED
    assert run.summary["cases"] == 12
    assert run.summary["controls"] == {"planned": 1, "missed": 0, "allowed": 0, "missed_cases": []}


async def test_a_missed_control_makes_the_run_inconclusive(world: World) -> None:
    """A scorer that lets pass what is known to be wrong proves nothing about the rest; the reason names the case."""
    run = await run_of(world, INVENTED, COPIED)
    assert run.state is RunState.INCONCLUSIVE
    assert "missed 1 of 2 control cases" in (run.reason or "")
    assert "c-2" in (run.reason or "")


async def test_a_suite_may_allow_some_misses(world: World) -> None:
    """Up to the suite's number the run stands, and says how many were missed."""
    run = await run_of(world, INVENTED, COPIED, allowed=1)
    assert run.state is RunState.FINISHED
    assert run.summary["controls"]["missed"] == 1


async def test_an_unscored_control_is_missed(world: World) -> None:
    """A scorer that gives no score on a control did not notice it."""
    run = await run_of(world, control("c-3", " . "))
    assert run.summary["controls"]["missed"] == 1


async def test_the_subject_never_sees_a_control(world: World) -> None:
    """Neither index nor model is asked about it, and retrieval suites leave controls out."""
    await run_of(world, INVENTED)
    assert "What is a lock?" not in world.index.asked
    run = await run_of(world, INVENTED, target="retrieval", scorers=[{"name": "mrr"}])
    assert run.planned == 12
    assert "controls" not in run.summary


@pytest.mark.parametrize(
    "bad", [{"answer": "x"}, {"answer": "x", "context": []}, {"answer": "x", "context": ["y"], "kind": "odd"}]
)
async def test_a_control_that_is_none_is_refused(world: World, bad: dict[str, Any]) -> None:
    """Answer and context are both there, and the kind is one that we know."""
    world.catalogue.add_dataset([{"id": "c", "question": "?", "control": bad}])
    world.suite(target="answers", scorers=[{"name": "grounding"}], slices=[])
    world.agent()
    with pytest.raises(Invalid):
        await world.evaluation.start_run(AUTHOR, "default", "suite/docs-retrieval", "agent/docs")
