"""Comparisons judged by a stage's margins, through the service, the API and the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace

import pytest

from sekisho.cli.regressions import comparison_code
from sekisho.evaluation.margins import stage_verdict
from sekisho.evaluation.types import RunState
from sekisho.http.app import create_app
from sekisho.kernel.database import Transaction
from sekisho.kernel.errors import FieldError, Invalid, NotFound
from sekisho.kernel.references import Reference
from sekisho.registry.types import Version
from sekisho.wiring.services import Services
from tests.api_client import ApiClient
from tests.evaluation.fakes import VIEWER, FakeCatalogue, World, rows
from tests.evaluation.test_cli import sekisho, worked

EVAL = ("eval", "agent/docs@latest", "--suite", "suite/docs-retrieval@latest")


@dataclass
class Limits:
    """Margins of one stage, for whatever is compared."""

    found: dict[str, int] = field(default_factory=dict)
    suite: str = ""
    others: dict[str, dict[str, int]] = field(default_factory=dict)

    def of(self, path: str, stage: str) -> Mapping[str, Mapping[str, int]]:
        if stage != "production":
            raise Invalid("there is no such stage", fields=[FieldError("$.stage", "one of production")])
        return {self.suite: self.found, **self.others} if path == "default/agent/docs" else {}


class Unpromoted(FakeCatalogue):
    """Nothing stands at production."""

    async def find(self, tx: Transaction, reference: Reference) -> Version:
        if "production" in str(reference):
            raise NotFound("nothing is at stage production")
        return await super().find(tx, reference)


@pytest.fixture
def limits() -> Limits:
    return Limits()


@pytest.fixture
async def judged(services: Services, world: World, limits: Limits) -> AsyncIterator[ApiClient]:
    """The application, where policy sets these limits."""
    world.agent()
    limits.suite = world.suite()
    world.evaluation = replace(world.evaluation, margins=limits)
    there = replace(services, evaluation=world.evaluation)
    async with ApiClient(create_app(there), there) as client:
        yield client


async def got_worse(door: ApiClient, world: World) -> tuple[str, str]:
    """A run, and a later one that found nothing any more."""
    await worked(world, door, *EVAL)
    (before,) = (await world.evaluation.runs(VIEWER, "default")).items
    world.index.texts = lambda _query: []
    world.clock.advance(1000)
    await worked(world, door, *EVAL)
    after = next(run for run in (await world.evaluation.runs(VIEWER, "default")).items if run.id != before.id)
    return before.id, after.id


async def test_an_unknown_stage_is_refused(judged: ApiClient, world: World) -> None:
    """Exit 2, and the field."""
    before, after = await got_worse(judged, world)
    found = await sekisho(judged, "compare", before, after, "--stage", "moon")
    assert found.exit_code == 2, found.output
    assert "$.stage" in found.stderr


async def test_a_loss_within_the_margin_is_no_regression(judged: ApiClient, world: World, limits: Limits) -> None:
    """A metric with a margin goes by it; one without may not get worse at all."""
    limits.found = {"recall@5": 10_000, "mrr": 10_000}
    before, after = await got_worse(judged, world)
    assert (await sekisho(judged, "compare", before, after)).exit_code == 1
    allowed = await sekisho(judged, "compare", before, after, "--stage", "production")
    assert allowed.exit_code == 0, allowed.output
    assert "margins of production: pass" in allowed.stdout
    del limits.found["mrr"]
    assert (await sekisho(judged, "compare", before, after, "--stage", "production")).exit_code == 1


async def test_a_margin_that_is_exceeded_fails(judged: ApiClient, world: World, limits: Limits) -> None:
    """The outcome by the API names each claim with its margin; a metric nobody scored leaves it open."""
    limits.found = {"recall@5": 100}
    before, after = await got_worse(judged, world)
    found = await world.evaluation.compare(VIEWER, "default", before, after, "production")
    claims = [{"metric": "recall@5", "margin_bp": 100, "decision": "fail"}]
    alone = {"family": 1, "unmeasured": 0}
    assert found["stage"] == {"name": "production", "outcome": "fail", "claims": claims, **alone}
    assert found["metrics"]["recall@5"]["holm"]["claims"] == 1
    limits.found = {"unheard-of": 100}
    open_yet = await world.evaluation.compare(VIEWER, "default", after, before, "production")
    assert open_yet["stage"]["outcome"] == "inconclusive"
    assert (await sekisho(judged, "compare", after, before, "--stage", "production")).exit_code == 3


async def test_eval_compares_with_a_run_and_exits_with_1(judged: ApiClient, world: World) -> None:
    """One line in CI measures and compares."""
    await worked(world, judged, *EVAL)
    (before,) = (await world.evaluation.runs(VIEWER, "default")).items
    world.index.texts = lambda _query: []
    found = await worked(world, judged, *EVAL, "--baseline", before.id)
    assert found.exit_code == 1, found.output
    assert "worse by" in found.stdout


async def test_eval_compares_with_what_stands_at_a_stage(judged: ApiClient, world: World, limits: Limits) -> None:
    """With the last run of that version by the suite; where it has none, evidence is missing: exit 3."""
    missing = await worked(world, judged, *EVAL, "--against", "production")
    assert missing.exit_code == 3, missing.output
    assert "was not measured" in " ".join(missing.stdout.split())
    limits.found = {"recall@5": 9_999, "mrr": 9_999}
    world.clock.advance(1000)
    alike = await worked(world, judged, *EVAL, "--against", "production")
    assert alike.exit_code == 0, alike.output
    world.index.texts = lambda _query: []
    limits.found = {"recall@5": 100, "mrr": 100}
    assert (await worked(world, judged, *EVAL, "--against", "production")).exit_code == 1


async def test_where_nothing_stands_there_is_nothing_to_compare(services: Services, world: World) -> None:
    """The first promotion needs no baseline, and is told so."""
    world.agent()
    world.suite()
    empty = Unpromoted(world.catalogue.versions, world.catalogue.blobs, world.catalogue.names)
    world.evaluation = replace(world.evaluation, registry=empty)
    there = replace(services, evaluation=world.evaluation)
    async with ApiClient(create_app(there), there) as door:
        found = await worked(world, door, *EVAL, "--against", "production")
    assert found.exit_code == 0, found.output
    assert "nothing to compare with at production" in found.stderr


async def test_two_baselines_are_a_usage_error(judged: ApiClient) -> None:
    """A run or a stage, not both: nothing is started."""
    found = await sekisho(judged, *EVAL, "--baseline", "x", "--against", "production")
    assert found.exit_code == 2
    assert "give one of them" in found.stderr


async def test_a_baseline_that_is_not_there_is_told_at_once(judged: ApiClient, world: World) -> None:
    """Before anything is measured: no run is begun."""
    found = await sekisho(judged, *EVAL, "--baseline", "nowhere")
    assert found.exit_code == 2, found.output
    assert not (await world.evaluation.runs(VIEWER, "default")).items


@pytest.mark.parametrize(
    ("decisions", "outcome", "code"),
    [
        ([], "none", 0),
        (["pass", "pass"], "pass", 0),
        (["pass", "inconclusive"], "inconclusive", 3),
        (["inconclusive", "fail"], "fail", 1),
    ],
)
def test_the_worst_claim_decides(decisions: list[str], outcome: str, code: int) -> None:
    """One claim that failed fails the stage, whatever is still open."""
    metrics = {f"m{n}": {"holm": {"decision": said}, "change": "worse"} for n, said in enumerate(decisions)}
    verdict = stage_verdict("production", dict.fromkeys(metrics, 1), metrics)
    assert verdict["outcome"] == outcome
    assert comparison_code({"metrics": metrics, "stage": verdict}) == code


@pytest.mark.parametrize(
    ("change", "state", "code"),
    [("none", "finished", 0), ("unknown", "finished", 3), ("none", "inconclusive", 3), ("worse", "inconclusive", 1)],
)
def test_what_cannot_be_compared_is_not_passed(change: str, state: str, code: int) -> None:
    """A build is green only where something was shown; a regression goes before what is open."""
    found = {"metrics": {"mrr": {"change": change}}, "candidate": {"state": state}, "baseline": {"state": "finished"}}
    assert comparison_code(found) == code


async def test_a_comparison_in_which_nothing_was_scored_exits_with_3(judged: ApiClient, world: World) -> None:
    """Two runs without a score are not equally good."""
    world.catalogue.add_dataset([{**row, "gold": []} for row in rows()])
    world.suite()
    await worked(world, judged, *EVAL)
    (only,) = (await world.evaluation.runs(VIEWER, "default")).items
    assert only.state is RunState.INCONCLUSIVE
    assert (await sekisho(judged, "compare", only.id, only.id)).exit_code == 3
