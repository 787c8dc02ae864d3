"""What breaking the glass is made of: values and pure rules. Times are epoch milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from sekisho.kernel.clock import from_epoch_ms, iso
from sekisho.kernel.digests import digest_of
from sekisho.ledger.statements import Overrode

HOUR_MS: Final = 3_600_000
LONGEST_HOURS: Final = 24
"""For how long one version may stand at one stage by override, in all, whatever policy data says."""
SKEW_MS: Final = 60_000
"""How far behind the log's newest entry a clock may be before it counts as set back: replicas differ a little."""


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """What is asked for: to set the denial aside, why, and for how many hours."""

    reason: str
    hours: int


@dataclass(frozen=True, slots=True)
class Former:
    """What a stage served, and by which allowing decision."""

    digest: str
    number: int
    decision_id: str


@dataclass(frozen=True, slots=True)
class Override:
    """What a decision set aside: the `rules` that denied it, why, until when, and what comes back then.

    `returns_to` is None where the stage served nothing that was allowed.
    """

    until: int
    reason: str
    rules: tuple[str, ...]
    returns_to: Former | None

    def as_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = {"until": self.until, "reason": self.reason, "rules": list(self.rules)}
        return plain if self.returns_to is None else {**plain, "returns_to": asdict(self.returns_to)}

    def signed(self, decision_id: str) -> Overrode:
        """The same as it stands in the decision's statement; what `reason` says is held to it by a digest."""
        return Overrode(
            until=iso(from_epoch_ms(self.until)),
            reason=digest_of([decision_id, self.reason]),
            rules=list(self.rules),
            returns_to=None if self.returns_to is None else self.returns_to.digest,
        )


def override_of(plain: Mapping[str, Any]) -> Override:
    """The override whose `as_json` this is."""
    back = plain.get("returns_to")
    return Override(plain["until"], plain["reason"], tuple(plain["rules"]), None if back is None else Former(**back))


def covered_ms(spans: Iterable[tuple[int, int]]) -> int:
    """How long at least one of these spans (from, until) lasts; what two of them share counts once."""
    total, reached = 0, 0
    for begin, end in sorted(spans):
        total += max(0, end - max(begin, reached))
        reached = max(reached, end)
    return total
