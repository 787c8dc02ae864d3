"""What a run will do, worked out from the pinned suite and subject alone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sekisho.evaluation import cases as datasets
from sekisho.evaluation.scorers.catalogue import measures
from sekisho.evaluation.scorers.declaration import Measure
from sekisho.evaluation.types import Case, Target
from sekisho.kernel.errors import FieldError, Invalid, NotFound
from sekisho.kernel.references import Kind
from sekisho.registry.kinds import Generation, Limits
from sekisho.registry.manifests import (
    AgentManifest,
    DatasetManifest,
    ModelManifest,
    PromptManifest,
    SuiteManifest,
    parse_manifest,
)
from sekisho.registry.types import Closure, Version

VARIABLES: Final = frozenset({"question", "passages"})
"""What a prompt under evaluation is given: the question, and the retrieved passages as a list of texts.

A prompt that is evaluated by itself gets the passages that come with the case, and the case's own variables.
"""
LEAST_DEPTH: Final = 10
SUBJECTS: Final = {
    Target.RETRIEVAL: (Kind.AGENT, Kind.INDEX),
    Target.ANSWERS: (Kind.AGENT, Kind.PROMPT),
}


@dataclass(frozen=True, slots=True)
class Answering:
    """What writes an answer: an agent's prompt and model, or a prompt with the suite's model."""

    prompt: PromptManifest
    model: ModelManifest
    generation: Generation
    passages: int
    limits: Limits | None
    """What the agent declares; None for a prompt, which declares none."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`depth` is how many chunks are retrieved per case; `answering` is None where only retrieval is measured.

    `index` is None where the subject is a prompt: its passages come with the cases.
    `judge` is the model that the suite's judged measures ask; None where it has none.
    """

    suite: SuiteManifest
    dataset: DatasetManifest
    target: Target
    measures: tuple[Measure, ...]
    index: str | None
    depth: int
    answering: Answering | None
    judge: ModelManifest | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        return tuple(metric for measure in self.measures for metric in measure.metrics)

    @property
    def axes(self) -> tuple[str, ...]:
        """The slice axes that results keep."""
        return tuple(dict.fromkeys((*self.suite.slices, *self.suite.counterfactuals)))

    @property
    def seed(self) -> int:
        return self.answering.generation.seed or 0 if self.answering else 0

    def cases(self, content: bytes) -> tuple[Case, ...]:
        """The cases to evaluate. Raises `Invalid` where the dataset does not hold what the suite asks for."""
        parsed = datasets.parse_cases(content)
        found = datasets.measured(parsed)
        if not found:
            raise Invalid(
                "the dataset measures nothing", fields=[FieldError("$.dataset", "every case of it is a control")]
            )
        absent = [
            FieldError(f"$.{field}", f"no case has the slice {axis!r}")
            for field, axes in (("slices", self.suite.slices), ("counterfactuals", self.suite.counterfactuals))
            for axis in datasets.missing_axes(found, axes)
        ]
        if absent:
            raise Invalid("the suite slices by what the dataset does not say", fields=absent)
        if self.suite.sample is not None:
            found = datasets.sample(found, self.suite.sample.size, self.suite.sample.seed or 0)
        return found + (datasets.controls(parsed) if self.target is Target.ANSWERS else ())


def make_plan(suite: Closure, subject: Closure) -> Plan:
    """Raises `Invalid` where the suite cannot measure the subject, `NotFound` where a pinned version is missing."""
    manifest = _suite(suite)
    target = Target(manifest.target)
    found = measures([(use.name, use.params) for use in manifest.scorers], target)
    version = subject.nodes[subject.root]
    if version.kind not in SUBJECTS[target]:
        raise Invalid(
            f"a {version.kind} cannot be evaluated by a suite of target {target}",
            fields=[FieldError("$.subject", f"name one of {', '.join(SUBJECTS[target])}")],
        )
    answering = _answering(suite, manifest, subject, version) if target is Target.ANSWERS else None
    index = _index(subject, version)
    depth = answering.passages if answering else max([LEAST_DEPTH, *(m.depth for m in found)])
    dataset = parse_manifest(Kind.DATASET, dict(_pinned(suite, manifest.dataset).manifest))
    assert isinstance(dataset, DatasetManifest)  # noqa: S101  # narrows what the kind has decided
    return Plan(manifest, dataset, target, found, index, depth, answering, _judge(suite, manifest, found))


def _judge(closure: Closure, suite: SuiteManifest, found: Sequence[Measure]) -> ModelManifest | None:
    """Raises `Invalid` where a measure asks a judge and there is none that could."""
    if not any(measure.scorer.judged for measure in found):
        return None
    if suite.judge is None:
        raise _no_judge("a scorer of the suite asks a judge, and the suite names none")
    model = parse_manifest(Kind.MODEL, dict(_pinned(closure, suite.judge).manifest))
    assert isinstance(model, ModelManifest)  # noqa: S101  # narrows what the kind has decided
    if model.provider == "builtin":
        raise _no_judge(f"{model.name} quotes passages and cannot judge")
    return model


def _no_judge(detail: str) -> Invalid:
    return Invalid(
        detail,
        fields=[FieldError("$.judge", "name a model of provider ollama")],
        remedy="declare such a model, name it as the suite's `judge`, and qualify it with `sekisho judge qualify`",
    )


def _index(subject: Closure, version: Version) -> str | None:
    match version.kind:
        case Kind.PROMPT:
            return None
        case Kind.INDEX:
            return version.digest
        case _:
            return _pinned(subject, str(version.manifest["index"])).digest


def _suite(closure: Closure) -> SuiteManifest:
    version = closure.nodes[closure.root]
    if version.kind is not Kind.SUITE:
        raise Invalid(
            f"{version} is not a suite",
            fields=[FieldError("$.suite", "name a suite, such as suite/docs-retrieval@latest")],
        )
    manifest = parse_manifest(Kind.SUITE, dict(version.manifest))
    assert isinstance(manifest, SuiteManifest)  # noqa: S101  # narrows what the kind has decided
    return manifest


def _answering(suite: Closure, manifest: SuiteManifest, subject: Closure, version: Version) -> Answering:
    return _of_agent(subject, version) if version.kind is Kind.AGENT else _of_prompt(suite, manifest, version)


def _of_agent(closure: Closure, version: Version) -> Answering:
    agent = parse_manifest(Kind.AGENT, dict(version.manifest))
    assert isinstance(agent, AgentManifest)  # noqa: S101  # narrows what the kind has decided
    prompt = _prompt(_pinned(closure, agent.prompt))
    if unmet := sorted(set(prompt.variables) - VARIABLES):
        raise Invalid(
            "the agent's prompt wants variables that an evaluation does not have",
            fields=[FieldError(f"$.variables.{name}", "not one of: passages, question") for name in unmet],
            remedy="evaluate a prompt whose variables are question and passages",
        )
    generation = agent.generation or Generation()
    model = _model(_pinned(closure, agent.model))
    return Answering(prompt, model, generation, agent.context_passages, agent.limits)


def _of_prompt(suite: Closure, manifest: SuiteManifest, version: Version) -> Answering:
    if manifest.model is None:
        raise Invalid(
            "a prompt has no model of its own, and the suite names none",
            fields=[FieldError("$.model", "name the model that is to answer")],
            remedy="add `model:` to the suite, or evaluate an agent",
        )
    return Answering(_prompt(version), _model(_pinned(suite, manifest.model)), Generation(), LEAST_DEPTH, None)


def _prompt(version: Version) -> PromptManifest:
    prompt = parse_manifest(Kind.PROMPT, dict(version.manifest))
    assert isinstance(prompt, PromptManifest)  # noqa: S101  # narrows what the kind has decided
    return prompt


def _model(version: Version) -> ModelManifest:
    model = parse_manifest(Kind.MODEL, dict(version.manifest))
    assert isinstance(model, ModelManifest)  # noqa: S101  # narrows what the kind has decided
    return model


def _pinned(closure: Closure, digest: str) -> Version:
    if digest not in closure.nodes:
        raise NotFound(f"{closure.nodes[closure.root]} pins {digest}, and nothing is registered under that digest")
    return closure.nodes[digest]
