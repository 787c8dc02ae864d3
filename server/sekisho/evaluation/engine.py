"""What a run was measured with: strings only, stored with the run and shown to the gate."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from sekisho import __version__
from sekisho.evaluation import grounding, instruments
from sekisho.evaluation.plan import Plan

_LIBRARIES: Final = ("bm25s", "chromadb", "numpy", "sentence-transformers", "torch", "ollama")


def engine_of(plan: Plan) -> dict[str, str]:
    """Versions of Sekisho, Python and the libraries at work; digests of index, model and instruments; the seed."""
    found = {
        "sekisho": __version__,
        "python": platform.python_version(),
        "seed": str(plan.seed),
    }
    if plan.index is not None:
        found["index"] = plan.index
    if plan.answering is not None:
        found["model"] = plan.answering.model.digest
        found["model_name"] = plan.answering.model.name
        found["family"] = plan.answering.model.family
    found |= instruments.engine_entries(plan)
    if any(measure.scorer.name == "grounding" for measure in plan.measures):
        found["grounding"] = grounding.digest()
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
