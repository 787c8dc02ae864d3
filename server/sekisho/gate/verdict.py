"""From whatever an engine answered to a verdict, or to `EngineFailed`: never to an allow by accident.

The answer must have the shape of ``policies/decision.schema.json`` and agree with itself: an allow whose own rules do
not bear it out is an engine's or a policy's mistake, and moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sekisho.gate.types import Mode, PolicyAnswer, PolicyVerdict, RuleStatus
from sekisho.kernel.errors import EngineFailed

_WAIVABLE = (RuleStatus.FAILED, RuleStatus.INCONCLUSIVE, RuleStatus.MISSING)


def read_verdict(raw: object, *, engine: str, policy_digest: str) -> PolicyVerdict:
    """Raises `EngineFailed` for anything that is not a whole and consistent answer."""
    if not isinstance(raw, dict):
        raise EngineFailed(f"{engine} answered {type(raw).__name__}, not a decision")
    try:
        answer = msgspec.convert(raw, PolicyAnswer)
    except msgspec.ValidationError as error:
        raise EngineFailed(f"{engine} answered something that is not a decision: {error}") from error
    if faults := list(_contradictions(answer)):
        raise EngineFailed(f"{engine} answered a decision that contradicts itself: {'; '.join(faults)}")
    return PolicyVerdict(answer, engine, policy_digest)


def _contradictions(answer: PolicyAnswer) -> Iterator[str]:
    required, rules = set(answer.required), answer.rules
    if unknown := required - rules.keys():
        yield f"required rules without a result: {', '.join(sorted(unknown))}"
        return
    if loose := [rule for rule in answer.required if rules[rule].mode is not Mode.ENFORCE]:
        yield f"required rules that are not enforced: {', '.join(loose)}"
    passed = {rule for rule, result in rules.items() if result.status is RuleStatus.PASSED}
    waived = {rule for rule, result in rules.items() if result.waived}
    if passed != set(answer.passed):
        yield "the list of passed rules is not that of the results"
    if waived != set(answer.waived):
        yield "the list of waived rules is not that of the results"
    if any(rules[rule].status not in _WAIVABLE for rule in waived):
        yield "a rule is waived that had nothing to waive"
    if required - passed - waived != set(answer.blocking):
        yield "the list of blocking rules is not what is required and neither passed nor waived"
    if answer.allow is bool(answer.blocking):
        yield "it allows with rules blocking" if answer.allow else "it denies with nothing blocking"
