"""Training negatives that differ from a supported sentence by one altered word.

Human labels hold few of them, since models rarely swap one figure in a copied sentence; people who break things on
purpose do. Each supported sentence gives itself and one broken copy. Only the training folds see them: figures are
measured on what people labelled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from sekisho.evaluation.grounding.context import read
from sekisho.evaluation.grounding.opposites import WORDS
from sekisho.evaluation.grounding.terms import Token, sentences, tokens

Random = np.random.Generator
Broken = tuple[str, int, int]
"""A sentence and where its altered words stand."""

_AUXILIARY: Final = re.compile(r"\b(?:is|are|was|were|can|will|should|must|could|would|may|has been|have been)\b")
_DENIAL: Final = re.compile(r" (?:not|never)\b|n't\b")
_FEWEST_WORDS: Final = 6
_ENDINGS: Final = ("ing", "ed", "ly", "tion", "s")


def broken(answers: Sequence[Mapping[str, Any]], seed: int, per_answer: int = 1) -> list[dict[str, Any]]:
    """Per answer some of its unmarked sentences, each as it is and with one thing altered."""
    random = np.random.default_rng(seed)
    made: list[dict[str, Any]] = []
    for answer in answers:
        text = answer["response"]
        clean = [
            (s, e)
            for s, e in sentences(text)
            if len(text[s:e].split()) >= _FEWEST_WORDS
            and not any(span["start"] < e and s < span["end"] for span in answer.get("spans") or ())
        ]
        order = random.permutation(len(clean))[:per_answer]
        for start, end in (clean[i] for i in order):
            made += _pair(answer, text[start:end], random)
    return made


def _pair(answer: Mapping[str, Any], sentence: str, random: Random) -> list[dict[str, Any]]:
    altered = alter(sentence, read(answer["context"]).text, random)
    if altered is None:
        return []
    text, start, end = altered
    whole = {**answer, "made": True, "hallucinated": False, "spans": []}
    return [
        {**whole, "response": sentence},
        {**whole, "response": text, "hallucinated": True, "spans": [{"start": start, "end": end}]},
    ]


def alter(sentence: str, context: str, random: Random) -> Broken | None:
    """One alteration, of a kind drawn by chance among those that the sentence offers; None where it offers none."""
    for way in random.permutation(len(_WAYS)):
        if (found := _WAYS[int(way)](sentence, tokens(sentence), context, random)) is not None:
            return found
    return None


def _number(text: str, found: Sequence[Token], context: str, random: Random) -> Broken | None:
    places = [t for t in found if t.number and text[t.start : t.end].isdigit()]
    if not places:
        return None
    token = places[int(random.integers(len(places)))]
    said = {t.key for t in found}
    others = sorted({context[t.start : t.end] for t in tokens(context) if t.number and t.key not in said})
    if others and random.random() < 0.5:
        return _put(text, token.start, token.end, others[int(random.integers(len(others)))])
    value = int(text[token.start : token.end][:9])
    step = int(random.integers(1, max(3, value // 2 + 2)))
    return _put(text, token.start, token.end, str(value + step if random.random() < 0.6 else abs(value - step)))


def _name(text: str, found: Sequence[Token], context: str, random: Random) -> Broken | None:
    places = [t for t in found if t.name]
    said = {t.key for t in found}
    others = sorted({context[t.start : t.end] for t in tokens(context) if t.name and t.key not in said})
    if not places or not others:
        return None
    token = places[int(random.integers(len(places)))]
    return _put(text, token.start, token.end, others[int(random.integers(len(others)))])


def _polarity(text: str, _: Sequence[Token], __: str, random: Random) -> Broken | None:
    if denied := _DENIAL.search(text):
        return text[: denied.start()] + text[denied.end() :], 0, max(1, denied.start())
    places = list(_AUXILIARY.finditer(text))
    if not places:
        return None
    place = places[int(random.integers(len(places)))]
    return _put(text, place.end(), place.end(), " not" if random.random() < 0.7 else " never")


def _opposite(text: str, found: Sequence[Token], _: str, random: Random) -> Broken | None:
    places = [t for t in found if text[t.start : t.end].lower() in WORDS]
    if not places:
        return None
    token = places[int(random.integers(len(places)))]
    others = WORDS[text[token.start : token.end].lower()]
    word = others[int(random.integers(len(others)))]
    return _put(text, token.start, token.end, word.capitalize() if text[token.start].isupper() else word)


def _word(text: str, found: Sequence[Token], context: str, random: Random) -> Broken | None:
    """A word that reads alike, by its ending, from elsewhere in the context."""
    places = [t for t in found if _plain(t, text)]
    if not places:
        return None
    token = places[int(random.integers(len(places)))]
    said = {t.key for t in found}
    ending = _ending(text[token.start : token.end])
    others = sorted(
        {
            word
            for t in tokens(context)
            if _plain(t, context) and t.key not in said and _ending(word := context[t.start : t.end]) == ending
        }
    )
    return _put(text, token.start, token.end, others[int(random.integers(len(others)))]) if others else None


def _plain(token: Token, text: str) -> bool:
    return token.content and not (token.number or token.name or token.cjk) and text[token.start].islower()


def _ending(word: str) -> str:
    return next((ending for ending in _ENDINGS if word.endswith(ending)), "")


def _put(text: str, start: int, end: int, word: str) -> Broken:
    """Three characters at least, so that it counts as a marked span."""
    return text[:start] + word + text[end:], max(0, start - 1), start + max(len(word), 3)


_WAYS: Final[tuple[Callable[[str, Sequence[Token], str, Random], Broken | None], ...]] = (
    _number,
    _name,
    _polarity,
    _opposite,
    _word,
)
