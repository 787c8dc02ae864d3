"""A decision as annotations of a GitHub workflow: an error per blocking rule, a notice per waived one. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sekisho.evaluation.reports import neutral
from sekisho.gate.explaining.shape import Standing, Told, banner, headline, standing, tally, waived_note

_COMMANDS: Final = {
    Standing.BLOCKS: "error",
    Standing.OVERRIDDEN: "warning",
    Standing.WARNS: "warning",
    Standing.WAIVED: "notice",
}


def annotations_of(decision: Told) -> str:
    """Workflow commands, one a line; the first line is plain and tells the outcome."""
    return "\n".join([_data(headline(decision)), *_annotations(decision)]) + "\n"


def _annotations(decision: Told) -> Iterator[str]:
    if decision["outcome"] == "error":
        yield _command("error", "Sekisho: no verdict", decision.get("error") or "the policy engine gave no verdict")
    if said := banner(decision):
        yield _command("warning", "Sekisho: break-glass", said)
    for rule in decision["rules"]:
        stands = standing(rule)
        if stands in _COMMANDS:
            note = {Standing.WAIVED: f", {waived_note(rule)}", Standing.OVERRIDDEN: ", overridden"}.get(stands, "")
            title = f"{rule['id']} {rule['title']}: {rule['status']}{note}"
            yield _command(_COMMANDS[stands], title, _message(rule))
    yield _data(tally(decision))


def _command(name: str, title: str, message: str) -> str:
    return f"::{name} title={_property(title)}::{_data(message)}"


def _message(rule: Told) -> str:
    parts = [rule["message"], *(f"{name}: {rule[name]}" for name in ("observed", "required", "remedy") if rule[name])]
    return "\n".join(parts)


def _data(text: str) -> str:
    """As the runner reads a command's message: only these three are special, and a line break would end it."""
    return neutral.terminal(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """As it reads a property, where a comma or colon would end it too."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
