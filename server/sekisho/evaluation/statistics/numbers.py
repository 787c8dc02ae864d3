"""Where each number of a report is explained: its key, and the heading of the page that says how it is made."""

from __future__ import annotations

from typing import Final

PAGE: Final = "statistics.md"

ANCHORS: Final = {
    "n": "cases-and-clusters",
    "clusters": "cases-and-clusters",
    "mean_bp": "mean",
    "low_bp": "interval",
    "high_bp": "interval",
    "coverage_bp": "coverage",
    "pessimistic_mean_bp": "pessimistic-interval",
    "pessimistic_low_bp": "pessimistic-interval",
    "pessimistic_high_bp": "pessimistic-interval",
    "gap_bp": "gap",
    "diff_bp": "paired-difference",
    "change": "paired-difference",
    "before_bp": "paired-difference",
    "after_bp": "paired-difference",
    "pessimistic_diff_bp": "pessimistic-interval",
    "mcnemar_p_bp": "mcnemar",
    "margin_bp": "non-inferiority",
    "decision": "non-inferiority",
    "not_worse_p_bp": "non-inferiority",
    "worse_p_bp": "non-inferiority",
    "holm": "holm",
    "worse_probability_bp": "posterior",
    "detectable_bp": "minimum-detectable-effect",
    "verdict": "verdict",
    "runs": "re-runs",
}
"""Key in a summary or a comparison → heading of `docs/statistics.md`."""


def explained(number: str) -> str:
    """The link, from inside `docs/`, that says how this number is made. Raises KeyError for an unknown number."""
    return f"{PAGE}#{ANCHORS[number]}"
