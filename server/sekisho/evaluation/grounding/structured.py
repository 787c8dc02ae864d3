"""The typed fields of a structured context against one sentence: flags, hours, ratings, lengths of lists."""

from __future__ import annotations

import re
from typing import Final

from sekisho.evaluation.grounding.context import Material
from sekisho.evaluation.grounding.flags import VERDICTS, Claim, Flags
from sekisho.evaluation.grounding.hours import Hours, HoursClaim

_NUMBER: Final = r"\d+(?:\.\d+)?|one|two|three|four|five"
_STARS: Final = re.compile(
    rf"(?P<a>{_NUMBER})[- ]?(?:out of (?:5|five)|stars?|/5)\b"
    rf"|\brat(?:ing|ed)(?: (?:of|at|is|as))?(?: [a-z]+)? (?P<b>{_NUMBER})\b",
    re.IGNORECASE,
)
_COUNTED: Final = re.compile(
    rf"\b(?P<n>{_NUMBER}) (?:[a-z]+ )?(?P<what>reviews?|reviewers?|customers?|ratings?)\b", re.IGNORECASE
)
_ONE_VOICE: Final = re.compile(r"\b(?:one|another|a|third|second|first) (?:review|customer|diner|guest)", re.IGNORECASE)
_MANY: Final = re.compile(r"\b(?:many|most|all|several|customers|reviewers|reviews|overall|average)\b", re.IGNORECASE)
_SPELT: Final = {"one": 1.0, "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0}
_GOOD: Final = re.compile(
    r"\b(?:prais\w+|positive\w*|excellent|great|amazing|delicious|friendly|highly|favou?rit\w+|love[sd]?|popular|enjoy\w*"
    r"|satisf\w+|attentive|knowledgeable|high[- ]quality|good|best|well)\b",
    re.IGNORECASE,
)
_BAD: Final = re.compile(
    r"\b(?:critici\w+|negative\w*|poor\w*|disappoint\w+|bad|worst|rude\w*|slow|complain\w*|issues?|dirty|overpriced|bland"
    r"|unprofessional|mixed|concern\w*|dissatisf\w+|unfriendly)\b",
    re.IGNORECASE,
)


class Fields:
    """What the fields of one context say, ready for every sentence."""

    def __init__(self, material: Material) -> None:
        self.structured = material.structured
        self.flags = Flags(material)
        self.hours = Hours(material)
        rated = [(f, float(f.value)) for f in material.fields if _rating(f.path, f.value) and f.value is not None]
        listed = {path for path, _ in material.lists}
        self._single = {value for field, value in rated if not listed & set(field.path)}
        self._each = [value for field, value in rated if listed & set(field.path)]
        self._lengths = {length for _, length in material.lists}

    def features(self, text: str) -> tuple[dict[str, float], list[Claim], HoursClaim]:
        """The numbers for the head, and the claims behind them for whoever disagrees."""
        claims = self.flags.claims(text)
        hours = self.hours.check(text)
        return (
            {
                "structured": float(self.structured),
                **{f"flag_{v}": float(sum(claim.verdict == v for claim in claims)) for v in VERDICTS},
                "hours_claimed": float(hours.claimed),
                "hours_wrong": float(len(hours.wrong)),
                **self._ratings(text),
                **self._mood(text),
            },
            claims,
            hours,
        )

    def _ratings(self, text: str) -> dict[str, float]:
        said = (
            [_value(match["a"] or match["b"]) for match in _STARS.finditer(text)] if self._each or self._single else []
        )
        counted = [_value(match["n"]) for match in _COUNTED.finditer(text)] if self._lengths else []
        known = self._single | set(self._each)
        overall = not _ONE_VOICE.search(text)
        return {
            "stars": float(len(said)),
            "stars_unknown": float(sum(value not in known and value != 5 for value in said)),
            "stars_not_overall": float(sum(overall and bool(self._single) and v not in self._single for v in said)),
            "counted": float(len(counted)),
            "counted_wrong": float(sum(value not in self._lengths and value > 1 for value in counted)),
        }

    def _mood(self, text: str) -> dict[str, float]:
        """Praise where the reviews are low, blame where they are high."""
        if not self._each:
            return {"mood_high": 0.0, "mood_low": 0.0, "voices": 0.0, "mood_mean": 0.0}
        mean = sum(self._each) / len(self._each)
        many = bool(_MANY.search(text)) and not _ONE_VOICE.search(text)
        good, bad = bool(_GOOD.search(text)), bool(_BAD.search(text))
        return {
            "mood_high": (max(self._each) - mean + 5 - mean) * many if good and not bad else 0.0,
            "mood_low": (mean - 1) * many if bad else 0.0,
            "voices": float(many),
            "mood_mean": mean,
        }


def _rating(path: tuple[str, ...], value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and bool(re.search("star|rating", " ".join(path[-1:])))
    )


def _value(text: str) -> float:
    return _SPELT.get(text.lower()) or float(text) if not text.isalpha() or text.lower() in _SPELT else 0.0
