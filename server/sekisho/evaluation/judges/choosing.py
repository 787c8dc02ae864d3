"""Which instrument a request for a qualification means: a judge by a host's name or the registry's, or `grounding`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from sekisho.evaluation.instruments import grounding_digest, judge_digest
from sekisho.evaluation.judges.types import GROUNDING, Instrument
from sekisho.evaluation.scorers.catalogue import SCORERS, measures
from sekisho.evaluation.scorers.declaration import Measure
from sekisho.evaluation.types import Target
from sekisho.inference.types import Answerer, AvailableModel, HostState
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.errors import FieldError, Invalid, ModelFailed
from sekisho.kernel.references import Kind, Reference, parse_reference
from sekisho.registry.manifests import ModelManifest, parse_manifest
from sekisho.registry.types import Version

OLLAMA: Final = "ollama/"
DEFAULT_SCORER: Final = "judge.faithfulness"
_UNKNOWN: Final = "LicenseRef-unknown"


class Models(Protocol):
    """What qualification asks of inference."""

    async def available(self) -> Sequence[HostState]: ...

    async def answerer(self, model: ModelManifest) -> Answerer: ...


class Finds(Protocol):
    """What qualification asks of the registry."""

    async def find(self, tx: Transaction, reference: Reference) -> Version: ...

    async def read_blob(self, tx: Transaction, project: str, digest: str) -> bytes: ...


async def choose(
    registry: Finds, models: Models, database: Database, project: str, judge: str, scorer: str | None, votes: int
) -> Instrument:
    """The instrument, its model pinned by digest now.

    Raises `Invalid` for what cannot be an instrument, `NotFound` for an unregistered model, `ModelFailed` where no
    host has a model of that name.
    """
    if judge == GROUNDING:
        if scorer not in {None, GROUNDING} or votes != 1:
            raise _wrong("$.scorer", "grounding is a scorer itself and asks no judge; leave scorer and votes out")
        return Instrument(GROUNDING, GROUNDING, {}, None)
    name = scorer or DEFAULT_SCORER
    if name not in SCORERS or not SCORERS[name].judged:
        known = ", ".join(sorted(one.name for one in SCORERS.values() if one.judged))
        raise _wrong("$.scorer", f"{name!r} asks no judge; use one of {known}")
    called, model = await _model(registry, models, database, project, judge)
    return Instrument(called, name, {"votes": votes} if votes != 1 else {}, model.to_json())


def measure_of(instrument: Instrument) -> Measure:
    (measure,) = measures([(instrument.scorer, instrument.params)], Target.ANSWERS)
    return measure


def model_of(instrument: Instrument) -> ModelManifest | None:
    return None if instrument.model is None else _manifest(instrument.model)


def digest_of_instrument(instrument: Instrument) -> str:
    """The same digest that a run by the same instrument shows."""
    model = model_of(instrument)
    if model is None:
        return grounding_digest()
    return judge_digest(SCORERS[instrument.scorer], model, instrument.params)


async def _model(
    registry: Finds, models: Models, database: Database, project: str, judge: str
) -> tuple[str, ModelManifest]:
    if judge.startswith(OLLAMA):
        return judge, _hosted(judge.removeprefix(OLLAMA), await models.available())
    reference = parse_reference(judge, project=project)
    if reference.kind is not Kind.MODEL or reference.project != project:
        raise _wrong("$.judge", f"name {OLLAMA}<model>, model/<name>@<selector> of project {project}, or grounding")
    async with database.read() as tx:
        version = await registry.find(tx, reference)
    manifest = _manifest(version.manifest)
    if manifest.provider == "builtin":
        raise _wrong("$.judge", f"{manifest.name} quotes passages and cannot judge")
    return f"{version.label}@v{version.number}", manifest


def _hosted(name: str, hosts: Sequence[HostState]) -> ModelManifest:
    """The model that a host has under this name now, with no options of its own."""
    found: dict[str, AvailableModel] = {}
    for host in hosts:
        for one in host.models:
            if one.provider == "ollama" and one.name in {name, f"{name}:latest"}:
                found[one.digest] = one
    if not found:
        away = "; ".join(f"{host.host}: {host.problem}" for host in hosts if not host.reachable)
        told = f" ({away})" if away else ""
        raise ModelFailed(f"no Ollama host has the model {name} now{told}", remedy=f"run `ollama pull {name}` on one")
    if len(found) > 1:
        raise ModelFailed(
            f"the hosts have {name} under {len(found)} digests",
            remedy="register the one that is meant, and qualify model/<name>@<selector>",
        )
    (one,) = found.values()
    raw = {"name": one.name, "digest": one.digest, "family": one.family, "provider": "ollama", "licence": _UNKNOWN}
    return _manifest({"schema": "sekisho.model/v1", **raw})


def _manifest(raw: Mapping[str, Any]) -> ModelManifest:
    manifest = parse_manifest(Kind.MODEL, dict(raw))
    assert isinstance(manifest, ModelManifest)  # noqa: S101  # narrows what the kind has decided
    return manifest


def _wrong(path: str, message: str) -> Invalid:
    return Invalid("this cannot be qualified", fields=[FieldError(path, message)])
