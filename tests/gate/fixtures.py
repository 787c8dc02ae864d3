"""The promotion and the parameters of `tests.gate.inputs` as Rego, for the policy's own tests.

``python -m tests.gate.fixtures`` writes them into ``policies/sekisho/fixtures_test.rego``, below what is written by
hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import yaml

from tests.gate.inputs import ROOT, promotion

FILE: Final = ROOT / "policies" / "sekisho" / "fixtures_test.rego"
FIRST: Final = "retrieval := {\n"
"""Where the written part begins."""
RUNS: Final = '"runs": [\n\t\t\tretrieval,\n\t\t\tanswers,\n\t\t],'


def text() -> str:
    """The whole file as it must be."""
    by_hand = FILE.read_text().partition(FIRST)[0]
    data = yaml.safe_load((Path(__file__).parent / "data.yaml").read_text())
    document = promotion()
    retrieval, answers = document["evidence"]["runs"]
    document["evidence"]["runs"] = []
    named = {"retrieval": retrieval, "answers": answers, "promotion": document, "parameters": data["parameters"]}
    parts = [f"{name} := {_rego(value, 0)}\n" for name, value in named.items()]
    return (by_hand + "\n".join(parts)).replace('"runs": [],', RUNS)


def _rego(value: Any, depth: int) -> str:
    inner, outer = "\t" * (depth + 1), "\t" * depth
    match value:
        case dict() if value:
            lines = [f"{inner}{json.dumps(key)}: {_rego(one, depth + 1)},\n" for key, one in value.items()]
            return "{\n" + "".join(lines) + outer + "}"
        case list() if value:
            lines = [f"{inner}{_rego(one, depth + 1)},\n" for one in value]
            return "[\n" + "".join(lines) + outer + "]"
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    FILE.write_text(text())
