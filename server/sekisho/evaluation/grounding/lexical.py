"""What the words of one answer sentence show: how much of it stands in the context, and how closely together."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from sekisho.evaluation.grounding.source import WINDOW, Source, neighbours, ngrams
from sekisho.evaluation.grounding.terms import Token, negations_cjk

Features = dict[str, float]

_CUES: Final = {
    "cue_sum_up": r"overall|in summary|in conclusion|to sum up|ultimately",
    "cue_infer": r"suggest\w*|impl(?:y|ies|ied)|indicat\w+|likely|probably|appears?|seems?|possibly|perhaps",
    "cue_may": r"may|might|could|would|can",
    "cue_advice": r"should|important to|recommend\w*|it is (?:best|essential|crucial)|ensure|make sure|consider",
    "cue_list": r"such as|including|include[sd]?|like|for example|for instance|e\.g",
    "cue_source": r"passages?|based on|according to|provided|article|text|data|states?|stated|mention\w*",
    "cue_cause": r"because|due to|therefore|thus|since|as a result|leading to|which (?:can|may|makes?)|making it",
    "cue_all": r"all|always|every|never|only|most|many|various|several|wide (?:range|variety)|variety|both",
    "cue_absent": r"not (?:mention\w*|specif\w+|provid\w+|stat\w+|clear|explicitly)"
    r"|no (?:mention|information)|unspecified",
    "cue_however": r"however|but|although|despite|while|on the other hand",
    "cue_more": r"additionally|also|furthermore|moreover|in addition",
}
_MOST_NAMES: Final = 50
_CUE_PATTERNS: Final = {name: re.compile(rf"\b(?:{cue})\b", re.IGNORECASE) for name, cue in _CUES.items()}

NAMES: Final = (
    *("tokens", "content", "cover", "cover_plain", "novel", "novel_weight", "novel_unasked", "asked"),
    *("window", "window_single", "window_left", "window_two", "scattered"),
    *("gram2", "gram3", "gram4", "run", "run_share"),
    *("pairs_known", "pairs_together", "pairs_near", "pairs_apart", "pairs_apart_share"),
    *_CUES,
    *("numbers", "numbers_missing", "numbers_missing_share", "number_company", "number_company_least"),
    *("names", "names_missing", "names_missing_share", "name_company", "name_company_least"),
    *("names_apart", "negations", "negation_new", "negation_lost"),
)


def lexical(found: Sequence[Token], text: str, source: Source, question: frozenset[str]) -> Features:
    """Coverage, copying, company of words, question and phrases of one sentence."""
    content = [token for token in found if token.content]
    return {
        "tokens": math.log1p(len(found)),
        "content": math.log1p(len(content)),
        **_coverage(content, source, question),
        **_copying(found, source),
        **_togetherness(content, source),
        **{name: float(pattern.search(text) is not None) for name, pattern in _CUE_PATTERNS.items()},
    }


def _coverage(content: Sequence[Token], source: Source, question: frozenset[str]) -> Features:
    keys = {token.key for token in content}
    weights = {key: source.weight(key) for key in sorted(keys)}
    whole = math.fsum(weights.values()) or 1.0
    novel = [key for key in keys if key not in source.known]
    windows = source.best_windows(keys)
    best = windows[0] if windows else (0.0, 0)
    single = max((_held(weights, bag) for bag in source.bags[best[1] : best[1] + WINDOW]), default=0.0)
    nearby = source.window(best[1]) if windows else {}
    left = {k: w for k, w in weights.items() if windows and k in source.known and k not in nearby}
    second = source.best_windows(left)
    known = math.fsum(w for k, w in weights.items() if k in source.known)
    return {
        "cover": known / whole,
        "cover_plain": 1 - len(novel) / max(1, len(keys)),
        "novel": float(len(novel)),
        "novel_weight": math.fsum(weights[k] for k in sorted(novel)),
        "novel_unasked": float(sum(k not in question for k in novel)),
        "asked": sum(k in question for k in keys) / max(1, len(keys)),
        "window": best[0] / whole,
        "window_single": single / whole,
        "window_left": math.fsum(left.values()) / whole,
        "window_two": (best[0] + (second[0][0] if second else 0.0)) / whole,
        "scattered": (known - best[0]) / known if known else 0.0,
    }


def _held(weights: dict[str, float], bag: dict[str, int]) -> float:
    return math.fsum(weight for key, weight in weights.items() if key in bag)


def _copying(found: Sequence[Token], source: Source) -> Features:
    keys = [token.key for token in found]
    features: Features = {}
    for n in (2, 3, 4):
        grams = list(ngrams(keys, n))
        features[f"gram{n}"] = sum(g in source.grams[n] for g in grams) / len(grams) if grams else 1.0
    run = source.copied(keys)
    return {**features, "run": math.log1p(run), "run_share": run / max(1, len(keys))}


def _togetherness(content: Sequence[Token], source: Source) -> Features:
    """Whether neighbouring terms of the sentence stand in one context sentence, and near to each other there."""
    pairs = [(a.key, b.key) for a, b in pairwise(content) if a.key != b.key]
    known = [(a, b) for a, b in pairs if a in source.known and b in source.known]
    together = [bool(source.postings.get(a, set()) & source.postings.get(b, set())) for a, b in known]
    near = [any(b in company for company in source.company(a)) for a, b in known]
    return {
        "pairs_known": len(known) / max(1, len(pairs)),
        "pairs_together": sum(together) / max(1, len(pairs)),
        "pairs_near": sum(near) / max(1, len(pairs)),
        "pairs_apart": float(len(together) - sum(together)),
        "pairs_apart_share": 1 - sum(together) / len(together) if together else 0.0,
    }


def particulars(found: Sequence[Token], text: str, source: Source) -> Features:
    """Numbers, names and negations: missing from the context, or found in other company than the sentence's."""
    numbers = [i for i, token in enumerate(found) if token.number]
    names = [i for i, token in enumerate(found) if token.name]
    denied = sum(token.negation for token in found) + negations_cjk(text)
    windows = source.best_windows(token.key for token in found if token.content)
    nearby = windows[0][1] if windows else 0
    there = any(source.negated[nearby : nearby + WINDOW])
    return {
        **_kind("number", numbers, found, source),
        **_kind("name", names, found, source),
        "names_apart": float(_strangers([found[i].key for i in names], source)),
        "negations": float(denied),
        "negation_new": float(denied > 0 and not there),
        "negation_lost": float(denied == 0 and bool(windows) and source.negated[nearby]),
    }


def _kind(name: str, places: Sequence[int], found: Sequence[Token], source: Source) -> Features:
    missing = [i for i in places if found[i].key not in source.known]
    company = [_company(found, i, source) for i in places if found[i].key in source.known]
    return {
        f"{name}s": float(len(places)),
        f"{name}s_missing": float(len(missing)),
        f"{name}s_missing_share": len(missing) / len(places) if places else 0.0,
        f"{name}_company": sum(company) / len(company) if company else 1.0,
        f"{name}_company_least": min(company, default=1.0),
    }


def _company(found: Sequence[Token], place: int, source: Source) -> float:
    """Best share of the token's neighbours that are its neighbours at one of its places in the context."""
    mine = neighbours(found, place, 4)
    if not mine:
        return 1.0
    return max((len(mine & theirs) / len(mine) for theirs in source.company(found[place].key)), default=0.0)


def _strangers(names: Sequence[str], source: Source) -> int:
    """Pairs of names, each known to the context, that no context sentence holds together."""
    known = sorted({name for name in names if name in source.known})[:_MOST_NAMES]
    return sum(
        not (source.postings.get(a, set()) & source.postings.get(b, set()))
        for i, a in enumerate(known)
        for b in known[i + 1 :]
    )
