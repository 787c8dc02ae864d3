"""Only a whole decision that agrees with itself is a verdict."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from sekisho.gate.types import Outcome
from sekisho.gate.verdict import read_verdict
from sekisho.kernel.errors import EngineFailed
from tests.gate.cases import GOLDEN

Json = dict[str, Any]


def decision(name: str) -> Json:
    kept: Json = json.loads((GOLDEN / f"{name}.json").read_text())["decision"]
    return kept


ALLOWED = "ovs-01-everything-in-order"
DENIED = "ovs-01-no-approval"


@pytest.mark.parametrize("raw", [None, True, 1, "allow", "<undefined>", [], {}, {"allow": True}])
def test_what_is_not_a_decision_is_an_error(raw: object) -> None:
    """Undefined, a bare yes, an empty object."""
    with pytest.raises(EngineFailed):
        read_verdict(raw, engine="an engine", policy_digest="")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (DENIED, lambda answer: answer.update(allow=True)),
        (DENIED, lambda answer: answer.update(allow=True, blocking=[])),
        (DENIED, lambda answer: answer.update(allow=True, blocking=[], passed=[*answer["passed"], "OVS-01"])),
        (DENIED, lambda answer: answer.update(allow=True, blocking=[], waived=["OVS-01"])),
        (ALLOWED, lambda answer: answer.update(allow=False)),
        (ALLOWED, lambda answer: answer.update(allow="true")),
        (ALLOWED, lambda answer: answer.update(allow=1)),
        (ALLOWED, lambda answer: answer.update(required=[])),
        (ALLOWED, lambda answer: answer.update(rules={})),
        (ALLOWED, lambda answer: answer.update(note="extra")),
        (ALLOWED, lambda answer: answer["required"].append("SEC-01")),
        (ALLOWED, lambda answer: answer["required"].append("x")),
        (ALLOWED, lambda answer: answer["rules"]["EVA-01"].update(status="fine")),
        (ALLOWED, lambda answer: answer["rules"]["EVA-01"].update(status="failed")),
        (ALLOWED, lambda answer: answer["rules"]["EVA-01"].update(waived=True)),
        (ALLOWED, lambda answer: answer["rules"]["EVA-01"].update(mode="warn")),
        (ALLOWED, lambda answer: answer["rules"]["EVA-01"].pop("remedy")),
        (ALLOWED, lambda answer: answer["rules"]["EVA-01"].update(details=[None])),
        (ALLOWED, lambda answer: answer["rules"].pop("EVA-01")),
    ],
)
def test_an_answer_that_contradicts_itself_is_an_error(name: str, change: Callable[[Json], object]) -> None:
    """Neither an allow nor a deny is taken that its own rules do not bear out."""
    answer = copy.deepcopy(decision(name))
    change(answer)
    with pytest.raises(EngineFailed):
        read_verdict(answer, engine="an engine", policy_digest="")


@pytest.mark.parametrize(
    ("name", "outcome", "lacking"),
    [
        (ALLOWED, Outcome.ALLOW, False),
        (DENIED, Outcome.DENY, True),
        ("eva-04-across-the-floor", Outcome.DENY, True),
        ("fai-02-gap-between-languages", Outcome.DENY, False),
        ("doc-01-waived-card", Outcome.ALLOW, False),
    ],
)
def test_a_verdict_tells_a_failure_from_lacking_evidence(name: str, outcome: Outcome, lacking: bool) -> None:
    """A denial for want of evidence is told from one for a rule that failed."""
    verdict = read_verdict(decision(name), engine="an engine", policy_digest="sha256:x")
    assert (verdict.outcome, verdict.only_evidence_lacks) == (outcome, lacking)
    assert verdict.as_json() == decision(name)
