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
from sekisho.registry.kinds import Generation
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
"""What a prompt under evaluation is given: the question, and the retrieved passages as a list of texts."""
LEAST_DEPTH: Final = 10
SUBJECTS: Final = (Kind.AGENT, Kind.INDEX)


@dataclass(frozen=True, slots=True)
class Answering:
    """The parts of an agent that write an answer."""

    agent: AgentManifest
    prompt: PromptManifest
    model: ModelManifest

    @property
    def generation(self) -> Generation:
        return self.agent.generation or Generation()


@dataclass(frozen=True, slots=True)
class Plan:
    """`depth` is how many chunks are retrieved per case; `answering` is None where only retrieval is measured.

    `judge` is the model that the suite's judged measures ask; None where it has none.
    """

    suite: SuiteManifest
    dataset: DatasetManifest
    target: Target
    measures: tuple[Measure, ...]
    index: str
    depth: int
    answering: Answering | None
    judge: ModelManifest | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        return tuple(metric for measure in self.measures for metric in measure.metrics)

    @property
    def seed(self) -> int:
        return self.answering.generation.seed or 0 if self.answering else 0

    def cases(self, content: bytes) -> tuple[Case, ...]:
        """The cases to evaluate. Raises `Invalid` where the dataset does not hold what the suite asks for."""
        found = datasets.parse_cases(content)
        if absent := datasets.missing_axes(found, self.suite.slices):
            raise Invalid(
                "the suite slices by what the dataset does not say",
                fields=[FieldError("$.slices", f"no case has the slice {axis!r}") for axis in absent],
            )
        if self.suite.sample is None:
            return found
        return datasets.sample(found, self.suite.sample.size, self.suite.sample.seed or 0)


def make_plan(suite: Closure, subject: Closure) -> Plan:
    """Raises `Invalid` where the suite cannot measure the subject, `NotFound` where a pinned version is missing."""
    manifest = _suite(suite)
    target = Target(manifest.target)
    found = measures([(use.name, use.params) for use in manifest.scorers], target)
    version = subject.nodes[subject.root]
    if version.kind not in SUBJECTS:
        raise Invalid(
            f"a {version.kind} cannot be evaluated by a suite of target {target}",
            fields=[FieldError("$.subject", f"name one of {', '.join(SUBJECTS)}")],
        )
    answering = _answering(subject, version) if target is Target.ANSWERS else None
    index = version.digest if version.kind is Kind.INDEX else str(version.manifest["index"])
    _pinned(subject, index)
    depth = answering.agent.context_passages if answering else max([LEAST_DEPTH, *(m.depth for m in found)])
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


def unmet_variables(prompt: PromptManifest) -> Sequence[str]:
    """Variables that the prompt declares and an evaluation does not have."""
    return sorted(set(prompt.variables) - VARIABLES)


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


def _answering(closure: Closure, version: Version) -> Answering:
    if version.kind is not Kind.AGENT:
        raise Invalid(
            f"{version} gives no answers",
            fields=[FieldError("$.subject", "a suite of target answers measures an agent")],
        )
    agent = parse_manifest(Kind.AGENT, dict(version.manifest))
    assert isinstance(agent, AgentManifest)  # noqa: S101  # narrows what the kind has decided
    prompt = parse_manifest(Kind.PROMPT, dict(_pinned(closure, agent.prompt).manifest))
    model = parse_manifest(Kind.MODEL, dict(_pinned(closure, agent.model).manifest))
    assert isinstance(prompt, PromptManifest)  # noqa: S101  # narrows what the kind has decided
    assert isinstance(model, ModelManifest)  # noqa: S101  # narrows what the kind has decided
    if unmet := unmet_variables(prompt):
        raise Invalid(
            "the agent's prompt wants variables that an evaluation does not have",
            fields=[FieldError(f"$.variables.{name}", "not one of: passages, question") for name in unmet],
            remedy="evaluate a prompt whose variables are question and passages",
        )
    return Answering(agent, prompt, model)


def _pinned(closure: Closure, digest: str) -> Version:
    if digest not in closure.nodes:
        raise NotFound(f"{closure.nodes[closure.root]} pins {digest}, and nothing is registered under that digest")
    return closure.nodes[digest]
