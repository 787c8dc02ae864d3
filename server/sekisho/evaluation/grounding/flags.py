"""Yes-or-no fields of a structured context against what a sentence claims: "free WiFi" where the field says no."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sekisho.evaluation.grounding.context import Field, Material
from sekisho.evaluation.grounding.terms import Token, tokens
from sekisho.evaluation.words import stem

_YES: Final = frozenset(("yes", "true", "free", "paid", "y", "available"))
_NO: Final = frozenset(("no", "false", "none", "n", "unavailable"))
_GENERIC: Final = frozenset(
    stem(word) for word in ("good", "has", "is", "business", "offers", "accepts", "allowed", "available", "type")
)
# One word for what is written in several ways, on both sides of the comparison.
_SPELLINGS: Final = (
    (re.compile(r"\bwi[- ]?fi\b|\bwireless internet\b|\binternet(?: access)?\b", re.IGNORECASE), "wifi"),
    (re.compile(r"\btake[- ]?(?:outs?|aways?)\b|\bto[- ]go\b|\bcarry[- ]?outs?\b", re.IGNORECASE), "takeout"),
    (re.compile(r"\bambian?ces?\b|\bambien[ct]e?s?\b|\batmospheres?\b|\bvibes?\b", re.IGNORECASE), "ambience"),
)
_DENIES: Final = ("lack", "unavail", "unable")
_TURNS: Final = frozenset(("but", "however", "although", "though", "while", "yet", "whereas", "making"))
_VERBS: Final = frozenset(("offer", "provid", "accept", "has", "have", "featur", "includ"))
_OFFERS: Final = frozenset((*_VERBS, "avail", "with", "allow", "option", "there", "no", "not"))
_UNSTATED: Final = re.compile(
    r"\bnot (?:specif|mention|provid|stat|indicat|clear|list)|\bno (?:mention|information|indication)"
    r"|unknown|unspecified"
    r"|(?:details?|information) (?:on|about|regarding)",
    re.IGNORECASE,
)
_REACH: Final = 4


@dataclass(frozen=True, slots=True)
class Flag:
    """A field that says yes, no or nothing of the thing its name means. `under` are the words of its parent."""

    label: str
    terms: tuple[str, ...]
    under: tuple[str, ...]
    value: bool | None
    parent: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence speaks of a flag's thing, at `start` to `end` of its text.

    `affirmed` is None where it says that nothing is known; `echoed` where the context's running text speaks of it too.
    """

    flag: Flag
    affirmed: bool | None
    echoed: bool
    start: int
    end: int

    @property
    def verdict(self) -> str:
        if self.affirmed is None:
            return "agrees" if self.flag.value is None else "unstated"
        if self.affirmed and self.echoed and not self.flag.value:
            return "echoed"
        if self.flag.value is None:
            return "invented" if self.affirmed else "denied"
        return "agrees" if self.affirmed is self.flag.value else ("conflict" if self.affirmed else "conflict_no")


VERDICTS: Final = ("agrees", "unstated", "invented", "denied", "conflict", "conflict_no", "echoed")


class Flags:
    """The flags of a context, ready to be looked for in sentences."""

    def __init__(self, material: Material) -> None:
        fields = [(field, value) for field in material.fields if (value := _value(field)) is not Ellipsis]
        common = _common([field.path[-1] for field, _ in fields if field.path])
        self._flags = [_flag(field, value, common) for field, value in fields if field.path]
        self._flags += _parents(self._flags)
        spoken = " ".join(str(f.value) for f in material.fields if isinstance(f.value, str) and " " in f.value)
        self._elsewhere = {token.key for token in tokens(spell(spoken))}

    def claims(self, text: str) -> list[Claim]:
        """Every flag that the sentence speaks of, the more specific before its parent."""
        if not self._flags:
            return []
        spelt, back = _spell_with_places(text)
        found = tokens(spelt)
        claims = [
            Claim(
                flag,
                _polarity(spelt, found, place),
                self._spoken(flag),
                back[found[place].start],
                back[found[place].end - 1] + 1,
            )
            for flag in self._flags
            if (place := self._mention(flag, found)) is not None
        ]
        leaves = {claim.flag.under for claim in claims if claim.flag.under}
        return [claim for claim in claims if claim.flag.under or claim.flag.terms not in leaves]

    def _mention(self, flag: Flag, found: Sequence[Token]) -> int | None:
        for place, token in enumerate(found):
            if not alike(token.key, flag.terms[0]):
                continue
            stretch = found[max(0, place - _REACH) : place + _REACH + 1]
            held = sum(any(alike(t.key, term) for t in stretch) for term in flag.terms)
            if held * 2 >= len(flag.terms) and self._meant(flag, found):
                return place
        return None

    def _meant(self, flag: Flag, found: Sequence[Token]) -> bool:
        """A leaf's word alone may mean something else; with its parent's word, or nowhere else used, it does not."""
        if not flag.under:
            return not flag.parent or any(token.key.startswith(tuple(_OFFERS)) for token in found)
        if any(alike(token.key, term) for token in found for term in flag.under):
            return True
        return not self._spoken(flag) and len(flag.terms[0]) > 3

    def _spoken(self, flag: Flag) -> bool:
        """Whether the running text of the context (reviews, descriptions) speaks of the thing too."""
        return any(alike(key, flag.terms[0]) for key in self._elsewhere)


def spell(text: str) -> str:
    for pattern, word in _SPELLINGS:
        text = pattern.sub(word, text)
    return text


def alike(a: str, b: str) -> bool:
    """Same stem, or the same first five letters: ``touristy`` and ``touristic``."""
    return a == b or (min(len(a), len(b)) >= 4 and a[:5] == b[:5] and abs(len(a) - len(b)) <= 4)


def _spell_with_places(text: str) -> tuple[str, list[int]]:
    """The text in one spelling, and for each of its characters the place in the original."""
    places = list(range(len(text)))
    for pattern, word in _SPELLINGS:
        for match in reversed(list(pattern.finditer(text))):
            start, end = match.span()
            text = text[:start] + word + text[end:]
            inner = [places[min(end - 1, start + i)] for i in range(len(word))]
            inner[-1] = places[end - 1]
            places[start:end] = inner
    return text, places


def _value(field: Field) -> object:
    if field.value is None or isinstance(field.value, bool):
        return field.value
    if isinstance(field.value, str) and (word := field.value.strip().lower()) in _YES | _NO:
        return word in _YES
    return ...


def _common(names: Sequence[str]) -> frozenset[str]:
    """Words that stand in several field names say nothing of one of them: ``Restaurants…``."""
    seen = Counter(word for name in set(names) for word in set(name.split()))
    return frozenset(word for word, count in seen.items() if count >= 2)


def _flag(field: Field, value: object, common: frozenset[str]) -> Flag:
    assert value is None or isinstance(value, bool)  # noqa: S101 - narrows what `_value` promised
    words = [w for w in spell(field.path[-1]).split() if w not in common] or field.path[-1].split()
    under = _terms(spell(field.path[-2]).split()) if len(field.path) > 2 else ()
    return Flag(" ".join(field.path[-2:]), _terms(words), under, value)


def _terms(words: Sequence[str]) -> tuple[str, ...]:
    """Stems, the most telling first: no generic words where there are others, the longest leads."""
    keys = [token.key for token in tokens(" ".join(words)) if token.content] or [stem(word) for word in words]
    telling = [key for key in keys if key not in _GENERIC] or keys
    return tuple(sorted(telling, key=lambda key: -len(key)))


def _parents(flags: Sequence[Flag]) -> list[Flag]:
    """``business parking`` as a whole: yes where any of its leaves is."""
    groups: dict[tuple[str, ...], list[Flag]] = {}
    for flag in flags:
        if flag.under:
            groups.setdefault(flag.under, []).append(flag)
    return [
        Flag(
            members[0].label.rsplit(" ", 1)[0],
            under,
            (),
            any(m.value for m in members) or _all_no(members),
            parent=True,
        )
        for under, members in groups.items()
        if len(members) > 1
    ]


def _all_no(members: Sequence[Flag]) -> bool | None:
    return None if any(member.value is None for member in members) else False


def _polarity(text: str, found: Sequence[Token], place: int) -> bool | None:
    """Whether the sentence affirms the thing at `place`: a negation reaches over a list, up to a turn."""
    start, end = _clause(text, found, place)
    if _UNSTATED.search(text, start, end):
        return None
    denied = False
    for index, token in enumerate(found[:place]):
        if token.negation or token.key.startswith(_DENIES):
            denied = True
        elif token.key in _TURNS or (denied and token.key in _VERBS and _new_verb(found, index)):
            denied = False
    return not (denied or _denied_after(found[place + 1 : place + 5]))


def _new_verb(found: Sequence[Token], index: int) -> bool:
    """Not "does not offer" nor "does not have X or accept Y": those verbs stand under the negation."""
    before = found[max(0, index - 3) : index]
    return not any(token.negation for token in before) and not (before and before[-1].key in {"or", "nor"})


def _denied_after(after: Sequence[Token]) -> bool:
    """ "WiFi is not available", "WiFi isn't offered", "is unavailable"."""
    head = [token.key for token in after[:1]]
    return (
        any(token.key.startswith("unavail") for token in after[:3])
        or any(token.negation and "'" in token.key for token in after[:1])
        or (head in (["is"], ["are"], ["was"], ["were"]) and any(token.negation for token in after[1:2]))
    )


def _clause(text: str, found: Sequence[Token], place: int) -> tuple[int, int]:
    start = max(text.rfind(";", 0, found[place].start), text.rfind(" but ", 0, found[place].start), 0)
    stop = text.find(";", found[place].end)
    return start, len(text) if stop < 0 else stop
