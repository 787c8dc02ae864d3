"""Runs that are refused before anything is queued, each by the field that is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from sekisho.kernel.errors import Archived, Forbidden, Invalid, NotFound
from tests.evaluation.fakes import AGENT, AUTHOR, STRANGER, SUITE, VIEWER, World


async def test_a_viewer_may_not_evaluate(ready: World) -> None:
    """Evaluating takes a role that permits it; another project's name tells nothing."""
    with pytest.raises(Forbidden):
        await ready.evaluation.start_run(VIEWER, "default", SUITE, AGENT)
    with pytest.raises(NotFound):
        await ready.evaluation.start_run(STRANGER, "default", SUITE, AGENT)


@pytest.mark.parametrize("name", ["bleu", "recall@5", ""])
async def test_an_unknown_scorer_is_refused(ready: World, name: str) -> None:
    """The refusal names the scorer's place, before anything is queued."""
    manifest = dict(ready.catalogue.versions[ready.catalogue.names["suite/docs-retrieval"]].manifest)
    digest = ready.suite("odd")
    version = ready.catalogue.versions[digest]
    ready.catalogue.replace(digest, replace(version, manifest={**manifest, "scorers": [{"name": name or "nothing"}]}))
    with pytest.raises(Invalid) as refusal:
        await ready.evaluation.start_run(AUTHOR, "default", "suite/odd@latest", AGENT)
    assert refusal.value.fields[0].path.startswith("$.scorers[0]")
    assert await ready.jobs.claim(["run"], "worker-1") is None


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"scorers": [{"name": "recall"}]}, "$.scorers[0].params.k"),
        ({"scorers": [{"name": "recall", "params": {"k": 0}}]}, "$.scorers[0].params.k"),
        ({"scorers": [{"name": "map", "params": {"k": 5}}]}, "$.scorers[0].params.k"),
        ({"scorers": [{"name": "recall", "params": {"k": [5, 5]}}]}, "$.scorers"),
        ({"scorers": [{"name": "grounding"}]}, "$.scorers[0].name"),
        ({"slices": ["dialect"]}, "$.slices"),
        ({"counterfactuals": ["dialect"]}, "$.counterfactuals"),
    ],
)
async def test_a_suite_that_cannot_be_measured_is_refused(ready: World, fields: dict[str, Any], path: str) -> None:
    """Each offending field is named."""
    ready.suite("odd", **fields)
    with pytest.raises(Invalid) as refusal:
        await ready.evaluation.start_run(AUTHOR, "default", "suite/odd@latest", AGENT)
    assert path in {field.path for field in refusal.value.fields}


async def test_only_agents_give_answers(ready: World) -> None:
    """A suite of target answers cannot measure an index; a retrieval suite can."""
    ready.suite("answers", target="answers", scorers=[{"name": "grounding"}])
    with pytest.raises(Invalid):
        await ready.evaluation.start_run(AUTHOR, "default", "suite/answers@latest", "index/docs@latest")
    run = await ready.evaluation.start_run(AUTHOR, "default", SUITE, "index/docs@latest")
    assert run.subject_kind == "index"


async def test_what_is_neither_agent_nor_index_is_refused(ready: World) -> None:
    """A prompt alone has nothing to retrieve from, and a dataset is no suite."""
    with pytest.raises(Invalid):
        await ready.evaluation.start_run(AUTHOR, "default", SUITE, "prompt/docs@latest")
    with pytest.raises(Invalid):
        await ready.evaluation.start_run(AUTHOR, "default", "dataset/questions@latest", AGENT)


async def test_a_prompt_that_wants_more_than_there_is_is_refused(world: World) -> None:
    """An evaluation has the question and the passages, and says which variables it cannot fill."""
    world.agent(variables={"question": {"type": "string"}, "customer": {"type": "string"}})
    world.suite("answers", target="answers", scorers=[{"name": "grounding"}])
    with pytest.raises(Invalid) as refusal:
        await world.evaluation.start_run(AUTHOR, "default", "suite/answers@latest", AGENT)
    assert refusal.value.fields[0].path == "$.variables.customer"


async def test_an_archived_subject_takes_no_run(ready: World) -> None:
    """What is archived answers but takes nothing new."""
    digest = ready.catalogue.names["agent/docs"]
    ready.catalogue.replace(digest, replace(ready.catalogue.versions[digest], archived=True))
    with pytest.raises(Archived):
        await ready.evaluation.start_run(AUTHOR, "default", SUITE, AGENT)
