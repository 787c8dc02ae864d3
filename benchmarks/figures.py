"""What a benchmark says: one figure per line, beside what it is compared with."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Protocol, cast

from rich.table import Table

NAMES: Final = (
    "startup",
    "resolve",
    "register_and_promote",
    "gate",
    "replay",
    "ledger",
    "lineage",
    "index",
    "index_memory",
    "queries",
    "verify",
    "verdicts",
    "reruns",
    "scorers",
    "evaluation",
)
"""Every benchmark, in the order they run; the module of each has this name."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One line: what was measured, the value, what it stands beside, and how the two compare."""

    what: str
    value: str
    beside: str = ""
    ratio: str = ""


class Benchmark(Protocol):
    """A module: `TITLE` heads its table, `LIMIT_S` bounds its time, `measure` gives the figures as they are made."""

    TITLE: str
    LIMIT_S: int
    measure: Callable[[], Iterable[Figure]]


def benchmark(name: str) -> Benchmark:
    return cast(Benchmark, import_module(f"benchmarks.{name}"))


def table(title: str, figures: Sequence[Figure]) -> Table:
    made = Table("", "Sekisho", "beside", "ratio", title=title, title_justify="left", box=None, pad_edge=False)
    for figure in figures:
        made.add_row(figure.what, f"[bold]{figure.value}[/bold]", figure.beside, figure.ratio)
    return made


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median_ms(seconds: Sequence[float]) -> float:
    return statistics.median(seconds) * 1000


def ms(seconds: Sequence[float]) -> str:
    """Median of several times, as text."""
    return f"{median_ms(seconds):.1f} ms"


def against(value: float, limit: float, unit: str) -> str:
    """How a value stands to the limit that was set for it."""
    return f"{'within' if value <= limit else 'OVER'} {limit:g} {unit}"


def machine() -> str:
    """How many cores there are and how busy they are, without which no figure means anything."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
