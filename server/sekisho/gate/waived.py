"""The waivers that a decision rested on: who excepted it from which rule, and until when. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sekisho.gate.input_types import GateInput
from sekisho.ledger.statements import WaiverUsed


def waivers_behind(gate_input: GateInput, answer: Mapping[str, Any] | None) -> tuple[Mapping[str, Any], ...]:
    """Of each rule that policy found waived, the waivers that can have counted, as ``id``, ``rule``, ``principal`` and
    ``expires_at`` (epoch milliseconds)."""
    rules = set(answer["waived"]) if answer else set()
    hands = {someone.principal for someone in gate_input.involved} | {gate_input.requester.principal}
    return tuple(
        {"id": one.id, "rule": one.rule, "principal": one.principal, "expires_at": one.expires_at}
        for one in gate_input.waivers
        if one.rule in rules
        and (one.digest, one.stage) == (gate_input.subject.digest, gate_input.stage)
        and one.independent
        and one.has_role
        and one.principal not in hands
        and one.expires_at > gate_input.now
    )


def signed(waivers: Sequence[Mapping[str, Any]]) -> list[WaiverUsed]:
    """The same, as it stands in the decision's statement."""
    return [WaiverUsed(**waiver) for waiver in waivers]
