"""`python -m tests.http.record` writes the examples of the API's description anew, from what the API really answers."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from tests.api_client import ApiClient
from tests.clocks import FixedClock
from tests.http.journey import travel

from sekisho.http.app import create_app
from sekisho.http.examples import FILE
from sekisho.kernel.migrations import upgrade
from sekisho.kernel.settings import Settings
from sekisho.wiring.services import build_services

HEAD = "# Examples of the API's description, by operation. Written by `python -m tests.http.record`.\n"
LONG = 400
_KEYED = re.compile(r"sha256:[0-9a-f]{64}|[A-Z]{3}-[0-9]{2}")


def shortened(value: Any) -> Any:
    """As much as shows the form: one item of each list, one of what is keyed by digest or rule, no long text."""
    if isinstance(value, list):
        return [shortened(item) for item in value[:1]]
    if isinstance(value, dict):
        keyed = len(value) > 1 and all(_KEYED.fullmatch(name) for name in value)
        return {name: shortened(item) for name, item in list(value.items())[: 1 if keyed else None]}
    if isinstance(value, str) and value.startswith("sks_"):
        return "sks_" + "x" * 43
    return value if not isinstance(value, str) or len(value) <= LONG else f"{value[:LONG]}…"


async def recorded(folder: Path) -> dict[str, dict[str, Any]]:
    services = build_services(Settings(data_dir=folder), FixedClock())
    await upgrade(services.database)
    await services.start()
    try:
        async with ApiClient(create_app(services), services) as api:
            journey = await travel(api)
    finally:
        await services.close()
    examples: dict[str, dict[str, Any]] = {}
    for operation, body in sorted(journey.sent.items()):
        examples.setdefault(operation, {})["request"] = body
    for operation, answer in sorted(journey.answered.items()):
        examples.setdefault(operation, {})["response"] = shortened(answer)
    return examples


def main() -> None:
    with TemporaryDirectory() as folder:
        examples = asyncio.run(recorded(Path(folder)))
    text = yaml.safe_dump(examples, sort_keys=False, allow_unicode=True, width=110)
    FILE.write_text(HEAD + text, "utf-8")


if __name__ == "__main__":
    main()
