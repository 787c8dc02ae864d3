"""One altered word in an otherwise faithful sentence: what stands where the context has something else.

A sentence is laid along the context sentences that it shares most with, token by token in order (Ratcliff and
Obershelp's matching, as `difflib` has it). Where the words on both sides agree and one in the middle does not, that one
was put in its place: another number, another name, the opposite, a word from elsewhere. Beside it: numbers and names
whose company in the context stands around another number or name, and negations on one side only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from sekisho.evaluation.grounding.opposites import OPPOSITES
from sekisho.evaluation.grounding.source import WINDOW, Source, neighbours
from sekisho.evaluation.grounding.terms import Token
from sekisho.evaluation.grounding.vectors import WordVectors

NAMES: Final = (
    *("aligned", "aligned_order", "altered", "altered_number", "altered_name", "altered_word", "altered_far"),
    *(
        "altered_opposite",
        "altered_negation",
        "altered_added",
        "number_rival",
        "name_rival",
        "denied_new",
        "denied_lost",
    ),
)
_MOST_TOKENS: Final = 120
_CANDIDATES: Final = 4
_MOST_REPLACED: Final = 3
_FAITHFUL: Final = 0.4
_MOST_RIVALS: Final = 80
_NOON: Final = 12


@dataclass(frozen=True, slots=True)
class Altered:
    """Characters `start` to `end` of the answer stand where the context says `instead`."""

    kind: str
    start: int
    end: int
    instead: str


@dataclass(frozen=True, slots=True)
class _Laid:
    """A sentence along one context sentence: the share of its weight matched in order, and what differs between."""

    share: float
    order: float
    ops: Sequence[tuple[str, int, int, int, int]]
    theirs: Sequence[Token]


class Alterations:
    """Finds them against one context."""

    def __init__(self, source: Source, vectors: WordVectors) -> None:
        self._source = source
        self._vectors = vectors
        self._numbers = [i for i, t in enumerate(source.tokens) if t.number][:_MOST_RIVALS]
        self._names = [i for i, t in enumerate(source.tokens) if t.name][:_MOST_RIVALS]
        self._around: dict[int, frozenset[str]] = {}

    def features(self, found: Sequence[Token]) -> tuple[dict[str, float], list[Altered]]:
        """The numbers for the head, and what can be pointed at."""
        mine = found[:_MOST_TOKENS]
        laid = self._laid(mine)
        row = dict.fromkeys(NAMES, 0.0)
        row["number_rival"] = self._rival(mine, [i for i, t in enumerate(mine) if t.number], self._numbers)
        row["name_rival"] = self._rival(mine, [i for i, t in enumerate(mine) if t.name], self._names)
        row |= self._denied(mine)
        if laid is None:
            return row, []
        altered = self._altered(mine, laid)
        row["aligned"], row["aligned_order"] = laid.share, laid.order
        for kind in ("number", "name", "word", "opposite", "negation", "added"):
            row[f"altered_{kind}"] = float(sum(a.kind == kind for a in altered))
        row["altered"] = len(altered) * laid.share
        row["altered_far"] = self._far(altered, mine)
        return row, altered

    def _laid(self, mine: Sequence[Token]) -> _Laid | None:
        keys = [t.key for t in mine]
        weights = {t.key: self._source.weight(t.key) for t in mine if t.content}
        whole = math.fsum(weights.values())
        laid = [self._along(keys, weights, whole, index) for index in self._nearest(weights)]
        return max(laid, key=lambda one: one.share, default=None)

    def _nearest(self, weights: dict[str, float]) -> list[int]:
        """The context sentences that hold most of the weight, each with its share, from the best windows."""
        starts = [start for _, start in self._source.best_windows(weights)]
        places = {i for start in starts for i in range(start, min(start + WINDOW, len(self._source.bags)))}
        held = {i: math.fsum(w for k, w in weights.items() if k in self._source.bags[i]) for i in places}
        return sorted((i for i in places if held[i]), key=lambda i: (-held[i], i))[:_CANDIDATES]

    def _along(self, keys: Sequence[str], weights: dict[str, float], whole: float, index: int) -> _Laid:
        theirs = self._source.sentences[index][: 2 * _MOST_TOKENS]
        matcher = SequenceMatcher(None, keys, [t.key for t in theirs], autojunk=False)
        ops = matcher.get_opcodes()
        matched = {k for op, i, j, _, _ in ops if op == "equal" for k in keys[i:j]}
        common = {t.key for t in theirs} & weights.keys()
        in_order = math.fsum(weights[k] for k in sorted(matched & weights.keys()))
        either = math.fsum(weights[k] for k in sorted(common))
        return _Laid(in_order / whole if whole else 0.0, in_order / either if either else 1.0, ops, theirs)

    def _altered(self, mine: Sequence[Token], laid: _Laid) -> list[Altered]:
        found: list[Altered] = []
        there = {t.key for t in laid.theirs}
        for place, (op, i, j, k, m) in enumerate(laid.ops):
            if op == "equal" or not _framed(laid.ops, place, mine):
                continue
            ours = [t for t in mine[i:j] if t.key not in there or t.number]
            theirs = laid.theirs[k:m]
            if op == "replace" and len(ours) <= _MOST_REPLACED and m - k <= 2 * _MOST_REPLACED:
                found += _replaced(ours, theirs)
            elif op == "insert":
                continue
            elif op == "delete" and len(ours) <= _MOST_REPLACED:
                found += [Altered("added", t.start, t.end, "") for t in ours if t.content and not t.negation]
        if laid.share >= _FAITHFUL:
            found += _turned(mine, laid.theirs, there)
            found += _miscounted(mine, laid.theirs, self._source.known)
        return list({(a.kind, a.start): a for a in found}.values())

    def _far(self, altered: Sequence[Altered], mine: Sequence[Token]) -> float:
        """How far the most distant replacing word is from what it replaced, in word vectors."""
        words = {t.start: t.key for t in mine}
        pairs = [(words[a.start], a.instead) for a in altered if a.kind == "word" and a.start in words and a.instead]
        if not pairs:
            return 0.0
        left, right = self._vectors.of([a for a, _ in pairs]), self._vectors.of([b for _, b in pairs])
        return float(1 - (left * right).sum(axis=1).min())

    def _rival(self, mine: Sequence[Token], places: Iterable[int], rivals: Sequence[int]) -> float:
        """By how much another number's (or name's) company in the context fits better than the token's own."""
        worst = 0.0
        for place in places:
            near = neighbours(mine, place, 4)
            if not near:
                continue
            key = mine[place].key
            own = max((len(near & them) for them in self._source.company(key)), default=0)
            other = max((len(near & self._company(at)) for at in rivals if self._source.keys[at] != key), default=0)
            worst = max(worst, (other - own) / len(near))
        return worst

    def _company(self, at: int) -> frozenset[str]:
        if at not in self._around:
            self._around[at] = neighbours(self._source.tokens, at)
        return self._around[at]

    def _denied(self, mine: Sequence[Token]) -> dict[str, float]:
        """Words under a negation here that stand under none there, and the other way round."""
        new = lost = 0
        for place, token in enumerate(mine):
            if token.stop or token.key not in self._source.known:
                continue
            here, there = _negated(mine, place), self._source.denied(token.key)
            new += here and there == 0.0
            lost += not here and there == 1.0
        return {"denied_new": float(new), "denied_lost": float(lost)}


def _framed(ops: Sequence[tuple[str, int, int, int, int]], place: int, mine: Sequence[Token]) -> bool:
    """Words agree on both sides, or on one where the other is the sentence's end; content words among them."""
    around = [ops[p] for p in (place - 1, place + 1) if 0 <= p < len(ops)]
    if not around or any(op[0] != "equal" for op in around):
        return False
    return any(t.content for _, i, j, _, _ in around for t in mine[i:j])


def _replaced(ours: Sequence[Token], theirs: Sequence[Token]) -> list[Altered]:
    """Each new token beside the token of its kind that it replaced."""
    found = []
    for token in ours:
        if opposite := next((t for t in theirs if t.key in OPPOSITES.get(token.key, ())), None):
            found.append(Altered("opposite", token.start, token.end, opposite.key))
        elif token.number and not token.stop:
            others = [t for t in theirs if t.number and not t.stop and t.key != token.key]
            told = any(_same_time(token.key, other.key) for other in others)
            found += [Altered("number", token.start, token.end, others[0].key)] if others and not told else []
        elif token.content:
            kind = [t for t in theirs if t.name] if token.name else [t for t in theirs if t.content]
            kind = [t for t in kind if t.key != token.key]
            found += [Altered("name" if token.name else "word", token.start, token.end, kind[0].key)] if kind else []
    return found


def _turned(mine: Sequence[Token], theirs: Sequence[Token], there: set[str]) -> list[Altered]:
    """A negation on one side only, and words whose opposite stands there while they do not."""
    here = {t.key for t in mine}
    denied = [t for t in mine if t.negation]
    found = []
    if bool(denied) is not any(t.negation for t in theirs):
        start, end = (denied[0].start, denied[0].end) if denied else (mine[0].start, mine[-1].end)
        found.append(Altered("negation", start, end, "" if denied else "not"))
    for token in mine:
        other = sorted(OPPOSITES.get(token.key, frozenset()) & there - here)
        if other and token.key not in there:
            found.append(Altered("opposite", token.start, token.end, other[0]))
    return found


def _miscounted(mine: Sequence[Token], theirs: Sequence[Token], known: set[str]) -> list[Altered]:
    """Numbers that stand nowhere in the context, where the sentence laid beside has one that is not told."""
    here = {t.key for t in mine}
    there = [t.key for t in theirs if t.number and not t.stop]
    untold = [key for key in there if key not in here]
    absent = [t for t in mine if t.number and not t.stop and t.key not in known]
    absent = [t for t in absent if not any(_same_time(t.key, key) for key in there)]
    return [Altered("number", t.start, t.end, untold[0]) for t in absent] if untold else []


def _same_time(ours: str, theirs: str) -> bool:
    """Whether they may say one time of day, at least one of them with minutes: 9, 9:0 and 09:00; 17:0 and 5."""
    if ":" not in ours + theirs:
        return False
    (hour, minute), (other, other_minute) = (_time(ours), _time(theirs))
    return minute == other_minute and hour is not None and other is not None and (hour - other) % _NOON == 0


def _time(key: str) -> tuple[int | None, int]:
    hour, _, minute = key.partition(":")
    known = hour.isdecimal() and (not minute or minute.isdecimal())
    return (int(hour), int(minute or 0)) if known else (None, 0)


def _negated(tokens: Sequence[Token], place: int) -> bool:
    return any(t.negation for t in tokens[max(0, place - 4) : place])
