"""What a run was measured with where it could have been measured otherwise: its judges, and `grounding`, by digest.

An instrument's digest covers all that decides its verdicts. A qualification is about that digest, and so says nothing
about the same model under another prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from sekisho.evaluation.judges.asking import SEED, judge_options
from sekisho.evaluation.judges.prompts import prompt_digests
from sekisho.evaluation.plan import Plan
from sekisho.evaluation.scorers.catalogue import SCORERS
from sekisho.evaluation.scorers.declaration import Scorer
from sekisho.evaluation.types import Run
from sekisho.kernel.digests import digest_of, digest_of_bytes
from sekisho.kernel.trees import tree
from sekisho.registry.manifests import ModelManifest

SCHEMA: Final = "sekisho.judge/v1"
"""Of how a judge's output is read; raised with any change of what counts."""
GROUNDING: Final = "grounding"
_GROUNDING_CODE: Final = ("sekisho.evaluation.grounding", "sekisho.evaluation.words", "sekisho.inference.text")
_PREFIX: Final = "instrument:"


def judge_digest(scorer: Scorer, model: ModelManifest, params: Mapping[str, Any]) -> str:
    """Digest of a judged scorer as an instrument: model, prompts, options, votes, and how the output is read."""
    return digest_of(
        {
            "schema": SCHEMA,
            "scorer": scorer.name,
            "model": model.digest,
            "prompts": prompt_digests(scorer.prompts),
            "options": judge_options(model),
            "seed": SEED,
            "votes": int(params.get("votes", 1)),
        }
    )


@lru_cache
def grounding_digest() -> str:
    """Digest of `grounding` as an instrument: the bytes of its code and of its trained head."""
    found: dict[str, str] = {}
    for module in _GROUNDING_CODE:
        for name, path in _files(module).items():
            found[f"{module}/{name}"] = digest_of_bytes(path.read_bytes())
    head = digest_of_bytes((tree("evals") / "grounding" / "head.json").read_bytes())
    return digest_of({"schema": "sekisho.grounding/v1", "files": found, "head": head})


def engine_entries(plan: Plan) -> dict[str, str]:
    """What a run's engine says of its instruments; strings only, as the engine is."""
    found: dict[str, str] = {}
    for use in plan.suite.scorers:
        if use.name == GROUNDING:
            found[_PREFIX + use.name] = grounding_digest()
        elif plan.judge is not None and SCORERS[use.name].judged:
            found[_PREFIX + use.name] = judge_digest(SCORERS[use.name], plan.judge, use.params)
    if plan.judge is not None:
        names = sorted({name for use in plan.suite.scorers for name in SCORERS[use.name].prompts})
        found |= {
            "judge": plan.judge.digest,
            "judge_name": plan.judge.name,
            "judge_family": plan.judge.family,
            "judge_prompts": digest_of(prompt_digests(names)),
        }
    return found


def instruments_of(run: Run) -> list[dict[str, str]]:
    """The run's instruments for the gate: scorer, digest, and for a judge its model's family."""
    family = run.engine.get("judge_family")
    return [
        {"scorer": name.removeprefix(_PREFIX), "digest": digest}
        | ({"family": family} if family is not None and name != _PREFIX + GROUNDING else {})
        for name, digest in sorted(run.engine.items())
        if name.startswith(_PREFIX)
    ]


def _files(module: str) -> dict[str, Path]:
    """The module's file, or every file of the package's folder but what the interpreter made, by its path there."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"{module} is not installed; reinstall sekisho")
    if spec.submodule_search_locations is None:
        return {Path(spec.origin).name: Path(spec.origin)}
    folder = Path(spec.origin).parent
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path for path in files}
