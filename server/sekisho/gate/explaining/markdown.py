"""A decision as a comment on a pull request: outcome, what blocks and how to mend it, the rest folded away. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from sekisho.evaluation.reports import neutral
from sekisho.evaluation.reports.neutral import markdown as inert
from sekisho.gate.explaining.shape import Standing, Told, banner, headline, reasons, standing, tally, waived_note
from sekisho.kernel.digests import short

LIMIT: Final = 65_536
"""Characters that GitHub takes in one comment."""
_RESERVE: Final = 500
_LINE: Final = 1_000
_MAX_REASONS: Final = 20
_MARKS: Final = {"allow": "✅", "override": "⚠️", "deny": "❌", "error": "💥"}


def markdown_of(decision: Told, *, limit: int = LIMIT) -> str:
    """At most `limit` characters; the last line says how much was cut to keep to it."""
    kept, size, cut = [], 0, 0
    for block in _blocks(decision):
        if size + len(block) + 2 > limit - _RESERVE:
            cut += 1
            continue
        kept.append(block)
        size += len(block) + 2
    if cut:
        kept.append(f"_{cut} parts were cut to keep to {limit:,} characters; `sekisho explain` has them._")
    return "\n\n".join(kept) + "\n"


def _blocks(decision: Told) -> Iterator[str]:
    yield f"### {_MARKS[decision['outcome']]} {inert(headline(decision))}"
    if said := banner(decision):
        yield f"**{_line(said)}**"
    if decision["outcome"] == "error":
        yield f"No verdict: {_line(decision.get('error') or 'the policy engine gave no verdict')}"
    for rule in (*_standing(decision, Standing.BLOCKS), *_standing(decision, Standing.OVERRIDDEN)):
        yield _blocking(rule)
    for title, stands in (("Warnings", Standing.WARNS), ("Waived", Standing.WAIVED)):
        if rules := _standing(decision, stands):
            lines = "\n".join(f"- {_name(rule)}{_given(rule)}: {_line(rule['message'])}" for rule in rules)
            yield f"**{title}**\n\n{lines}"
    if passed := _standing(decision, Standing.PASSED):
        lines = "\n".join(f"- {_name(rule)}: {_line(rule['observed'])}" for rule in passed)
        yield f"<details><summary>{len(passed)} rules passed</summary>\n\n{lines}\n\n</details>"
    policy, engine = inert(short(decision["policy_digest"])), inert(decision["engine"])
    yield f"{tally(decision)} · decision {inert(decision['id'])} · policy {policy} · {engine}"


def _blocking(rule: Told) -> str:
    note = ", overridden" if standing(rule) is Standing.OVERRIDDEN else ""
    lines = [f"**✗ {_name(rule)}: {inert(rule['status'])}{note}**", "", _line(rule["message"]), ""]
    lines += [f"- {name}: {_line(rule[name])}" for name in ("observed", "required") if rule[name]]
    found = reasons(rule)
    lines += [f"- {_line(reason)}" for reason in found[:_MAX_REASONS]]
    lines += [f"- and {len(found) - _MAX_REASONS} more"] if len(found) > _MAX_REASONS else []
    if rule["remedy"]:
        lines += ["", "To mend it:", "", _command(neutral.clipped(rule["remedy"], _LINE))]
    return "\n".join(lines)


def _given(rule: Told) -> str:
    return f" ({inert(waived_note(rule))})" if rule.get("waived_by") else ""


def _command(text: str) -> str:
    """A fenced block that the text cannot end. No character of it is broken up, since it is there to be copied."""
    body = neutral.visible(text)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", body)), default=0))
    return f"{fence}text\n{body}\n{fence}"


def _standing(decision: Told, wanted: Standing) -> list[Told]:
    return [rule for rule in decision["rules"] if standing(rule) is wanted]


def _name(rule: Told) -> str:
    return inert(f"{rule['id']} {rule['title']}".strip())


def _line(text: str) -> str:
    return inert(neutral.clipped(text, _LINE))
