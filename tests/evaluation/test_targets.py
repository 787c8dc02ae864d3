"""What a run exercises besides agents and indexes: a prompt by itself, and recorded answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sekisho.evaluation.gathering import Gathering
from sekisho.evaluation.types import Origin, RunState
from sekisho.inference.types import AnswerRequest
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.errors import Conflict, Invalid
from sekisho.kernel.references import Kind
from tests.evaluation.fakes import AUTHOR, World, rows


def model(world: World) -> str:
    return world.catalogue.add(
        Kind.MODEL, "extractive", name="builtin/extractive", digest=world.model.digest, family="extractive",
        licence="Apache-2.0", provider="builtin",
    )  # fmt: skip


def prompt(world: World, *variables: str) -> None:
    template = " ".join("{{ " + name + " }}" for name in variables)
    declared = {name: {"type": "array" if name == "passages" else "string"} for name in variables}
    world.catalogue.add(Kind.PROMPT, "ask", messages=[{"role": "user", "template": template}], variables=declared)


async def done(world: World, subject: str, **more: Any) -> Any:
    run = await world.evaluation.start_run(AUTHOR, "default", "suite/docs-retrieval", subject, **more)
    await world.evaluation.execute(await world.claim())
    return await world.evaluation.run(AUTHOR, "default", run.id)


async def test_a_prompt_answers_with_the_suites_model(world: World) -> None:
    """Its passages come with the case, its own variables too; no index is asked."""
    case = {"id": "a", "question": "Why?", "context": ["Because of the lock."], "variables": {"tone": "dry"}}
    world.catalogue.add_dataset([case])
    said: list[str] = []

    def reply(request: AnswerRequest) -> str:
        said.append(request.messages[0].content)
        return request.passages[0]

    world.model.reply = reply
    prompt(world, "tone", "question", "passages")
    world.suite(target="answers", scorers=[{"name": "grounding"}], slices=[], model=model(world))
    run = await done(world, "prompt/ask")
    assert run.state is RunState.FINISHED
    assert said == ['dry Why? ["Because of the lock."]']
    assert run.summary["metrics"]["hallucinated"]["mean_bp"] == 0
    assert world.index.asked == []


async def test_a_case_without_the_prompts_variable_goes_unscored(world: World) -> None:
    """A missing variable is that case's own failure, told with its name."""
    world.catalogue.add_dataset([{"id": "a", "question": "Why?"}])
    prompt(world, "tone", "question")
    world.suite(target="answers", scorers=[{"name": "grounding"}], slices=[], model=model(world))
    run = await done(world, "prompt/ask")
    assert run.state is RunState.INCONCLUSIVE
    page = await world.evaluation.cases(AUTHOR, "default", run.id)
    assert "variables" in str(page.items[0].output["failure"])


async def test_a_prompt_needs_a_model_and_answers(world: World) -> None:
    """Without the suite's model, or by a suite of retrieval, a prompt is refused with the field."""
    prompt(world, "question")
    world.suite(target="answers", scorers=[{"name": "grounding"}], slices=[])
    with pytest.raises(Invalid, match="names none") as refusal:
        await world.evaluation.start_run(AUTHOR, "default", "suite/docs-retrieval", "prompt/ask")
    assert refusal.value.fields[0].path == "$.model"
    world.suite()
    with pytest.raises(Invalid, match="cannot be evaluated"):
        await world.evaluation.start_run(AUTHOR, "default", "suite/docs-retrieval", "prompt/ask")


def put(world: World, *lines: Any) -> str:
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    digest = digest_of_bytes(content)
    world.catalogue.blobs[digest] = content
    return digest


def recorded(**more: Any) -> list[dict[str, Any]]:
    return [{"id": row["id"], "answer": row["gold"][0], "retrieved": row["gold"], **more} for row in rows()]


async def test_recorded_answers_are_imported_evidence(world: World) -> None:
    """They are scored as if the subject had given them, and the run says whence it comes; nobody is asked."""
    world.suite(target="answers", scorers=[{"name": "grounding"}])
    world.agent()
    run = await done(world, "agent/docs", answers=put(world, *recorded()))
    assert (run.origin, run.state) == (Origin.IMPORTED, RunState.FINISHED)
    assert run.summary["metrics"]["hallucinated"]["mean_bp"] == 0
    assert world.index.asked == []
    (evidence,) = await _evidence(world, run.subject)
    assert evidence["origin"] == "imported"


async def _evidence(world: World, subject: str) -> list[dict[str, Any]]:
    async with world.database.read() as tx:
        return await Gathering(world.evaluation.ledger, world.jobs).evidence(tx, "default", subject)


async def test_recorded_passages_serve_a_retrieval_suite(world: World) -> None:
    """A ranking that was recorded is measured like one that was found."""
    world.suite()
    world.agent()
    run = await done(world, "agent/docs", answers=put(world, *recorded()))
    assert run.summary["metrics"]["mrr"]["mean_bp"] == 10_000


async def test_what_was_not_recorded_goes_unscored(world: World) -> None:
    """A missing answer lowers the coverage; it is no zero."""
    world.suite(target="answers", scorers=[{"name": "grounding"}])
    world.agent()
    run = await done(world, "agent/docs", answers=put(world, *recorded()[:6]))
    assert run.state is RunState.INCONCLUSIVE
    assert run.summary["metrics"]["hallucinated"]["n"] == 6
    assert run.summary["coverage_bp"] == 5_000


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ({"id": "nobody", "answer": "x"}, "line 1.id"),
        ({"id": "q-00-en"}, "line 1"),
        ({"id": "q-00-en", "answer": "x", "strange": 1}, "line 1.strange"),
        ({"id": "q-00-en", "answer": "x", "repeat": -1}, "line 1.repeat"),
        ({"id": "q-00-en", "answer": "\u0000"}, "line 1.answer"),
    ],
)
async def test_bad_recorded_answers_are_refused(world: World, line: dict[str, Any], path: str) -> None:
    """Before anything is queued, by line and field."""
    world.suite(target="answers", scorers=[{"name": "grounding"}])
    world.agent()
    with pytest.raises(Invalid) as refusal:
        await world.evaluation.start_run(
            AUTHOR, "default", "suite/docs-retrieval", "agent/docs", answers=put(world, line)
        )
    assert refusal.value.fields[0].path == path


async def test_a_key_means_one_set_of_answers(world: World) -> None:
    """The same idempotency key with other recorded answers is another run."""
    world.suite(target="answers", scorers=[{"name": "grounding"}])
    world.agent()
    first = put(world, *recorded())
    await world.evaluation.start_run(AUTHOR, "default", "suite/docs-retrieval", "agent/docs", "k", first)
    with pytest.raises(Conflict):
        await world.evaluation.start_run(AUTHOR, "default", "suite/docs-retrieval", "agent/docs", "k")
