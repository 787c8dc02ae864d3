"""What an allowing decision rests on that ends by itself: waivers, and documents that people attested. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec import UNSET

from sekisho.ledger.statements import Decided

LICENCE: Final = "licence"
_CONFIRMS: Final = {LICENCE: "LIC-01"}
_DOCUMENTS: Final = "DOC-03"
"""The rules that read attested documents: `licence` ones are LIC-01's, of all other types DOC-03's."""
_NEVER: Final = 2**53


@dataclass(frozen=True, slots=True)
class Rest:
    """Something without which the rule may not pass again past `until` (epoch milliseconds); `id` is its own."""

    rule: str
    until: int
    id: str


def rests_of(decided: Decided, document: Mapping[str, Any]) -> tuple[Rest, ...]:
    """By a decision's statement and the gate input that it was made on.

    Of attested documents only those count that stood then, for a rule that passed: where they run out the rule is
    judged anew, and passes again where it did not need them.
    """
    waived = () if decided.waivers is UNSET else decided.waivers
    return (*(Rest(one.rule, one.expires_at, one.id) for one in waived), *_attested(decided, document))


def next_end(rests: tuple[Rest, ...]) -> int:
    """When the first of them ends."""
    return min((one.until for one in rests), default=_NEVER)


def ended(rests: tuple[Rest, ...], now: int) -> tuple[Rest, ...]:
    return tuple(one for one in rests if one.until <= now)


def _attested(decided: Decided, document: Mapping[str, Any]) -> Iterator[Rest]:
    passed = {rule.id for rule in decided.rules if rule.status == "passed"}
    for one in document["evidence"].get("attested", ()):
        rule = _CONFIRMS.get(one["type"], _DOCUMENTS)
        stood = one["has_role"] and not one["withdrawn"] and one["expires_at"] > document["now"]
        if rule in passed and stood:
            yield Rest(rule, one["expires_at"], one["id"])
