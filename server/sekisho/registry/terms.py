"""On what terms a stage serves what it does. Times are epoch milliseconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Overridden:
    """That a stage serves what policy denied, by break-glass: until when (epoch milliseconds), and why."""

    until: int
    reason: str


@dataclass(frozen=True, slots=True)
class Waived:
    """A rule that a waiver covered when the stage was moved; `until` is epoch milliseconds.

    `lapsed` where the waiver has expired since, or was withdrawn: policy would not let the version pass again.
    """

    rule: str
    until: int
    lapsed: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a stage serves what it does. `holds_until` is when they next change by themselves, if they do."""

    override: Overridden | None = None
    waived: tuple[Waived, ...] = ()
    holds_until: int | None = None
