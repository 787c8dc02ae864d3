"""Which runs count, and how sure an estimate over several of them must be. Pure.

The first run with the required coverage within the freshness window counts; later ones are only pooled with it. Rego
takes the same choice by itself (``policies/sekisho/runs.rego``) and refuses any other: what is said here only tells
which estimates to prepare for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sekisho.gate.parameters import Parameters

ONE_LOOK_PPM: Final = 50_000
"""The level of a single run's intervals, in millionths: 95 % of them hold the truth."""

RunFacts = Mapping[str, Any]
"""A run as it stands in the gate's input."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a stage asks of a run before it counts. Absent terms let nothing through, as in Rego."""

    origins: tuple[str, ...]
    producers: tuple[str, ...]
    max_age_ms: int | None
    min_coverage_bp: int | None

    @classmethod
    def of(cls, parameters: Parameters, stage: str) -> Terms:
        run, age, size = (parameters.parameters_of(stage, rule) for rule in ("EVA-01", "EVA-02", "EVA-03"))
        return cls(run.origins or ("measured",), run.producers or (), age.max_age_ms, size.min_coverage_bp)

    def admits(self, run: RunFacts) -> bool:
        """Whether the run ended with a result, of an origin that counts, and its scorers caught their controls."""
        return run["state"] == "finished" and self.knows(run) and self.caught(run)

    def knows(self, run: RunFacts) -> bool:
        """Whether it is of an origin, and brought by a producer, that the stage takes."""
        known = run["origin"] == "measured" or run.get("producer") in self.producers
        return run["origin"] in self.origins and known

    def caught(self, run: RunFacts) -> bool:
        """Whether its scorers missed no more control cases than the suite allows."""
        controls = run.get("controls")
        return controls is None or controls["missed"] <= controls["allowed"]

    def covers(self, run: RunFacts) -> bool:
        return self.min_coverage_bp is not None and run["coverage_bp"] >= self.min_coverage_bp

    def fresh(self, run: RunFacts, now: int) -> bool:
        return self.max_age_ms is not None and now - run["finished_at"] <= self.max_age_ms


def counting(runs: Sequence[RunFacts], suite: str, dataset: str, terms: Terms, now: int | None) -> list[RunFacts]:
    """The runs of one version that make one estimate, oldest first, each result once.

    `now` is None for a baseline, to which no freshness window applies. Where no run is fresh, or none has the
    coverage, all that are left are taken, so that the rules can say what is wrong with them.
    """
    served = [run for run in runs if (run["suite"], run["dataset"]) == (suite, dataset) and terms.admits(run)]
    served.sort(key=lambda run: (run["finished_at"], run["id"]))
    window = served if now is None else [run for run in served if terms.fresh(run, now)] or served
    start = next((place for place, run in enumerate(window) if terms.covers(run)), 0)
    distinct: dict[str, RunFacts] = {}
    for run in window[start:]:
        distinct.setdefault(run["final_digest"], run)
    return list(distinct.values())


def looks(runs: Sequence[RunFacts], abandoned: Sequence[RunFacts], chosen: int, terms: Terms, now: int) -> int:
    """How often results by one suite were there to be looked at: those chosen, and those given up with some to see.

    `runs` and `abandoned` are all of the version by that suite and dataset.
    """
    seen = [
        run
        for run in abandoned
        if run["done"] > 0
        and run["origin"] in terms.origins
        and (terms.max_age_ms is None or now - run["ended_at"] <= terms.max_age_ms)
    ]
    fooled = [run for run in runs if run["state"] == "finished" and terms.knows(run) and not terms.caught(run)]
    return chosen + len(seen) + len(fooled)


def level_ppm(looks: int) -> int:
    """The level of an estimate that is looked at for so many times, in millionths.

    Whoever may look again after each further run passes by luck more often than a single look does. So each look has a
    level of its own: the first one the whole, the m-th 1/(m(m-1)) of it. Over all looks these add up to twice the
    first, however many there are.
    """
    return ONE_LOOK_PPM if looks < 2 else max(1, ONE_LOOK_PPM // (looks * (looks - 1)))
