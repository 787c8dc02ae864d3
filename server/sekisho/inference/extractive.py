"""``builtin/extractive``: answers with the sentences of the passages that match the question best.

An honest baseline. It quotes, so it cannot make anything up; it understands nothing, so it may quote beside the
point. A sentence's score is the share of the question's inverse-document-frequency weight that it holds,
moderated by its length; every term is a word, or a pair of characters in Japanese.
"""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Final

from sekisho.inference.text import STOP_WORDS, has_cjk, sentence_spans, terms
from sekisho.inference.text import VERSION as TEXT_VERSION
from sekisho.inference.types import NOTHING_FOUND, Answer, AnswerRequest, AvailableModel
from sekisho.kernel.digests import digest_of

NAME: Final = "builtin/extractive"
_LEAST_SHARE_BP: Final = 2000
_SECOND_SHARE_BP: Final = 6500
_MOST_SENTENCES: Final = 2
DIGEST: Final = digest_of(
    {
        "name": NAME,
        "version": 1,
        "text": TEXT_VERSION,
        "least_share_bp": _LEAST_SHARE_BP,
        "second_share_bp": _SECOND_SHARE_BP,
        "most_sentences": _MOST_SENTENCES,
        "stop_words": list(STOP_WORDS),
    }
)
AVAILABLE: Final = AvailableModel(NAME, DIGEST, "builtin", "builtin", "extractive", 0)

_STOPPED: Final = frozenset(STOP_WORDS)
_SMALL_KANA: Final = re.compile("[぀-ゟー]+")
_MARKER: Final = re.compile(r"(?:[-*+]|\d+[.)]|>)\s+")
_SKIPPED: Final = ("#", "|", "```", "~~~")


@dataclass(frozen=True, slots=True)
class _Candidate:
    place: int
    text: str
    found: frozenset[str]
    length: int


class ExtractiveAnswerer:
    """Deterministic; needs no model, no network, no torch."""

    digest: Final = DIGEST

    async def answer(self, request: AnswerRequest) -> Answer:
        started = time.perf_counter()
        quoted = best_sentences(request.question, request.passages)
        text = "\n".join(quoted) or _nothing(request.question)
        return Answer(
            text=text,
            model_digest=self.digest,
            tokens_in=len(terms(request.question)) + sum(len(terms(passage)) for passage in request.passages),
            tokens_out=len(terms(text)),
            latency_ms=int((time.perf_counter() - started) * 1000),
            finish="stop" if quoted else NOTHING_FOUND,
        )

    async def check(self) -> None:
        """It is part of this package: nothing can have moved."""


def best_sentences(question: str, passages: tuple[str, ...]) -> list[str]:
    """At most two sentences, verbatim, in the order in which they stand; empty where nothing matches enough."""
    asked = frozenset(_content(question))
    candidates = _candidates(passages, asked)
    weights = _weights(asked, candidates)
    whole = math.fsum(weights.values())
    if not whole:
        return []
    mean = sum(candidate.length for candidate in candidates) / len(candidates)
    scored = sorted(
        ((_share(candidate, weights, whole), _moderation(candidate, mean), candidate) for candidate in candidates),
        key=lambda entry: (-round(entry[0] * entry[1], 9), entry[2].place),
    )
    first_share, first_moderation, _ = scored[0]
    if first_share * 10_000 < _LEAST_SHARE_BP:
        return []
    floor = first_share * first_moderation * _SECOND_SHARE_BP / 10_000
    chosen: dict[str, int] = {}
    for share, moderation, candidate in scored:
        if share * moderation >= floor and len(chosen) < _MOST_SENTENCES:
            chosen.setdefault(candidate.text, candidate.place)
    return sorted(chosen, key=chosen.__getitem__)


def _candidates(passages: tuple[str, ...], asked: frozenset[str]) -> list[_Candidate]:
    found: list[_Candidate] = []
    for passage in passages:
        for start, end in sentence_spans(passage):
            text = _MARKER.sub("", passage[start:end], count=1) if _MARKER.match(passage, start) else passage[start:end]
            words = _content(text)
            if words and not text.startswith(_SKIPPED):
                found.append(_Candidate(len(found), text, asked.intersection(words), len(words)))
    return found


def _content(text: str) -> list[str]:
    """Terms that carry meaning: no stop words, no pairs of hiragana (Japanese endings and particles)."""
    return [term for term in terms(text) if term not in _STOPPED and not _SMALL_KANA.fullmatch(term)]


def _weights(asked: frozenset[str], candidates: list[_Candidate]) -> dict[str, float]:
    """Weight of each asked term: rarer among the candidates is heavier, and one that no candidate holds is heaviest."""
    if not candidates:
        return {}
    frequency = Counter(term for candidate in candidates for term in candidate.found)
    return {term: math.log(1 + len(candidates) / (1 + frequency[term])) for term in sorted(asked)}


def _share(candidate: _Candidate, weights: dict[str, float], whole: float) -> float:
    return math.fsum(weights[term] for term in candidate.found) / whole


def _moderation(candidate: _Candidate, mean: float) -> float:
    """A long sentence holds many words by chance: BM25's length normalisation with b = 1/4."""
    return 1 / (0.75 + 0.25 * candidate.length / mean)


def _nothing(question: str) -> str:
    if has_cjk(question):
        return "渡された文書の中に、この質問の答えは見つかりませんでした。"
    return "The passages given hold no answer to this question."
