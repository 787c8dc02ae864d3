"""A text taken apart by the judge into claims, checked so that nothing is invented and no sentence is passed over."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from sekisho.evaluation.judges.asking import SEED, Unusable, ask_json, keyed, object_schema
from sekisho.evaluation.judges.fencing import fence, one_line
from sekisho.evaluation.words import is_number, sentences, terms
from sekisho.inference.types import Answerer

PROMPT: Final = "claims"
GROUP: Final = 8
"""Sentences, or claims, of one question to the judge."""
MAX_SENTENCES: Final = 80
MAX_CLAIMS: Final = 8
MAX_LENGTH: Final = 600


async def extract(judge: Answerer, text: str) -> tuple[str, ...]:
    """The claims of a text that is not empty, in order.

    Each sentence that says anything yields at least one; a judge that passes one over is asked again and then not
    believed. Raises `Unusable` and `ModelFailed`.
    """
    lines = [one_line(sentence) for sentence in sentences(text) if terms(sentence)]
    if not lines:
        raise Unusable("the text holds no words")
    if len(lines) > MAX_SENTENCES:
        raise Unusable(f"the text has {len(lines)} sentences, and a judge is asked about at most {MAX_SENTENCES}")
    named = {f"s{number}": line for number, line in enumerate(lines, 1)}
    fenced = fence("text", "\n".join(f"{name}: {line}" for name, line in named.items())).as_variable()
    found: list[str] = []
    names = list(named)
    for start in range(0, len(names), GROUP):
        group = names[start : start + GROUP]
        asked = {name: named[name] for name in group}
        read = partial(_read, asked, " ".join(lines))
        found += await ask_json(judge, PROMPT, {"text": fenced, "names": group}, _schema(group), read, SEED)
    return tuple(dict.fromkeys(found))


def _schema(names: Sequence[str]) -> dict[str, Any]:
    claims = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MAX_CLAIMS}
    return object_schema(dict.fromkeys(names, claims))


def _read(asked: dict[str, str], whole: str, value: Any) -> list[str]:
    found: list[str] = []
    for name, listed in keyed(value, list(asked)).items():
        if not isinstance(listed, list) or not all(isinstance(claim, str) for claim in listed):
            raise Unusable(f"{name} is no list of claims")
        claims = [one_line(claim) for claim in listed if claim.strip()]
        if problem := _problem(asked[name], whole, claims):
            raise Unusable(f"{name} {problem}")
        found += claims
    return found


def _problem(sentence: str, whole: str, claims: Sequence[str]) -> str | None:
    """Why these cannot be the claims of the sentence: the judge invents, or it hides what the sentence says."""
    if not 1 <= len(claims) <= MAX_CLAIMS or any(len(claim) > MAX_LENGTH for claim in claims):
        return f"needs one to {MAX_CLAIMS} claims of at most {MAX_LENGTH} characters"
    told, said, around = set(terms(" ".join(claims))), set(terms(sentence)), set(terms(whole))
    if any(set(terms(claim)).isdisjoint(around) for claim in claims):
        return "has a claim that shares no word with the text"
    if strange := sorted(term for term in told - around if is_number(term)):
        return f"has a claim with numbers that the text does not have: {', '.join(strange[:3])}"
    if hidden := sorted(term for term in said - told if is_number(term)):
        return f"has no claim with the sentence's numbers: {', '.join(hidden[:3])}"
    return "has no claim that shares a word with the sentence" if said.isdisjoint(told) else None
