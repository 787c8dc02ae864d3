"""Runs with a judge: the suite pins it, the run records it, and one that moves leaves nothing to rely on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from sekisho.evaluation.instruments import grounding_digest, instruments_of, judge_digest
from sekisho.evaluation.scorers.catalogue import SCORERS
from sekisho.evaluation.types import Run, RunState
from sekisho.inference.service import Inference
from sekisho.inference.types import Answerer, AnswerRequest, Message
from sekisho.kernel.errors import Invalid, ModelFailed
from sekisho.kernel.references import Kind
from sekisho.kernel.settings import Settings
from sekisho.registry.manifests import ModelManifest, parse_manifest
from tests.evaluation.fakes import AUTHOR, VIEWER, FakeModels, World
from tests.evaluation.judges.benches import FakeJudge, honest, model
from tests.inference.fake_ollama import CHAT, FakeOllama, running

SUITE, AGENT = "suite/judged@latest", "agent/docs@latest"
FAITHFULNESS = {"name": "judge.faithfulness"}


class Models(FakeModels):
    """The world's own model, and a judge under its digest."""

    def __init__(self, world: World, judge: Answerer) -> None:
        super().__init__(world.model)
        self._judge = judge

    async def answerer(
        self, model: ModelManifest, *, deadline_ms: int | None = None, offline: bool = False
    ) -> Answerer:
        return self._judge if model.provider == "ollama" else self.model


def with_judge(world: World, judge: Answerer, **suite: Any) -> World:
    """The world with an agent that quotes its first passage, and a suite whose judge this is."""
    world.agent()
    fields = {name: value for name, value in model().to_json().items() if name != "schema"}
    manifest = world.catalogue.add(Kind.MODEL, "careful", **fields)
    given = {"scorers": [FAITHFULNESS, {"name": "grounding"}], "target": "answers", "judge": manifest, **suite}
    world.suite("judged", **given)
    return replace(world, evaluation=replace(world.evaluation, inference=Models(world, judge)))


async def run_once(world: World) -> Run:
    run = await world.evaluation.start_run(AUTHOR, "default", SUITE, AGENT)
    await world.evaluation.execute(await world.claim())
    return await world.evaluation.run(VIEWER, "default", run.id)


@pytest.mark.parametrize("scorers", [[FAITHFULNESS], [{"name": "judge.correctness", "params": {"votes": 3}}]])
def test_a_suite_without_a_judge_is_refused(scorers: list[dict[str, Any]]) -> None:
    """Where a scorer asks one; the refusal names the field and the scorer."""
    raw = {"schema": "sekisho.suite/v1", "dataset": "sha256:" + "0" * 64, "target": "answers", "scorers": scorers}
    with pytest.raises(Invalid) as refusal:
        parse_manifest(Kind.SUITE, raw)
    (field,) = refusal.value.fields
    assert (field.path, scorers[0]["name"] in field.message) == ("$.judge", True)
    assert refusal.value.remedy


def test_a_judge_that_nobody_asks_is_refused() -> None:
    """It would only be pinned for nothing; without it, the suite's digest is what it was before judges were."""
    raw = {"dataset": "sha256:" + "0" * 64, "target": "answers", "scorers": [{"name": "grounding"}]}
    with pytest.raises(Invalid) as refusal:
        parse_manifest(Kind.SUITE, {"schema": "sekisho.suite/v1", **raw, "judge": "sha256:" + "1" * 64})
    assert refusal.value.fields[0].path == "$.judge"
    plain = parse_manifest(Kind.SUITE, {"schema": "sekisho.suite/v1", **raw})
    assert "judge" not in plain.to_json()
    assert [pin.path for pin in plain.dependencies()] == ["$.dataset"]


def test_the_judge_is_part_of_the_suites_lineage() -> None:
    """A dependency of kind model, so it is pinned, found and revoked like any other."""
    raw = {"dataset": "sha256:" + "0" * 64, "target": "answers", "scorers": [FAITHFULNESS]}
    suite = parse_manifest(Kind.SUITE, {"schema": "sekisho.suite/v1", **raw, "judge": "sha256:" + "1" * 64})
    pins = [(pin.kind, pin.path) for pin in suite.dependencies()]
    assert pins == [(Kind.DATASET, "$.dataset"), (Kind.MODEL, "$.judge")]


async def test_a_model_that_only_quotes_is_no_judge(world: World) -> None:
    """The builtin baseline is refused before anything is queued."""
    world.agent()
    builtin = world.catalogue.names["model/extractive"]
    world.suite("judged", target="answers", scorers=[FAITHFULNESS], judge=builtin)
    with pytest.raises(Invalid) as refusal:
        await world.evaluation.start_run(AUTHOR, "default", SUITE, AGENT)
    assert refusal.value.fields[0].path == "$.judge"
    assert await world.jobs.claim(["run"], "worker-1") is None


async def test_a_run_with_a_judge_records_it(world: World) -> None:
    """Scores, the claims of each case, and in the engine: judge, family, prompts, and each instrument's digest."""
    judge = FakeJudge()
    ready = with_judge(world, judge)
    ready.model.reply = lambda request: request.passages[1]
    run = await run_once(ready)
    assert run.state is RunState.FINISHED, run.reason
    metrics = (run.summary or {})["metrics"]
    assert metrics["judge.faithfulness"]["mean_bp"] == 10_000
    assert metrics["judge.unfaithful"]["lower_is_better"] is True
    assert (run.engine["judge"], run.engine["judge_name"]) == (judge.digest, "careful:1b")
    assert (run.engine["judge_family"], run.engine["family"]) == ("careful", "extractive")
    assert run.engine["judge_prompts"].startswith("sha256:")
    assert instruments_of(run) == [
        {"scorer": "grounding", "digest": grounding_digest()},
        {
            "scorer": "judge.faithfulness",
            "digest": judge_digest(SCORERS["judge.faithfulness"], model(), {}),
            "family": "careful",
        },
    ]
    case = (await ready.evaluation.cases(VIEWER, "default", run.id)).items[0]
    (claim,) = case.output["judge.faithfulness"]["claims"]
    assert claim["verdict"] == "supported"


def test_an_instruments_digest_moves_with_all_that_decides() -> None:
    """Model, options and votes; not with what describes the model."""
    scorer = SCORERS["judge.faithfulness"]
    digests = {
        judge_digest(scorer, model(), {}),
        judge_digest(scorer, model(num_ctx=8192), {}),
        judge_digest(scorer, model(), {"votes": 3}),
        judge_digest(SCORERS["judge.correctness"], model(), {}),
    }
    assert len(digests) == 4
    assert judge_digest(scorer, model(temperature_bp=9000), {"votes": 1}) in digests


async def test_a_judge_that_moves_during_a_run_leaves_it_inconclusive(world: World) -> None:
    """Its digest is looked at again at the end."""
    judge = FakeJudge()
    ready = with_judge(world, judge)
    judge.moved = True
    run = await run_once(ready)
    assert run.state is RunState.INCONCLUSIVE
    assert "the judge changed during the run" in (run.reason or "")


async def test_a_judge_that_fails_too_often_leaves_the_run_inconclusive(world: World) -> None:
    """Every third case has no verdict: coverage tells, and the mean is of the others alone."""

    def reply(request: AnswerRequest) -> str:
        return "I would rather not say." if "question 0" in request.messages[1].content else honest(request)

    ready = with_judge(world, FakeJudge(reply), scorers=[FAITHFULNESS], slices=[])
    ready.model.reply = lambda request: f"About {request.question} there is nothing."
    fine = await run_once(ready)
    assert fine.state is RunState.FINISHED, fine.reason
    ready.model.reply = lambda request: f"About question 0 or {request.question} there is nothing."
    run = await run_once(ready)
    assert run.state is RunState.INCONCLUSIVE
    report = await ready.evaluation.report(VIEWER, "default", run.id)
    assert "cannot be used" in report["unscored"][0]["reason"]


async def test_a_case_without_an_answer_is_not_judged(world: World) -> None:
    """The model failed, so there is nothing to ask the judge about."""
    judge = FakeJudge()
    ready = with_judge(world, judge, scorers=[FAITHFULNESS], slices=[])

    def down(_: AnswerRequest) -> str:
        raise ModelFailed("the host dropped the connection")

    ready.model.reply = down
    run = await run_once(ready)
    assert run.state is RunState.INCONCLUSIVE
    assert judge.asked == []


# Over real HTTP, with a host that has the faults of real ones.


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with running() as fake:
        yield fake


Hosted = Callable[[Callable[[dict[str, Any]], str]], World]


@pytest.fixture
async def hosted(world: World, fake: FakeOllama) -> AsyncIterator[Hosted]:
    """A world whose judge is `tiny:1b` of a fake Ollama that says what it is told to."""

    async def no_sleep(_: float) -> None:
        return

    hosts = Settings(ollama_hosts=(fake.url,), ollama_timeout_s=5, ollama_concurrency=1, ollama_failures=100)
    inference = Inference(hosts, world.database, world.clock, no_sleep)

    def make(says: Callable[[dict[str, Any]], str]) -> World:
        fake.says = says
        ready = with_judge(world, FakeJudge(), scorers=[FAITHFULNESS], slices=[])
        manifest = ready.catalogue.add(
            Kind.MODEL, "tiny", name=CHAT, digest="sha256:" + fake.digests[CHAT], family="tiny", licence="MIT",
            provider="ollama",
        )  # fmt: skip
        ready.suite("judged", target="answers", scorers=[FAITHFULNESS], slices=[], judge=manifest)
        ready.model.reply = lambda request: f"About {request.question} there is nothing."

        class Both(FakeModels):
            async def answerer(
                self, model: ModelManifest, *, deadline_ms: int | None = None, offline: bool = False
            ) -> Answerer:
                return await inference.answerer(model, offline=offline) if model.provider == "ollama" else self.model

        return replace(ready, evaluation=replace(ready.evaluation, inference=Both(ready.model)))

    yield make
    await inference.close()


def honestly(body: dict[str, Any]) -> str:
    """What `honest` says, to a request as it comes over the wire."""
    messages = tuple(Message(one["role"], one["content"]) for one in body["messages"])
    return honest(AnswerRequest(messages, (), "", schema=body["format"]))


async def test_an_ollama_host_judges_a_run(hosted: Hosted, fake: FakeOllama) -> None:
    """Seed, temperature 0 and the JSON Schema stand in every request on the wire."""
    run = await run_once(hosted(honestly))
    assert run.state is RunState.FINISHED, run.reason
    assert (run.summary or {})["metrics"]["judge.unfaithful"]["mean_bp"] == 10_000
    chats = [one for one in fake.seen if one["path"] == "/api/chat"]
    assert {one["options"]["temperature"] for one in chats} == {0}
    assert all(one["format"]["additionalProperties"] is False for one in chats)


async def test_an_ollama_host_that_restarts_costs_no_verdict(hosted: Hosted, fake: FakeOllama) -> None:
    """Connections break and the host is busy for a moment in the middle of the run; each call is tried again."""
    said: list[str] = []

    def restarting(body: dict[str, Any]) -> str:
        said.append(honestly(body))
        if len(said) in {3, 9}:
            fake.drops, fake.busy = 1, 1
        return said[-1]

    run = await run_once(hosted(restarting))
    assert run.state is RunState.FINISHED, run.reason
    assert (run.summary or {})["scored"] == 12


async def test_an_ollama_host_that_stays_away_is_told(hosted: Hosted, fake: FakeOllama) -> None:
    """No verdict is made up: the cases have no score, and the run is inconclusive."""
    world = hosted(honestly)
    fake.drops = 10_000
    run = await run_once(world)
    assert run.state is RunState.INCONCLUSIVE
    report = await world.evaluation.report(VIEWER, "default", run.id)
    assert "could not be asked" in report["unscored"][0]["reason"]


async def test_a_digest_that_changes_mid_run_is_noticed(hosted: Hosted, fake: FakeOllama) -> None:
    """Somebody pulls another model under the judge's name while it judges."""

    def pulled(body: dict[str, Any]) -> str:
        fake.digests[CHAT] = "c" * 64
        return honestly(body)

    run = await run_once(hosted(pulled))
    assert run.state is RunState.INCONCLUSIVE
    assert "the judge changed during the run" in (run.reason or "")
    assert "cccccccccccc" in (run.reason or "")


async def test_a_prompt_over_num_ctx_is_no_verdict(hosted: Hosted, fake: FakeOllama) -> None:
    """The host would cut it silently; it is counted, and the case says what to raise."""
    world = hosted(honestly)
    world.index.texts = lambda _query: ["word " * 9_000]
    run = await run_once(world)
    assert run.state is RunState.INCONCLUSIVE
    report = await world.evaluation.report(VIEWER, "default", run.id)
    assert "do not fit into the model's context of 4096 tokens" in report["unscored"][0]["reason"]


async def test_megabytes_from_a_host_are_not_parsed(hosted: Hosted) -> None:
    """Ten megabytes of brackets over HTTP: refused by their length."""
    world = hosted(lambda _body: "[" * 10_000_000)
    world.suite(
        "judged", target="answers", scorers=[FAITHFULNESS], slices=[], sample={"size": 1},
        judge=world.catalogue.names["model/tiny"],
    )  # fmt: skip
    run = await run_once(world)
    assert run.state is RunState.INCONCLUSIVE
    report = await world.evaluation.report(VIEWER, "default", run.id)
    assert "10000000 characters long" in report["unscored"][0]["reason"]
