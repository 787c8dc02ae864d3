"""What a summary or a comparison says of a metric beyond mean, difference and interval. Pure.

Statistics may say more from one version to the next; a report shows whatever there is, by its own name where it does
not know a better one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sekisho.evaluation.reports import words

_SECTIONS: Final = (
    ("pessimistic", "pessimistic-interval"),
    ("holm", "holm"),
    ("posterior", "posterior"),
    ("probability", "posterior"),
    ("detectable", "minimum-detectable-effect"),
    ("mcnemar", "mcnemar"),
    ("margin", "non-inferiority"),
    ("inferior", "non-inferiority"),
    ("worse_p", "non-inferiority"),
    ("decision", "verdict"),
    ("verdict", "verdict"),
    ("diff", "paired-difference"),
    ("gap", "gap"),
    ("coverage", "coverage"),
    ("mean", "mean"),
)
_SHOWN_ELSEWHERE: Final = frozenset(
    {
        *("n", "coverage_bp", "mean_bp", "low_bp", "high_bp", "lower_is_better", "slices", "gaps"),
        *("diff_bp", "change", "worsened", "improved", "worsened_count", "improved_count", "mcnemar_p_bp"),
        *("before_bp", "after_bp", "gap_bp", "best", "worst", "paired", "worst_cases"),
        *("pessimistic_mean_bp", "pessimistic_diff_bp", "pessimistic_low_bp", "pessimistic_high_bp"),
        *("margin_bp", "decision", "not_worse_p_bp", "worse_p_bp", "holm"),
    }
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number, or a word, as it is shown, and the section that tells how it is made."""

    name: str
    text: str
    anchor: str


def section(name: str) -> str:
    """The section for a field's name."""
    return next((anchor for part, anchor in _SECTIONS if part in name), "interval")


def further(metric: Mapping[str, Any]) -> list[Number]:
    """Each number that stands beside what every report shows, those that belong together in one."""
    told = [*_pessimistic(metric), *_claim(metric), *_together(metric)]
    return [*told, *_others({name: value for name, value in metric.items() if name not in _SHOWN_ELSEWHERE})]


def _pessimistic(metric: Mapping[str, Any]) -> Iterator[Number]:
    """Where it differs from the interval: where something was not scored."""
    edges = pessimistic(metric)
    if edges is None or edges == (metric.get("low_bp"), metric.get("high_bp")):
        return
    middle = metric.get("pessimistic_mean_bp", metric.get("pessimistic_diff_bp"))
    shown = words.share if "pessimistic_mean_bp" in metric else words.points
    text = "" if middle is None else f"{shown(middle)} "
    yield Number("pessimistic", f"{text}[{shown(edges[0])}, {shown(edges[1])}]", "pessimistic-interval")


def _claim(metric: Mapping[str, Any]) -> Iterator[Number]:
    """What was decided within a margin; without one there is no claim, only its arithmetic."""
    if metric.get("margin_bp", 0) > 0 and isinstance(metric.get("decision"), str):
        p = f", p {words.p_value(metric['not_worse_p_bp'])}" if "not_worse_p_bp" in metric else ""
        text = f"{words.points(metric['margin_bp'])}: {metric['decision']}{p}"
        yield Number("margin", text, "non-inferiority")


def _together(metric: Mapping[str, Any]) -> Iterator[Number]:
    """The interval that holds with all the other metrics', and what it decides."""
    joint = metric.get("holm")
    if not isinstance(joint, Mapping) or not {"low_bp", "high_bp"} <= set(joint):
        return
    said = f": {joint['decision']}" if metric.get("margin_bp", 0) > 0 and "decision" in joint else ""
    text = f"[{words.points(joint['low_bp'])}, {words.points(joint['high_bp'])}] / {joint.get('claims', 1)}{said}"
    yield Number("holm", text, "holm")


def _others(metric: Mapping[str, Any], within: str = "") -> Iterator[Number]:
    """What is left, by its own name; parts of a part as ``bayes.prior``."""
    for name, value in metric.items():
        path = f"{within}{name}"
        if isinstance(value, Mapping):
            yield from _others(value, f"{path}.")
        elif isinstance(value, bool | int | str):
            yield Number(path.removesuffix("_bp"), _text(path, value), section(path))


def pessimistic(part: Mapping[str, Any]) -> tuple[int, int] | None:
    """The limits with every unscored case at its worst, where the summary has them."""
    low, high = part.get("pessimistic_low_bp"), part.get("pessimistic_high_bp")
    return (low, high) if isinstance(low, int) and isinstance(high, int) else None


def _text(path: str, value: bool | int | str) -> str:
    if isinstance(value, bool | str):
        return str(value).lower()
    if path == "detectable_bp":
        return words.points(value)
    if path.endswith("_p_bp"):
        return words.p_value(value)
    if path.endswith("_bp"):
        return words.share(value)
    return str(value)
