"""Which suite and dataset a name in the policy data means: written into ``data.yaml`` without touching its comments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

from sekisho.gate.parameters import Pin, read_policy_data
from sekisho.kernel.digests import is_digest
from sekisho.kernel.errors import FieldError, Invalid

_BLOCK: Final = re.compile(r"^  suites:[^\n]*\n(?:    [^\n]*\n)*", re.MULTILINE)


def with_pins(text: str, pins: Mapping[str, Pin]) -> str:
    """The text of a ``data.yaml`` with these pins in place of those of the same names; the others stay.

    Raises `Invalid` for a digest that is none, and for data that is not policy data.
    """
    faults = [
        FieldError(f"$.{name}.{part}", "not a whole digest")
        for name, pin in pins.items()
        for part, digest in (("suite", pin.suite), ("dataset", pin.dataset))
        if not is_digest(digest)
    ]
    if faults:
        raise Invalid("a pin is not a digest", fields=faults, remedy="give sha256:<64 hex digits>")
    present = read_policy_data(_load(text)).suites
    merged = {**present, **pins}
    lines = "".join(
        f'    {name}: {{suite: "{pin.suite}", dataset: "{pin.dataset}"}}\n' for name, pin in sorted(merged.items())
    )
    block = f"  suites:\n{lines}" if merged else "  suites: {}\n"
    pinned, found = _BLOCK.subn(lambda _: block, text, count=1)
    if found != 1 or read_policy_data(_load(pinned)).suites != merged:
        raise Invalid("the policy data has no `suites:` block of its own to write to", remedy="write it by hand")
    return pinned


def _load(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Invalid("the policy data is not valid YAML", fields=[FieldError("$", str(error))]) from error
