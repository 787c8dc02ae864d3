"""A decision in words, for a terminal or a build log. Pure."""

from __future__ import annotations

from sekisho.evaluation.reports import neutral
from sekisho.gate.explaining.shape import Standing, Told, banner, headline, reasons, standing, tally, waived_note
from sekisho.kernel.digests import short


def explain_text(decision: Told, *, every_rule: bool = False) -> str:
    """The decision for a person: what blocks it, what was seen, what is wanted, how to mend it.

    Warnings and waived rules follow; passed rules are only counted, or listed with their details where `every_rule`
    asks for them.
    """
    about = f"decision {decision['id']} · policy {short(decision['policy_digest'])} · {decision['engine']}"
    lines = [headline(decision), about]
    if said := banner(decision):
        lines.insert(1, _under(said, 2))
    if along := decision.get("dependencies"):
        lines.append("together with " + ", ".join(f"{other['subject']}@v{other['number']}" for other in along))
    if decision.get("error"):
        lines += ["", f"  no verdict: {decision['error']}"]
    for wanted, mark in (
        (Standing.BLOCKS, "✗"),
        (Standing.OVERRIDDEN, "‼"),
        (Standing.WARNS, "!"),
        (Standing.WAIVED, "~"),
    ):
        for rule in _standing(decision, wanted):
            lines += ["", *_rule_lines(rule, mark)]
    lines += ["", tally(decision)]
    for rule in _standing(decision, Standing.PASSED) if every_rule else ():
        lines += [f"  ✓ {rule['id']} {rule['title']}: {rule['observed']}", *_details(rule)]
    # Authors wrote much of this, and a terminal or a build log obeys what a reader would not.
    return neutral.terminal("\n".join(lines))


def _standing(decision: Told, wanted: Standing) -> list[Told]:
    return [rule for rule in decision["rules"] if standing(rule) is wanted]


def _rule_lines(rule: Told, mark: str) -> list[str]:
    note = {"✗": "", "‼": ", overridden", "!": ", warns only", "~": f", {waived_note(rule)}"}[mark]
    lines = [f"  {mark} {rule['id']} {rule['title']}: {rule['status']}{note}", f"      {_under(rule['message'], 6)}"]
    parts = ("observed", "required", "remedy")
    lines += [f"      {name + ':':<10}{_under(rule[name], 16)}" for name in parts if rule[name]]
    return lines + _details(rule)


def _details(rule: Told) -> list[str]:
    """Of EVA-01 also the runs that came to nothing."""
    return [f"      · {_under(detail, 8)}" for detail in reasons(rule)]


def _under(text: str, indent: int) -> str:
    """The text with its further lines as deep as the first, so that none of them passes for a line of ours."""
    return text.replace("\n", "\n" + " " * indent)
