"""Does an answer stand on its context? Sentence by sentence, by what the words show, without a model.

Each answer sentence is laid beside every window of three neighbouring context sentences. What it shares with the best
window (terms weighted by rarity, and neighbouring pairs of terms), what it shares with the whole context, and what it
brings that stands nowhere in it (numbers, names, a negation) give its `support` in [0, 1]. A sentence below
`THRESHOLD` is unsupported; an answer with one unsupported sentence is hallucinated.

This sees invention and altered figures. It does not see a wrong conclusion put in the context's own words, it takes
a free paraphrase for invention, and it cannot read a context that is JSON. Measured by ``benchmarks/grounding.py``:
AUROC .80 on RAGTruth's question answering (46 % false alarms, 12 % missed), .64 on its summaries, .70 on its JSON
contexts (where it flags every answer: out of its range), .91 on BEGIN's dialogues, .82 on WiCE's claims.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from sekisho.evaluation.words import is_number, sentences, stem, terms, words

THRESHOLD: Final = 0.4
_WINDOW: Final = 3
_NEGATIONS: Final = frozenset(
    (
        *("not", "no", "never", "none", "neither", "nor", "without", "cannot", "can't", "don't", "doesn't"),
        *("didn't", "isn't", "aren't", "wasn't", "weren't"),
    )
)
_NEGATION_JA: Final = re.compile(r"ません|ない(?:。|$|の|た|で)|なかった|禁止")
_NAME: Final = re.compile(r"(?<![.!?:\"“])\s([A-Z][a-z]+(?:[A-Z][a-z]+)*)")
_ABSTAINED: Final = re.compile(
    r"\b(?:not found|(?:hold|holds|contain|contains|give|gives|find|finds|found|is|there is) no answer"
    r"|no answer (?:is|was|can|could)|cannot (?:be )?(?:answer|determin|find)"
    r"|can(?:no|')t (?:answer|find|determine)|unable to (?:answer|find|determine)"
    r"|do(?:es)? ?n[o']t (?:know|contain|mention|provide|say|specify|include)"
    r"|not (?:mentioned|specified|provided|stated) in)"
    r"|見つかりません|見つからな|わかりません|分かりません|記載(?:が|は)(?:ありません|ない)|答えられません|不明です",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One answer sentence, how far it is supported, and in words what spoke against it."""

    text: str
    support: float
    reasons: tuple[str, ...]

    @property
    def supported(self) -> bool:
        return self.support >= THRESHOLD


@dataclass(frozen=True, slots=True)
class Grounding:
    """An answer's sentences; `doubt` in [0, 1] orders answers by how likely they hold something unsupported."""

    sentences: tuple[Sentence, ...]
    abstained: bool

    @property
    def hallucinated(self) -> bool:
        return not self.abstained and any(not sentence.supported for sentence in self.sentences)

    @property
    def doubt(self) -> float:
        if self.abstained or not self.sentences:
            return 0.0
        supports = [sentence.support for sentence in self.sentences]
        return 1 - (min(supports) + sum(supports) / len(supports)) / 2


def ground(answer: str, context: str) -> Grounding:
    """Judge an answer that is not empty against a context that is not empty."""
    source = _Source(context)
    judged = tuple(source.support(sentence) for sentence in sentences(answer) if terms(sentence))
    return Grounding(judged, abstained(answer))


def abstained(answer: str) -> bool:
    """Whether the answer declines: it is short, and says that it does not know or did not find."""
    return len(sentences(answer)) <= 2 and len(answer) <= 300 and _ABSTAINED.search(answer) is not None


class _Source:
    """A context, taken apart once for all sentences of the answer."""

    def __init__(self, context: str) -> None:
        parts = [terms(sentence) for sentence in sentences(context)] or [[]]
        self._windows = [
            Counter(term for part in parts[i : i + _WINDOW] for term in part)
            for i in range(max(1, len(parts) - _WINDOW + 1))
        ]
        self._all = Counter(term for part in parts for term in part)
        frequency = Counter(term for part in parts for term in set(part))
        self._weights = {term: math.log(1 + len(parts) / count) for term, count in frequency.items()}
        self._novel = math.log(1 + len(parts))
        flat = [term for part in parts for term in part]
        self._pairs = set(pairwise(flat))
        self._negated = _negations(context) > 0

    def support(self, sentence: str) -> Sentence:
        found = terms(sentence)
        inside = self._covered(found, self._all)
        window = max(self._covered(found, window) for window in self._windows)
        pairs = list(pairwise(found))
        chained = sum(pair in self._pairs for pair in pairs) / len(pairs) if pairs else inside
        support = 0.45 * inside + 0.35 * window + 0.2 * chained
        reasons = []
        if missing := sorted({t for t in found if is_number(t) and t not in self._all}):
            support *= 0.6 ** min(2, len(missing))
            reasons.append(f"numbers that stand nowhere in the context: {', '.join(missing)}")
        if strange := sorted({n for n in _names(sentence) if stem(n.lower()) not in self._all}):
            support *= 0.75 ** min(2, len(strange))
            reasons.append(f"names that stand nowhere in the context: {', '.join(strange)}")
        if _negations(sentence) and not self._negated:
            support *= 0.75
            reasons.append("a negation that the context does not have")
        if support < THRESHOLD and not reasons:
            novel = sorted({t for t in found if t not in self._all}, key=lambda t: (-len(t), t))[:5]
            reasons.append(
                f"words that stand nowhere in the context: {', '.join(novel)}"
                if novel
                else "its words stand far apart in the context"
            )
        return Sentence(sentence, round(min(1.0, support), 6), tuple(reasons))

    def _covered(self, found: Sequence[str], pool: Mapping[str, int]) -> float:
        weights = [(self._weights.get(term, self._novel), term in pool) for term in set(found)]
        return math.fsum(w for w, held in weights if held) / math.fsum(w for w, _ in weights)


def _names(sentence: str) -> list[str]:
    return _NAME.findall(sentence)


def _negations(text: str) -> int:
    return sum(word.replace("’", "'") in _NEGATIONS for word in words(text)) + len(_NEGATION_JA.findall(text))
