"""In words: what spoke against a sentence, concretely where that can be shown, and where in the answer it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sekisho.evaluation.grounding.features import Judged
from sekisho.evaluation.grounding.flags import Claim
from sekisho.evaluation.grounding.source import Source

_MOST: Final = 4
_SAYS: Final = {
    "conflict": "the sentence claims “{label}”, the field says no",
    "conflict_no": "the sentence denies “{label}”, the field says yes",
    "invented": "the sentence claims “{label}”, the field holds nothing",
    "denied": "the sentence denies “{label}”, the field holds nothing",
}
_PLAIN: Final = frozenset(("number", "name", "opposite"))
_PHRASES: Final = {
    "novel": "many words stand nowhere in the context",
    "cover": "few of its words stand in the context",
    "aligned": "no sentence of the context runs along it",
    "align": "its words are far from any word of the context",
    "window": "no passage of the context holds its words together",
    "scattered": "its words stand far apart in the context",
    "pairs": "its neighbouring words stand in different places of the context",
    "gram": "it is worded unlike the context",
    "run": "little of it is copied from the context",
    "altered": "a word of it stands where the context has another",
    "denied": "it negates where the context does not, or the other way round",
    "number": "its numbers stand beside other words in the context",
    "name": "its names stand beside other words in the context",
    "negation": "it negates where the context does not, or the other way round",
    "cue": "it is phrased as inference, advice or generalisation",
    "flag": "it speaks of yes-or-no fields",
    "hours": "it speaks of opening hours",
    "stars": "its rating is not the one given",
    "counted": "it counts what the context does not count so",
    "mood": "its praise or blame does not fit the ratings given",
    "tokens": "it is long",
    "content": "it is long",
}


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` of the answer, and why they look unsupported."""

    start: int
    end: int
    reason: str


def shown(judged: Judged, source: Source) -> list[Span]:
    """What can be pointed at: numbers and names that stand nowhere, fields and hours that say otherwise."""
    found = [_field(judged, claim) for claim in judged.claims if claim.verdict in _SAYS]
    found += [Span(judged.start + s, judged.start + e, reason) for s, e, reason in judged.hours.wrong]
    found += [
        Span(a.start, a.end, f"“{_said(judged, a.start, a.end)}” stands where the context has “{a.instead}”")
        for a in judged.altered
        if a.kind in _PLAIN
    ]
    absent = [token for token in judged.tokens if token.key not in source.known]
    found += [
        Span(t.start, t.end, f"the number {_said(judged, t.start, t.end)} stands nowhere in the context")
        for t in absent
        if t.number
    ]
    found += [
        Span(t.start, t.end, f"the name {_said(judged, t.start, t.end)} stands nowhere in the context")
        for t in absent
        if t.name and not t.number
    ]
    if judged.row["negation_new"] or judged.row["denied_new"]:
        found += [
            Span(t.start, t.end, "a negation that the context does not have") for t in judged.tokens if t.negation
        ]
    return found


def novel(judged: Judged, source: Source) -> list[Span]:
    """Stretches of content words that stand nowhere in the context."""
    stretches: list[tuple[int, int]] = []
    fresh = False
    for token in judged.tokens:
        if token.stop:
            continue
        absent = token.key not in source.known
        if absent and fresh and stretches:
            stretches[-1] = (stretches[-1][0], token.end)
        elif absent:
            stretches.append((token.start, token.end))
        fresh = absent
    return [
        Span(start, end, f"“{_said(judged, start, end)}” stands nowhere in the context") for start, end in stretches
    ]


def phrases(moved: Sequence[tuple[str, float]]) -> list[str]:
    """The features that raised doubt most, in words, the same words once."""
    told: list[str] = []
    for name, weight in sorted(moved, key=lambda entry: -entry[1]):
        phrase = next((text for start, text in _PHRASES.items() if name.startswith(start)), None)
        if weight > 0 and phrase and phrase not in told:
            told.append(phrase)
        if len(told) == _MOST:
            break
    return told


def _field(judged: Judged, claim: Claim) -> Span:
    return Span(
        judged.start + claim.start, judged.start + claim.end, _SAYS[claim.verdict].format(label=claim.flag.label)
    )


def _said(judged: Judged, start: int, end: int) -> str:
    return judged.text[start - judged.start : end - judged.start]
