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
    }
)
_PESSIMISTIC: Final = "pessimistic_"


@dataclass(frozen=True, slots=True)
class Number:
    """A number, or a word, as it is shown, and the section that tells how it is made."""

    name: str
    text: str
    anchor: str


def section(name: str) -> str:
    """The section for a field's name."""
    return next((anchor for part, anchor in _SECTIONS if part in name), "interval")


def further(metric: Mapping[str, Any], within: str = "") -> Iterator[Number]:
    """Each number that stands beside what every report shows; parts of a part as ``holm.claims``."""
    edges = pessimistic(metric)
    if edges is not None:
        middle = metric.get(f"{_PESSIMISTIC}mean_bp", metric.get(f"{_PESSIMISTIC}diff_bp"))
        shown = words.share if f"{_PESSIMISTIC}mean_bp" in metric else words.points
        text = "" if middle is None else f"{shown(middle)} "
        yield Number("pessimistic", f"{text}[{shown(edges[0])}, {shown(edges[1])}]", "pessimistic-interval")
    for name, value in metric.items():
        if (not within and name in _SHOWN_ELSEWHERE) or (edges is not None and name.startswith(_PESSIMISTIC)):
            continue
        path = f"{within}{name}"
        if isinstance(value, Mapping):
            yield from further(value, f"{path}.")
        elif isinstance(value, bool | int | str):
            yield Number(path.removesuffix("_bp"), _text(path, value), section(path))


def pessimistic(part: Mapping[str, Any]) -> tuple[int, int] | None:
    """The limits with every unscored case at its worst, where the summary has them."""
    low, high = part.get(f"{_PESSIMISTIC}low_bp"), part.get(f"{_PESSIMISTIC}high_bp")
    return (low, high) if isinstance(low, int) and isinstance(high, int) else None


def _text(path: str, value: bool | int | str) -> str:
    if isinstance(value, bool | str):
        return str(value).lower()
    if path.endswith("_p_bp"):
        return words.p_value(value)
    if path.endswith("_bp"):
        return words.share(value)
    return str(value)
