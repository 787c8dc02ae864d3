"""The cases of a report, each of them as its reader needs it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sekisho.evaluation.reports.neutral import clipped
from sekisho.evaluation.reports.shape import Bin, CaseView, Claim, Flag, Passage
from sekisho.evaluation.summary import CaseValue
from sekisho.evaluation.types import CaseResult, Scored, score_json
from sekisho.evaluation.values import held_by, ids_of

BINS: Final = 10
BIN_CASES: Final = 8
FAILS_BELOW: Final = 0.5
"""A case fails a metric by which it is nearer to the worst possible value than to the best."""
MAX_QUESTION: Final = 4_000
MAX_ANSWER: Final = 20_000
MAX_FLAGS: Final = 40
_DEPTH: Final = 3


def case_view(repeats: Sequence[CaseResult], lower: frozenset[str]) -> CaseView:
    """A case in its worst repeat."""
    result = min(repeats, key=lambda one: (badness(one, lower), one.repeat))
    output = result.output
    view: CaseView = {
        "case": result.case_id,
        "repeat": result.repeat,
        "repeats": len(repeats),
        "question": clipped(result.question, MAX_QUESTION),
        "slices": dict(result.slices),
        "scores": {name: score_json(score) for name, score in result.scores.items()},
        "failing": failing(result, lower),
        "passages": passages(output),
        "flags": list(flags(output))[:MAX_FLAGS],
        "claims": list(claims(output))[:MAX_FLAGS],
    }
    wanted = result.wanted or {}
    if "expected" in wanted:
        view["expected"] = clipped(wanted["expected"], MAX_ANSWER)
    if "gold" in wanted:
        view["gold"] = list(wanted["gold"])
    if "relevant" in wanted:
        view["relevant"] = list(wanted["relevant"])
    if isinstance(output.get("answer"), str):
        view["answer"] = clipped(output["answer"], MAX_ANSWER)
    if isinstance(output.get("failure"), str):
        view["failure"] = clipped(output["failure"], MAX_QUESTION)
    if output.get("abstained") is True:
        view["abstained"] = True
    if result.latency_ms is not None:
        view["latency_ms"] = result.latency_ms
    return view


def failing(result: CaseResult, lower: frozenset[str]) -> list[str]:
    """The metrics that the case fails; one whose values are no shares has no such limit."""
    return [
        name
        for name, score in result.scores.items()
        if isinstance(score, Scored)
        and 0 <= score.value <= 1
        and _goodness(score.value, lower=name in lower) < FAILS_BELOW
    ]


def distribution(values: Sequence[CaseValue]) -> list[Bin]:
    """The values in ten bins of equal width, from 0 to 1, or to the largest where one lies beyond."""
    if not values:
        return []
    seen = held_by(values)
    low, high = min((0.0, min(seen))), max((1.0, max(seen)))
    width = (high - low) / BINS
    counts, cases = [0] * BINS, [list[str]() for _ in range(BINS)]
    for case, value in zip(ids_of(values), seen, strict=True):
        # The small addition keeps a value that stands on a limit (0.3) from falling below it by rounding.
        place = min(BINS - 1, int((value - low) / width + 1e-9))
        counts[place] += 1
        if len(cases[place]) < BIN_CASES:
            cases[place].append(case)
    return [
        {
            "low_bp": round((low + place * width) * 10_000),
            "high_bp": round((low + (place + 1) * width) * 10_000),
            "n": counts[place],
            "cases": cases[place],
        }
        for place in range(BINS)
    ]


def passages(output: Mapping[str, Any]) -> list[Passage]:
    """What was retrieved or given, in whichever way the target keeps it."""
    found: list[Passage] = []
    for rank, item in enumerate(_list(output.get("retrieved") or output.get("passages") or output.get("context")), 1):
        if isinstance(item, str):
            found.append({"rank": rank, "text": item})
        elif isinstance(item, Mapping):
            found.append(_passage(rank, item))
    return found


def flags(output: Mapping[str, Any]) -> Iterator[Flag]:
    """Every part of the answer that any scorer flagged, wherever in its details it stands."""
    for item in _entries(output, _DEPTH):
        reasons = item.get("reasons", item.get("reason"))
        if isinstance(item.get("text"), str) and reasons is not None and item.get("supported") is not True:
            flag: Flag = {"text": item["text"], "reasons": [str(reason) for reason in _list(reasons)]}
            if isinstance(item.get("support_bp"), int):
                flag["support_bp"] = item["support_bp"]
            yield flag


def claims(output: Mapping[str, Any]) -> Iterator[Claim]:
    """Every claim that a judge gave a verdict on."""
    for item in _entries(output, _DEPTH):
        if isinstance(item.get("claim"), str) and isinstance(item.get("verdict"), str):
            claim: Claim = {"claim": item["claim"], "verdict": item["verdict"]}
            if isinstance(item.get("quote"), str) and item["quote"]:
                claim["quote"] = item["quote"]
            yield claim


def _passage(rank: int, item: Mapping[str, Any]) -> Passage:
    passage: Passage = {"rank": int(item.get("rank", rank))}
    if "chunk" in item:
        passage["chunk"] = str(item["chunk"])
    if "document" in item:
        passage["document"] = str(item["document"])
    if isinstance(item.get("text"), str):
        passage["text"] = item["text"]
    if item.get("cut") is True:
        passage["cut"] = True
    return passage


def _entries(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    """Every mapping inside lists and mappings, but what was retrieved."""
    if isinstance(value, Mapping):
        yield value
        if depth:
            for name, part in value.items():
                if name not in {"retrieved", "passages", "context"}:
                    yield from _entries(part, depth - 1)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _entries(part, depth - 1 if depth else 0)


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _goodness(value: float, *, lower: bool) -> float:
    return 1 - value if lower else value


def badness(result: CaseResult, lower: frozenset[str]) -> tuple[float, float]:
    """(worst, mean) goodness over the metrics. A case without any score comes first: nothing is known of it."""
    values = [
        _goodness(score.value, lower=name in lower)
        for name, score in result.scores.items()
        if isinstance(score, Scored) and 0 <= score.value <= 1
    ]
    return (min(values), sum(values) / len(values)) if values else (-1.0, -1.0)
