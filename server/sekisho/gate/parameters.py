"""The shape of policy data (``policies/data.yaml``), checked when a policy is loaded.

Rego leaves out what it cannot read: a limit with a misspelt name would fall silent. So the data is read strictly here,
before any engine sees it.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from sekisho.gate.scalars import Bp, Count, Digest, KindName, Moment, Origin, StageName, Word
from sekisho.gate.types import Mode, RuleId
from sekisho.identity.types import Role
from sekisho.kernel.errors import FieldError, Invalid

UNCONDITIONAL: Final = frozenset({"LIN-01", "LIN-02", "LIN-03", "LIN-06", "LIN-07"})
"""Rules that policy data cannot loosen."""
UNTOUCHABLE: Final = frozenset({"LIN-01", "LIN-02", "LIN-03", "LIN-07"})
"""Rules that no override sets aside: bytes that are what they are called, known, in use, and once allowed.

The order of stages (LIN-06) is not among them: an emergency may have to skip one.
"""

CardField = Literal["intended_use", "limitations", "risks", "contact", "affected_groups", "evaluation"]
Limit = Literal["max_steps", "max_tokens", "timeout_ms", "max_cost_micros"]
Marking = Literal["metadata", "watermark", "fingerprint", "label"]
DocumentType = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
SomeWords = Annotated[tuple[Word, ...], Meta(min_length=1)]


class _Closed(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Unknown fields are refused."""


class RuleParameters(_Closed, frozen=True, kw_only=True):
    """What rules may be given. A rule whose parameter is absent finds nothing, which is missing evidence."""

    origins: Annotated[tuple[Origin, ...], Meta(min_length=1)] | None = None
    producers: tuple[Word, ...] | None = None
    max_abandoned: Count | None = None
    max_age_ms: Moment | None = None
    min_n: Annotated[int, Meta(ge=1)] | None = None
    min_coverage_bp: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    min_controls: Count | None = None
    min_kappa_bp: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    labels: Annotated[tuple[Digest, ...], Meta(min_length=1)] | None = None
    scorers: tuple[Word, ...] | None = None
    same_family: bool | None = None
    allowed: tuple[Word, ...] | None = None
    fields: Annotated[tuple[CardField, ...], Meta(min_length=1)] | None = None
    approvals: Annotated[int, Meta(ge=1, le=100)] | None = None
    limit_bp: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    max_in_prompt_bp: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    max_in_corpus_bp: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    effects: tuple[Literal["read", "write", "destructive"], ...] | None = None
    kinds: Annotated[tuple[KindName, ...], Meta(min_length=1)] | None = None
    documents: Annotated[tuple[DocumentType, ...], Meta(min_length=1)] | None = None
    risk_classes: tuple[Literal["minimal", "limited", "high"], ...] | None = None
    methods: Annotated[tuple[Marking, ...], Meta(min_length=1)] | None = None
    limits: Annotated[tuple[Limit, ...], Meta(min_length=1)] | None = None
    scopes: tuple[Word, ...] | None = None
    min_retention_days: Count | None = None
    max_retention_days: Count | None = None


class RuleSetting(_Closed, frozen=True, kw_only=True):
    """One rule at one stage."""

    mode: Mode | None = None
    in_force_from: Moment | None = None
    parameters: RuleParameters | None = None


class StageSetting(_Closed, frozen=True, kw_only=True):
    """One stage: the mode of the rules that name none, and the rules that say something."""

    mode: Mode
    rules: dict[RuleId, RuleSetting]


class Pin(_Closed, frozen=True, kw_only=True):
    """Which suite version, with which dataset, a suite's name means here."""

    suite: Digest
    dataset: Digest


class _Claim(_Closed, frozen=True, kw_only=True):
    suite: Word
    metric: Word


class Floor(_Claim, frozen=True, kw_only=True):
    floor_bp: Bp


class Cap(_Claim, frozen=True, kw_only=True):
    cap_bp: Bp


class Margin(_Claim, frozen=True, kw_only=True):
    better: Literal["higher", "lower"]
    margin_bp: Annotated[int, Meta(ge=0, le=1_000_000_000)]


class Groups(_Claim, frozen=True, kw_only=True):
    axis: Word
    values: SomeWords
    min_n: Annotated[int, Meta(ge=1)]


class GapLimit(_Claim, frozen=True, kw_only=True):
    axis: Word
    limit_bp: Annotated[int, Meta(ge=0, le=1_000_000_000)]


class GroupFloor(_Claim, frozen=True, kw_only=True):
    axis: Word
    values: SomeWords
    floor_bp: Bp


class Requirement(_Closed, frozen=True, kw_only=True):
    """What must be measured, and how well, for the versions whose path a pattern matches.

    ``subjects`` are patterns of ``project/kind/name``, in which ``*`` stands for anything but a slash.
    """

    id: Word
    subjects: SomeWords
    stages: Annotated[tuple[StageName, ...], Meta(min_length=1)]
    suites: SomeWords
    floors: tuple[Floor, ...] = ()
    caps: tuple[Cap, ...] = ()
    margins: tuple[Margin, ...] = ()
    groups: tuple[Groups, ...] = ()
    gaps: tuple[GapLimit, ...] = ()
    group_floors: tuple[GroupFloor, ...] = ()
    flips: tuple[GapLimit, ...] = ()
    """Counterfactual axes, and by how much more often variants may differ than repeats."""
    refusal_gaps: tuple[GapLimit, ...] = ()
    """Between groups, in the rate of a metric such as ``abstained``."""


class Waivers(_Closed, frozen=True, kw_only=True):
    """Which rules a waiver can cover, and for how long at most."""

    longest_ms: Count
    waivable: tuple[RuleId, ...]


class Overrides(_Closed, frozen=True, kw_only=True):
    """Which rules a person can set aside by break-glass, and for how long at most; nothing where data is silent."""

    longest_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0
    overridable: tuple[RuleId, ...] = ()


class Attestable(_Closed, frozen=True, kw_only=True):
    """Who may attest one type of document, about which kinds of versions, and for how long at most."""

    roles: Annotated[tuple[Role, ...], Meta(min_length=1)]
    kinds: Annotated[tuple[KindName, ...], Meta(min_length=1)]
    longest_ms: Count


class Parameters(_Closed, frozen=True, kw_only=True):
    """All of it."""

    order: Annotated[tuple[StageName, ...], Meta(min_length=1)]
    entry: Annotated[tuple[StageName, ...], Meta(min_length=1)]
    """Stages that a version may enter without standing at the one before."""
    waivers: Waivers
    overrides: Overrides = Overrides()
    stages: dict[StageName, StageSetting]
    suites: dict[Word, Pin]
    requirements: tuple[Requirement, ...]
    attested: dict[DocumentType, Attestable] = {}
    """What people may attest, by the type of the document."""

    def parameters_of(self, stage: str, rule: str) -> RuleParameters:
        """What a rule is given at a stage; nothing where the data does not say."""
        setting = self.stages[stage].rules.get(rule) if stage in self.stages else None
        return (setting.parameters if setting else None) or RuleParameters()

    def requirements_of(self, path: str, stage: str) -> tuple[Requirement, ...]:
        """The requirements that name ``project/kind/name`` at a stage."""
        return tuple(
            requirement
            for requirement in self.requirements
            if stage in requirement.stages and any(_names(pattern, path) for pattern in requirement.subjects)
        )


class PolicyData(_Closed, frozen=True, kw_only=True):
    """The root: rules live under ``sekisho``, data under ``parameters``, and nothing else is there."""

    parameters: Parameters


def read_policy_data(raw: Any) -> Parameters:
    """Raises `Invalid` with the path of what is wrong."""
    try:
        parameters = msgspec.convert(raw, PolicyData).parameters
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        raise _invalid([FieldError(path.rstrip("`") or "$", message)]) from error
    if faults := list(_faults(parameters)):
        raise _invalid(faults)
    return parameters


def _names(pattern: str, path: str) -> bool:
    """Whether a pattern names a path. Rego decides by its own ``glob.match``: this only says what to look up for it."""
    parts, names = pattern.split("/"), path.split("/")
    return len(parts) == len(names) and all(fnmatchcase(name, part) for name, part in zip(names, parts, strict=True))


def _faults(parameters: Parameters) -> Iterator[FieldError]:
    stages = set(parameters.order)
    if len(stages) != len(parameters.order):
        yield FieldError("$.parameters.order", "a stage stands twice")
    if unknown := set(parameters.entry) - stages:
        yield FieldError("$.parameters.entry", f"not in `order`: {', '.join(sorted(unknown))}")
    if stages != parameters.stages.keys():
        yield FieldError("$.parameters.stages", "must name exactly the stages of `order`")
    for name, stage in parameters.stages.items():
        for rule, setting in stage.rules.items():
            if rule in UNCONDITIONAL and (setting.mode or setting.in_force_from):
                yield FieldError(f"$.parameters.stages.{name}.rules.{rule}", "this rule is enforced at every stage")
    seen: set[str] = set()
    for place, requirement in enumerate(parameters.requirements):
        path = f"$.parameters.requirements[{place}]"
        if requirement.id in seen:
            yield FieldError(f"{path}.id", "two requirements have this id")
        seen.add(requirement.id)
        if unknown := set(requirement.stages) - stages:
            yield FieldError(f"{path}.stages", f"not in `order`: {', '.join(sorted(unknown))}")
    if forbidden := UNCONDITIONAL.intersection(parameters.waivers.waivable):
        yield FieldError("$.parameters.waivers.waivable", f"cannot be waived: {', '.join(sorted(forbidden))}")
    if forbidden := UNTOUCHABLE.intersection(parameters.overrides.overridable):
        yield FieldError("$.parameters.overrides.overridable", f"cannot be overridden: {', '.join(sorted(forbidden))}")


def _invalid(fields: list[FieldError]) -> Invalid:
    return Invalid("the policy data is not valid", fields=fields, remedy="mend the data file of the policy folder")
