"""Write every case with the decision it gets now. Read the difference before committing it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.gate import inputs
from tests.gate.cases import CASES, GOLDEN


async def _decisions() -> dict[str, Any]:
    from sekisho.gate.engines.regorus_engine import RegorusEngine

    engine = RegorusEngine(inputs.fixed_policies(), timeout_ms=10_000)
    try:
        return {case.name: await engine.evaluate(case.document) for case in CASES}
    finally:
        await engine.close()


def write_golden() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for stale in GOLDEN.glob("*.json"):
        stale.unlink()
    decisions = asyncio.run(_decisions())
    for case in CASES:
        kept = {"input": case.document, "decision": decisions[case.name]}
        text = json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True)
        (GOLDEN / f"{case.name}.json").write_text(text + "\n")


if __name__ == "__main__":
    write_golden()
