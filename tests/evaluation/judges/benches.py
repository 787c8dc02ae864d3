"""A judge that tests write down, and samples to show it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sekisho.evaluation.judges.asking import Judge
from sekisho.evaluation.scorers.catalogue import measures
from sekisho.evaluation.scorers.declaration import Outcome
from sekisho.evaluation.types import Case, Hit, Sample, Scored, Target, Unscored
from sekisho.inference.types import Answer, AnswerRequest
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import ModelFailed
from sekisho.kernel.references import Kind
from sekisho.registry.manifests import ModelManifest, parse_manifest

CONTEXT = "The fee is 30 euros.  It is refunded\nwithin 14 days. Ayako runs the desk."
ANSWER = "The fee is 30 euros. Ayako runs the desk."
DIGEST = digest_of("a judge")
NAMED = re.compile(r"^((?:s|c|p)\d+):\s?(.*)$", re.MULTILINE)


def model(**options: int) -> ModelManifest:
    raw = {
        "schema": "sekisho.model/v1",
        "name": "careful:1b",
        "digest": DIGEST,
        "family": "careful",
        "licence": "Apache-2.0",
        "provider": "ollama",
        "options": options,
    }
    manifest = parse_manifest(Kind.MODEL, raw)
    assert isinstance(manifest, ModelManifest)
    return manifest


def named(request: AnswerRequest) -> dict[str, str]:
    """What the request asks about, by its names: sentences, claims or passages."""
    asked = next(message.content for message in request.messages if message.role == "user")
    return {name: text.strip() for name, text in NAMED.findall(asked)}


def kind_of(request: AnswerRequest) -> str:
    """``claims``, or ``verdicts``, by what the request's schema wants."""
    (first, *_) = (request.schema or {})["properties"].values()
    return "claims" if first["type"] == "array" else "verdicts"


def honest(request: AnswerRequest) -> str:
    """Every sentence is a claim of its own; a claim is supported where it stands in the context, word for word."""
    wanted = list((request.schema or {})["properties"])
    if kind_of(request) == "claims":
        return json.dumps({name: [named(request)[name]] for name in wanted})
    shown = " ".join(next(m.content for m in request.messages if m.role == "user").split())
    context = shown[: shown.index("<claims ")] if "<claims " in shown else shown
    found = {}
    for name in wanted:
        claim = named(request)[name].rstrip(".")
        there = claim in context
        found[name] = {"quote": claim if there else "", "verdict": "supported" if there else "not_mentioned"}
    return json.dumps(found)


@dataclass
class FakeJudge:
    """Answers as told, and keeps what it was asked."""

    reply: Callable[[AnswerRequest], str] = honest
    digest: str = DIGEST
    moved: bool = False
    finish: str = "stop"
    asked: list[AnswerRequest] = field(default_factory=list)

    async def answer(self, request: AnswerRequest) -> Answer:
        self.asked.append(request)
        return Answer(self.reply(request), self.digest, 1, 1, 5, self.finish)

    async def check(self) -> None:
        if self.moved:
            raise ModelFailed("the host has another model under that name")


def told(*replies: str | Callable[[AnswerRequest], str]) -> FakeJudge:
    """A judge that gives these outputs one after another, and then the last one for ever."""
    left: list[str | Callable[[AnswerRequest], str]] = list(replies)

    def reply(request: AnswerRequest) -> str:
        following = left.pop(0) if len(left) > 1 else left[0]
        return following if isinstance(following, str) else following(request)

    return FakeJudge(reply)


def sample(
    answer: str | None = ANSWER,
    context: str | Sequence[str] = CONTEXT,
    *,
    question: str = "What is the fee, and who runs the desk?",
    expected: str | None = None,
) -> Sample:
    texts = [context] if isinstance(context, str) else context
    hits = tuple(Hit(f"c{n}", "desk.md", text) for n, text in enumerate(texts))
    return Sample(Case("case-1", question, expected=expected), hits, answer)


async def judged(
    name: str, given: Sample, judge: FakeJudge, *, options: dict[str, int] | None = None, **params: Any
) -> Outcome:
    """What the scorer gives for the sample with this judge."""
    (measure,) = measures([(name, params)], Target.ANSWERS)
    assert measure.ask is not None
    return await measure.ask(given, Judge(model(**(options or {})), judge))


def value(outcome: Outcome, metric: str) -> float:
    score = outcome.scores[metric]
    assert isinstance(score, Scored), score
    return score.value


def reason(outcome: Outcome) -> str:
    """The one reason for which there is no score in any metric."""
    (only,) = {score.reason if isinstance(score, Unscored) else "it is scored" for score in outcome.scores.values()}
    return only
