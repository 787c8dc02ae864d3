"""Opening hours, by day, against the times that a sentence claims."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sekisho.evaluation.grounding.context import Material

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_INDEX: Final = {
    **{day: i for i, day in enumerate(DAYS)},
    **{day[:3]: i for i, day in enumerate(DAYS)},
    "tues": 1,
    "thur": 3,
    "thurs": 3,
}
_FIELD: Final = re.compile(r"\s*(\d{1,2}):(\d{1,2})\s*(?:-|–|to)\s*(\d{1,2}):(\d{1,2})\s*")
_DAY: Final = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:days?)?"
_TIME: Final = r"(?:\d{1,2}(?::\d{1,2})?\s*(?:[ap]\.?\s?m\b\.?)|\d{1,2}:\d{1,2}|\bnoon\b|\bmidnight\b)"
_RANGE: Final = re.compile(
    rf"(?P<open>{_TIME}|\b\d{{1,2}})\s*(?:-|–|—|to|until|till|and|through)\s*(?P<close>{_TIME})", re.IGNORECASE
)
_ANY_TIME: Final = re.compile(_TIME, re.IGNORECASE)
_DAYS: Final = re.compile(
    rf"\b(?P<first>{_DAY})\s*(?:-|–|—|to|through|thru|until)\s*(?P<last>{_DAY})\b|\b(?P<one>{_DAY})\b"
    r"|\b(?P<all>every ?day|daily|(?:seven|7) days|all (?:week|days)|each day|days? (?:a|of the) week"
    r"|throughout the week)\b"
    r"|\b(?P<week>weekdays?)\b|\b(?P<weekend>weekends?)\b",
    re.IGNORECASE,
)
_OPENING: Final = re.compile(r"\b(?:open(?:s|ing)?|clos(?:es?|ing)|hours? of|business hours)\b", re.IGNORECASE)
_CLOSED: Final = re.compile(r"\bclosed\b", re.IGNORECASE)

Times = tuple[int, int]


@dataclass(frozen=True, slots=True)
class HoursClaim:
    """How many (day, range) pairs a sentence claims, and those that the fields do not bear out, each in words."""

    claimed: int
    wrong: tuple[tuple[int, int, str], ...]
    dayless: int = 0
    """Ranges that this reading of the sentence gives no day."""


class Hours:
    """Opening hours read from the fields whose name is a day and whose value is a range of times."""

    def __init__(self, material: Material) -> None:
        self.by_day: dict[int, Times] = {}
        for field in material.fields:
            day = _DAY_INDEX.get(field.path[-1]) if field.path else None
            if day is not None and isinstance(field.value, str) and (match := _FIELD.fullmatch(field.value)):
                a, b, c, d = (int(part) for part in match.groups())
                self.by_day[day] = (a * 60 + b, c * 60 + d)

    def check(self, text: str) -> HoursClaim:
        if not self.by_day:
            return HoursClaim(0, ())
        ranges = [(m.start(), m.end(), *_read(m["open"], m["close"])) for m in _RANGE.finditer(text)]
        groups = _groups(text)
        closed = self._closed(text, groups)
        if ranges:
            readings = [self._pair(ranges, groups, after) for after in (False, True)]
            found = min(readings, key=lambda reading: (reading.dayless, len(reading.wrong)))
        else:
            found = self._loose(text)
        if _CLOSED.search(text):
            return HoursClaim(found.claimed + closed.claimed, closed.wrong)
        return HoursClaim(found.claimed, found.wrong)

    def _pair(
        self,
        ranges: Sequence[tuple[int, int, int, int]],
        groups: Sequence[tuple[int, int, frozenset[int]]],
        after: bool,
    ) -> HoursClaim:
        """Each range belongs to the days just before it, or all to the days just after.

        The reading that gives more ranges their days counts; of two alike the kinder one.
        """
        wrong: list[tuple[int, int, str]] = []
        claimed = dayless = 0
        for index, (start, end, opens, closes) in enumerate(ranges):
            low, high = (
                (end, ranges[index + 1][0] if index + 1 < len(ranges) else 10**9)
                if after
                else (ranges[index - 1][1] if index else 0, start)
            )
            days: frozenset[int] = frozenset().union(*(d for at, _, d in groups if low <= at < high))
            dayless += not days
            claimed += max(1, len(days))
            wrong += self._differences(start, end, (opens, closes), days)
        return HoursClaim(claimed, tuple(wrong), dayless)

    def _differences(self, start: int, end: int, said: Times, days: frozenset[int]) -> list[tuple[int, int, str]]:
        if not days:
            if any(_same(said, held) for held in self.by_day.values()):
                return []
            return [(start, end, f"no day has the hours {_clock(said)}")]
        return [
            (start, end, f"{DAYS[day].title()} is {_clock(self.by_day[day]) if day in self.by_day else 'not listed'}")
            for day in sorted(days)
            if day not in self.by_day or not _same(said, self.by_day[day])
        ]

    def _loose(self, text: str) -> HoursClaim:
        """Single times ("closes at 9 pm") must stand in some day's hours."""
        if not _OPENING.search(text):
            return HoursClaim(0, ())
        times = {minute for held in self.by_day.values() for minute in held}
        found = [(m.start(), m.end(), _minutes(m[0])) for m in _ANY_TIME.finditer(text)]
        wrong = [
            (s, e, "no day opens or closes then") for s, e, t in found if t % 1440 not in {x % 1440 for x in times}
        ]
        return HoursClaim(len(found), tuple(wrong))

    def _closed(self, text: str, groups: Sequence[tuple[int, int, frozenset[int]]]) -> HoursClaim:
        match = _CLOSED.search(text)
        if match is None:
            return HoursClaim(0, ())
        days = [(s, e, d) for s, e, d in groups if match.end() <= s < match.end() + 40][:1]
        wrong = [
            (s, e, f"{DAYS[day].title()} is open {_clock(self.by_day[day])}")
            for s, e, group in days
            for day in sorted(group)
            if day in self.by_day and self.by_day[day] != (0, 0)
        ]
        return HoursClaim(len(days), tuple(wrong))


def _groups(text: str) -> list[tuple[int, int, frozenset[int]]]:
    found = []
    for match in _DAYS.finditer(text):
        if match["first"]:
            first, last = _day(match["first"]), _day(match["last"])
            days = frozenset((first + i) % 7 for i in range((last - first) % 7 + 1))
        elif match["one"]:
            days = frozenset((_day(match["one"]),))
        else:
            days = frozenset(range(7) if match["all"] else range(5) if match["week"] else (5, 6))
        found.append((match.start(), match.end(), days))
    return found


def _day(word: str) -> int:
    return next(i for i, day in enumerate(DAYS) if day.startswith(word.lower()[:3]))


def _read(opens: str, closes: str) -> Times:
    """The first time of a range may leave its half of the day to the second: "11-9 pm", "5 to 9 pm"."""
    last = _minutes(closes)
    first = _minutes(opens)
    if opens.strip().isdigit() and last > 720 and first + 720 < last and first < 7 * 60:
        first += 720
    return first, last


def _minutes(text: str) -> int:
    lower = text.lower().replace(".", "").replace(" ", "")
    if "noon" in lower:
        return 720
    if "midnight" in lower:
        return 0
    digits = re.findall(r"\d+", lower)
    hour, minute = int(digits[0]), int(digits[1]) if len(digits) > 1 else 0
    if lower.endswith("pm"):
        hour = hour % 12 + 12
    elif lower.endswith("am"):
        hour %= 12
    return hour * 60 + minute


def _same(said: Times, held: Times) -> bool:
    return all(a % 1440 == b % 1440 for a, b in zip(said, held, strict=True))


def _clock(times: Times) -> str:
    return "-".join(f"{minute // 60 % 24}:{minute % 60:02}" for minute in times)
