"""How well `grounding` tells supported answers from hallucinated ones, on human-labelled data.

    python benchmarks/grounding.py RAGTRUTH.jsonl [MORE.jsonl ...]

Nothing is trained, so nothing is held out. Printed per file and task: AUROC of the answer's doubt, the share of
supported answers wrongly flagged (false alarms), the share of hallucinated ones missed, and answers per second.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sekisho.evaluation.grounding import ground


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Probability that a positive is ranked above a negative; ties count half (Mann-Whitney)."""
    ordered = sorted([(value, 1) for value in positive] + [(value, 0) for value in negative])
    ranks, index = 0.0, 0
    while index < len(ordered):
        end = index
        while end < len(ordered) and ordered[end][0] == ordered[index][0]:
            end += 1
        ranks += sum(label for _, label in ordered[index:end]) * (index + end + 1) / 2
        index = end
    wins = ranks - len(positive) * (len(positive) + 1) / 2
    return wins / (len(positive) * len(negative))


def report(name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Judge the rows and print one line."""
    started = time.perf_counter()
    judged = [(row["hallucinated"], ground(row["response"], text_of(row["context"]))) for row in rows]
    rate = len(rows) / (time.perf_counter() - started)
    bad = [g for label, g in judged if label]
    good = [g for label, g in judged if not label]
    area = auroc([g.doubt for g in bad], [g.doubt for g in good])
    alarms = sum(g.hallucinated for g in good) / len(good)
    misses = sum(not g.hallucinated for g in bad) / len(bad)
    print(
        f"{name:28} n={len(rows):5} hallucinated={len(bad) / len(rows):.2f}"
        f" AUROC={area:.3f} false alarms={alarms:.2f} missed={misses:.2f} {rate:.0f} answers/s"
    )


def text_of(context: object) -> str:
    return context if isinstance(context, str) else json.dumps(context, ensure_ascii=False)


def main(paths: Sequence[str]) -> int:
    if not paths:
        print(__doc__)
        return 2
    for path in paths:
        rows = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines() if line.strip()]
        for task in sorted({row["task"] for row in rows}):
            report(f"{Path(path).stem} {task}", [row for row in rows if row["task"] == task])
        report(f"{Path(path).stem} pooled", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
