"""A number in the answer against the expected one, within a tolerance."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Annotated, Final, Literal

from msgspec import Meta

from sekisho.evaluation.scorers.declaration import Measure, Outcome, Params, Scorer
from sekisho.evaluation.scorers.reading import NO_EXPECTED, readable
from sekisho.evaluation.types import Sample, Scored, Target, Unscored

METRIC: Final = "numeric"
MAX_DIGITS: Final = 100
_UNITS: Final = {"百": 100, "千": 10**3, "万": 10**4, "億": 10**8, "兆": 10**12}
# After NFKC: full-width digits, points and percent signs are the plain ones. A sign counts only where no word or number
# stands before it: "3-5" holds 3 and 5. Counts are bounded, so that a text of ten million digits is no number.
_NUMBER: Final = re.compile(
    r"(?P<sign>(?<![\w.)])[-\u2212\u25b2])?"
    r"(?P<body>(?<![\w.,])\d{1,3}(?:[,'\u2019]\d{3}){1,33}(?!\d)(?:\.\d{1,100})?"
    r"|\d{1,100}(?:\.\d{1,100})?|(?<![\w.])\.\d{1,100})"
    r"(?:[eE](?P<power>[+-]?\d{1,3})(?!\w))?"
    r"(?P<unit>[百千万億兆])?(?:\s?(?P<percent>%|パーセント|percent\b))?"
)
_LONG: Final = re.compile(rf"\d{{{MAX_DIGITS + 1},}}")
_SEPARATORS: Final = re.compile(r"[,'\u2019]")
_THIN_SPACES: Final = dict.fromkeys((0x00A0, 0x2009, 0x202F), "'")
"""Spaces that do not break a line stand between groups of digits; NFKC would make plain spaces of them."""


class NumericParams(Params, frozen=True, kw_only=True):
    """``absolute``: the largest difference that counts as equal, a decimal number as text such as ``"0.05"``.

    ``relative_bp``: the same as a share of the expected number, in basis points (100 is one percent). The wider of the
    two counts; both are 0 unless told. ``which``: the first or the last number of the answer.
    """

    absolute: Annotated[str, Meta(pattern=r"^[0-9]{1,30}(\.[0-9]{1,30})?$")] = "0"
    relative_bp: Annotated[int, Meta(ge=0, le=10_000)] = 0
    which: Literal["first", "last"] = "last"


@dataclass(frozen=True, slots=True)
class Number:
    """A number as read; a percentage is its hundredth part."""

    value: Fraction
    percent: bool

    @property
    def bare(self) -> Fraction:
        """The number in front of the percent sign."""
        return self.value * 100 if self.percent else self.value


def numbers(text: str) -> list[Number]:
    """Every number of a text in order.

    The point is the decimal mark; commas, apostrophes and thin spaces between groups of three digits are left out;
    full-width digits and 百千万億兆 are read (1億2000万 is one number). Numbers of more than 100 digits, numerals in
    kanji (三百) and decimal commas are not.
    """
    found: list[Number] = []
    end, unit = -1, 0
    for match in _NUMBER.finditer(_plain(text)):
        number, size = _number(match), _UNITS.get(match["unit"] or "", 1)
        if found and match.start() == end and unit > size and not match["sign"]:
            last = found[-1]
            found[-1] = Number(last.value + number.value if last.value >= 0 else last.value - number.value, False)
        else:
            found.append(number)
        end, unit = match.end(), size if match["unit"] else 0
    return found


def numeric(sample: Sample, params: NumericParams) -> Outcome:
    """1 where the answer's number is as near to the expected one as asked.

    Where only one side says percent, the bare number is taken in either sense: 12, 12 % and 0.12 answer "12 %".
    """
    answer = readable(sample)
    if isinstance(answer, Unscored):
        return Outcome({METRIC: answer}, {})
    if not (sample.case.expected or "").strip():
        return Outcome({METRIC: NO_EXPECTED}, {})
    wanted = _chosen(numbers(sample.case.expected or ""), params)
    if wanted is None:
        return Outcome({METRIC: Unscored("the expected answer holds no number")}, {})
    given = _chosen(numbers(answer), params)
    if given is None:
        return Outcome({METRIC: Scored(0.0)}, {"numeric": "the answer holds no number"})
    return Outcome({METRIC: Scored(float(_near(given, wanted, params)))}, {})


def _plain(text: str) -> str:
    return _LONG.sub(" ", unicodedata.normalize("NFKC", text.translate(_THIN_SPACES)))


def _number(match: re.Match[str]) -> Number:
    digits = _SEPARATORS.sub("", match["body"])
    value = Fraction(digits) * Fraction(10) ** int(match["power"] or 0) * _UNITS.get(match["unit"] or "", 1)
    signed = -value if match["sign"] else value
    return Number(signed / 100 if match["percent"] else signed, bool(match["percent"]))


def _chosen(found: Sequence[Number], params: NumericParams) -> Number | None:
    if not found:
        return None
    return found[0 if params.which == "first" else -1]


def _near(given: Number, wanted: Number, params: NumericParams) -> bool:
    pairs = [(given.value, wanted.value)]
    if given.percent != wanted.percent:
        pairs.append((given.bare, wanted.bare))
    share = Fraction(params.relative_bp, 10_000)
    return any(abs(a - b) <= max(Fraction(params.absolute), share * abs(b)) for a, b in pairs)


def _measures(scorer: Scorer, params: NumericParams) -> tuple[Measure, ...]:
    return (Measure(scorer, scorer.metrics, partial(numeric, params=params)),)


SCORERS: Final = (
    Scorer(
        name=METRIC,
        meaning="whether the answer's last (or first) number equals the expected one, within a tolerance",
        target=Target.ANSWERS,
        reads=("answer", "expected"),
        unscored="there is no answer, it is too long to read, or the expected answer holds no number",
        metrics=(METRIC,),
        measures=_measures,
        params=NumericParams,
        limits="The point is the decimal mark; commas, apostrophes and unbreakable spaces between groups of three"
        " digits are left out; full-width digits and 百千万億兆 are read; numerals in kanji, fractions and decimal"
        " commas are not. A percentage is its hundredth part; where only one side says percent, the bare number is"
        " taken in either sense.",
    ),
)
