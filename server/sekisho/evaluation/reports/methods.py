"""Where it is written how a number is made: each number's section of the page on statistics. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sekisho.kernel.errors import FieldError, Invalid

DOCS: Final = "docs/statistics.md"
"""The page within this project's tree. A report may be asked for with the address at which a reader can open it."""

ANCHORS: Final = (
    "verdict",
    "mean",
    "interval",
    "coverage",
    "pessimistic-interval",
    "gap",
    "paired-difference",
    "mcnemar",
    "non-inferiority",
    "holm",
    "posterior",
    "minimum-detectable-effect",
)
_SECTIONS: Final = (
    ("pessimistic", "pessimistic-interval"),
    ("posterior", "posterior"),
    ("detectable", "minimum-detectable-effect"),
    ("mde", "minimum-detectable-effect"),
    ("holm", "holm"),
    ("mcnemar", "mcnemar"),
    ("margin", "non-inferiority"),
    ("inferior", "non-inferiority"),
    ("verdict", "verdict"),
    ("diff", "paired-difference"),
    ("gap", "gap"),
    ("coverage", "coverage"),
    ("mean", "mean"),
    ("low", "interval"),
    ("high", "interval"),
)
_SHOWN_ELSEWHERE: Final = frozenset(
    {
        *("n", "coverage_bp", "mean_bp", "low_bp", "high_bp", "lower_is_better", "slices", "gaps"),
        *("diff_bp", "change", "worsened", "improved", "worsened_count", "improved_count", "mcnemar_p_bp"),
        *("gap_bp", "best", "worst", "paired", "worst_cases"),
    }
)
_BASE: Final = re.compile(r"https?://[A-Za-z0-9._~:/?&=%+\-\[\]]{1,500}|[A-Za-z0-9._\-][A-Za-z0-9._/\-]{0,200}")


@dataclass(frozen=True, slots=True)
class Number:
    """A number beyond mean and interval: its path in the metric, and the section that tells how it is made."""

    name: str
    value: int | str | bool
    anchor: str

    @property
    def is_rate(self) -> bool:
        return self.name.endswith("_bp")


def section(name: str) -> str:
    """The anchor for a field's name."""
    return next((anchor for part, anchor in _SECTIONS if part in name), "mean")


def further(metric: Mapping[str, Any], within: str = "") -> Iterator[Number]:
    """Whatever a summary or a comparison says of a metric beside what every report shows."""
    for name, value in metric.items():
        if not within and name in _SHOWN_ELSEWHERE:
            continue
        path = f"{within}{name}"
        if isinstance(value, Mapping):
            yield from further(value, f"{path}.")
        elif isinstance(value, bool | int | str):
            yield Number(path, value, section(path))


def methods(docs: str) -> dict[str, str]:
    """Every section with its address."""
    return {anchor: f"{docs}#{anchor}" for anchor in ANCHORS}


def docs_page(text: str) -> str:
    """The address as given. Raises `Invalid` for what is neither a web address nor a relative path."""
    if not _BASE.fullmatch(text):
        raise Invalid(
            "the address of the documentation is not valid",
            fields=[FieldError("$.docs", "an http or https address, or a relative path, without a fragment")],
        )
    return text
