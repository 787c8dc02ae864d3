"""Numbers of a report as people read them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

WHOLE: Final = 10_000
NONE: Final = "–"


def share(basis_points: int) -> str:
    """``62.1 %``; what lies beyond 0 and 1 is no share, and is given as the number that it is."""
    if abs(basis_points) > WHOLE:
        return f"{basis_points / WHOLE:,.4g}" if abs(basis_points) < WHOLE * WHOLE else f"{basis_points / WHOLE:,.0f}"
    return f"{basis_points / 100:.1f} %"


def mean(part: Mapping[str, Any]) -> str:
    return share(part["mean_bp"]) if "mean_bp" in part else NONE


def limits(part: Mapping[str, Any]) -> str:
    """``[55.0, 68.7]``, or nothing where nothing was scored."""
    if "low_bp" not in part or "high_bp" not in part:
        return ""
    low, high = part["low_bp"], part["high_bp"]
    if max(abs(low), abs(high)) > WHOLE:
        return f"[{share(low)}, {share(high)}]"
    return f"[{low / 100:.1f}, {high / 100:.1f}]"


def interval(part: Mapping[str, Any]) -> str:
    """``62.1 % [55.0, 68.7]``."""
    return f"{mean(part)} {limits(part)}".strip()


def points(basis_points: int) -> str:
    """A difference in percentage points, with its sign: ``−3.2``."""
    if basis_points == 0:
        return "0.0"
    return f"{'+' if basis_points > 0 else '−'}{abs(basis_points) / 100:.1f}"


def difference(part: Mapping[str, Any]) -> str:
    """``−3.2 [−5.0, −1.1]`` percentage points."""
    if "diff_bp" not in part:
        return NONE
    return f"{points(part['diff_bp'])} [{points(part['low_bp'])}, {points(part['high_bp'])}]"


def p_value(basis_points: int) -> str:
    return "< 0.0001" if basis_points == 0 else f"{basis_points / WHOLE:.4f}"


def tick(basis_points: float, signed: bool) -> str:
    """A number at an axis: short, without decimals where it has none."""
    value = round(basis_points)
    text = points(value) if signed else share(value)
    return text.replace(".0", "", 1)
