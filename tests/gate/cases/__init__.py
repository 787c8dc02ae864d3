"""Named gate inputs: one in which all passes, and for each rule those in which it alone does not.

Each family of rules has a file. ``python -m tests.gate.cases`` writes all with their decisions to
``tests/gate/golden/``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.gate.cases import documentation, evaluation, fairness, licences, lineage, operations, oversight, runs
from tests.gate.cases.declaring import CASES, Case

__all__ = [
    "CASES", "GOLDEN", "Case",
    "documentation", "evaluation", "fairness", "licences", "lineage", "operations", "oversight", "runs",
]  # fmt: skip

GOLDEN: Final = Path(__file__).parents[1] / "golden"
