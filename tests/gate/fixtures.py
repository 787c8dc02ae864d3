"""The data of ``policies/sekisho/fixtures_test.rego``, from the promotion and the parameters of these tests.

``python -m tests.gate.fixtures`` writes it; a test compares them.
"""

from __future__ import annotations

import json
from typing import Any, Final

import yaml

from tests.gate.inputs import ANSWERS, RETRIEVAL, ROOT, Json, promotion

FILE: Final = ROOT / "policies" / "sekisho" / "fixtures_test.rego"
_FIRST: Final = "retrieval := {\n"


def fixtures() -> dict[str, Any]:
    """Each variable's value."""
    document = promotion()
    runs: dict[str, Json] = {run["suite"]: run for run in document["evidence"]["runs"]}
    data = yaml.safe_load((ROOT / "tests" / "gate" / "data.yaml").read_text())
    return {
        "retrieval": runs[RETRIEVAL],
        "answers": runs[ANSWERS],
        "promotion": document,
        "parameters": data["parameters"],
    }


def text() -> str:
    """The file with its data made anew; what stands above the data is written by hand."""
    by_hand = FILE.read_text("utf-8").partition(_FIRST)[0]
    values = fixtures()
    # The two runs stand once.
    whole = {**values["promotion"], "evidence": {**values["promotion"]["evidence"], "runs": ["$retrieval", "$answers"]}}
    parts = [f"{name} := {_rego(value)}\n" for name, value in {**values, "promotion": whole}.items()]
    return by_hand + "\n".join(parts)


def _rego(value: Any, depth: int = 0) -> str:
    """As `opa fmt` writes it."""
    inner = "\t" * (depth + 1)
    if isinstance(value, str) and value.startswith("$"):
        return value[1:]
    if isinstance(value, dict) and value:
        lines = [f"{inner}{json.dumps(key)}: {_rego(one, depth + 1)},\n" for key, one in value.items()]
        return "{\n" + "".join(lines) + "\t" * depth + "}"
    if isinstance(value, list) and value:
        return "[\n" + "".join(f"{inner}{_rego(one, depth + 1)},\n" for one in value) + "\t" * depth + "]"
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
