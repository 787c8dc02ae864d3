"""The row of numbers that stands for one answer sentence, in a fixed order.

`RAISES` and `LOWERS` name what in it may only raise or only lower doubt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sekisho.evaluation.grounding import alignment, alterations, lexical
from sekisho.evaluation.grounding.alignment import Alignment
from sekisho.evaluation.grounding.alterations import Alterations, Altered
from sekisho.evaluation.grounding.context import Material
from sekisho.evaluation.grounding.flags import VERDICTS, Claim
from sekisho.evaluation.grounding.hours import HoursClaim
from sekisho.evaluation.grounding.source import Source
from sekisho.evaluation.grounding.structured import Fields
from sekisho.evaluation.grounding.terms import Token, sentences, tokens
from sekisho.evaluation.grounding.vectors import WordVectors

VERSION: Final = 3
"""Raise with any change to what is computed: a head trained for other features is refused."""

_STRUCTURED: Final = (
    "structured",
    *(f"flag_{verdict}" for verdict in VERDICTS),
    *("hours_claimed", "hours_wrong", "stars", "stars_unknown", "stars_not_overall", "counted", "counted_wrong"),
    *("mood_high", "mood_low", "voices", "mood_mean"),
)
_PLACE: Final = ("first", "last", "place", "count", "colon", "item", "has_question")
NAMES: Final = (*lexical.NAMES, *_STRUCTURED, *alignment.NAMES, *alterations.NAMES, *_PLACE)

RAISES: Final = frozenset(
    (
        *("novel", "novel_weight", "novel_unasked", "numbers_missing", "numbers_missing_share", "names_missing"),
        *("names_missing_share", "negation_new", "pairs_apart", "align_far", "hours_wrong", "flag_conflict"),
        *("flag_conflict_no", "flag_invented", "flag_denied", "stars_unknown", "names_apart"),
        *("novel_common", "novel_rarity"),
    )
)
LOWERS: Final = frozenset(
    (
        *("cover", "cover_plain", "window", "window_single", "window_two", "gram2", "gram3", "gram4", "run_share"),
        *("number_company", "number_company_least", "name_company", "name_company_least", "pairs_known"),
        *("pairs_together", "pairs_near", "align_mean", "align_weighted", "align_least", "align_low", "align_novel"),
        *("align_novel_least", "rare_cover"),
    )
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A sentence of the answer with its features and what they were made of."""

    start: int
    end: int
    text: str
    tokens: Sequence[Token]
    row: Mapping[str, float]
    claims: Sequence[Claim]
    hours: HoursClaim
    altered: Sequence[Altered]
    copied: bool


class Ground:
    """A context, ready for any number of answers. Holds nothing that changes: any thread may use it."""

    def __init__(self, material: Material, vectors: WordVectors) -> None:
        self.material = material
        self.source = Source(material)
        self.fields = Fields(material)
        self.alignment = Alignment(self.source, vectors)
        self.alterations = Alterations(self.source, vectors)

    def sentences(self, answer: str, question: str | None) -> list[Judged]:
        """Every sentence of the answer that holds a content word."""
        asked = frozenset(token.key for token in tokens(question or "") if token.content)
        parts = [(start, end, tokens(answer[start:end], start)) for start, end in sentences(answer)]
        parts = [part for part in parts if any(token.content for token in part[2])]
        return [
            self._judge(answer, start, end, found, asked, _place(answer, start, end, i, len(parts), bool(question)))
            for i, (start, end, found) in enumerate(parts)
        ]

    def _judge(
        self, answer: str, start: int, end: int, found: list[Token], asked: frozenset[str], place: dict[str, float]
    ) -> Judged:
        text = answer[start:end]
        fields, claims, hours = self.fields.features(text)
        changes, altered = self.alterations.features(found)
        row = {
            **lexical.lexical(found, text, self.source, asked),
            **lexical.particulars(found, text, self.source),
            **fields,
            **self.alignment.features(found, text, start, asked),
            **changes,
            **place,
        }
        copied = self.source.copied([token.key for token in found]) == len(found)
        return Judged(start, end, text, found, row, claims, hours, altered, copied)


def _place(answer: str, start: int, end: int, index: int, count: int, asked: bool) -> dict[str, float]:
    line = answer[answer.rfind("\n", 0, start) + 1 : start].strip()
    return {
        "first": float(index == 0),
        "last": float(index == count - 1),
        "place": index / max(1, count - 1),
        "count": float(count),
        "colon": float(answer[start:end].endswith(":")),
        "item": float(bool(line) and len(line) <= 4),
        "has_question": float(asked),
    }
