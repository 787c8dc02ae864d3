"""Gathering what was measured for a decision: runs, pools, comparisons, qualifications."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sekisho.gate.counting import RunFacts, Terms, counting, level_ppm, looks
from sekisho.gate.parameters import Parameters
from sekisho.kernel.database import Transaction
from sekisho.registry.types import Version

Found = Sequence[Mapping[str, Any]]


class Runs(Protocol):
    """What the gate asks of evaluation."""

    async def evidence(self, tx: Transaction, project: str, digest: str) -> Found: ...

    async def brief_evidence(self, tx: Transaction, project: str, digest: str) -> Found: ...

    async def abandoned(self, tx: Transaction, project: str, digest: str) -> Found: ...

    async def recorded(self, tx: Transaction, project: str, digest: str) -> Found: ...

    async def pooled(self, tx: Transaction, run_ids: Sequence[str], *, level_ppm: int) -> Mapping[str, Any]: ...

    async def compared(
        self,
        tx: Transaction,
        baseline: Sequence[str],
        candidate: Sequence[str],
        metrics: Sequence[str],
        *,
        level_ppm: int,
        claims: int,
    ) -> Found: ...


class Qualifications(Protocol):
    """What the gate asks of the qualification of judges."""

    async def qualifications(self, tx: Transaction, project: str, digests: Collection[str]) -> Found: ...


@dataclass(frozen=True, slots=True)
class Measurements:
    """Reads what was measured, and prepares the estimates that the policy will look for."""

    runs: Runs
    qualifications: Qualifications
    parameters: Parameters

    async def gather(
        self, tx: Transaction, version: Version, stage: str, baseline: str | None, now: int
    ) -> dict[str, Any]:
        """The parts of ``evidence`` that were measured. `baseline` is the version there now, where it is another."""
        project, digest = version.project, version.digest
        found = await self.runs.evidence(tx, project, digest)
        before = () if baseline is None else await self.runs.brief_evidence(tx, project, baseline)
        abandoned = await self.runs.abandoned(tx, project, digest)
        chosen = _Chosen(found, abandoned, before, self.parameters, Terms.of(self.parameters, stage), now)
        instruments = {item["digest"] for run in found for item in run["instruments"]}
        qualified = await self.qualifications.qualifications(tx, project, sorted(instruments))
        margins = self._margins(version, stage)
        return {
            "runs": _ordered(found, "finished_at", "id"),
            "pools": [
                dict(await self.runs.pooled(tx, members, level_ppm=level_ppm(times)))
                for members, times in chosen.pools()
            ],
            "abandoned": _ordered(abandoned, "ended_at", "id"),
            "recorded": _ordered(await self.runs.recorded(tx, project, digest), "suite"),
            "baseline_runs": _ordered(before, "finished_at", "id"),
            "qualifications": _ordered(qualified, "instrument", "labels", "at"),
            "comparisons": [] if baseline is None else await self._comparisons(tx, chosen, margins, baseline),
        }

    def _margins(self, version: Version, stage: str) -> Mapping[str, Sequence[str]]:
        """Suite → metrics that some margin is about; each claim is counted, since Holm corrects for their number."""
        path = f"{version.project}/{version.kind.value}/{version.name}"
        found: dict[str, list[str]] = {}
        for requirement in self.parameters.requirements_of(path, stage):
            for margin in requirement.margins:
                found.setdefault(margin.suite, []).append(margin.metric)
        return found

    async def _comparisons(
        self, tx: Transaction, chosen: _Chosen, margins: Mapping[str, Sequence[str]], baseline: str
    ) -> list[dict[str, Any]]:
        claims = sum(map(len, margins.values()))
        found = []
        for suite in sorted(margins):
            after, before = chosen.candidate(suite), chosen.baseline(suite)
            if not after or not before:
                continue
            level = level_ppm(chosen.looks(suite) + len(before) - 1)
            names = sorted(set(margins[suite]))
            bound = {
                "suite": self.parameters.suites[suite].suite,
                "baseline": baseline,
                "members": after,
                "baseline_members": before,
            }
            made = await self.runs.compared(tx, before, after, names, level_ppm=level, claims=claims)
            found += [{**bound, **entry} for entry in made]
        return sorted(found, key=lambda entry: (entry["suite"], entry["metric"]))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The runs that count, by the name under which policy pins their suite."""

    found: Sequence[RunFacts]
    abandoned: Sequence[RunFacts]
    before: Sequence[RunFacts]
    parameters: Parameters
    terms: Terms
    now: int

    def candidate(self, suite: str) -> list[str]:
        return self._ids(self.found, suite, self.now)

    def baseline(self, suite: str) -> list[str]:
        return self._ids(self.before, suite, None)

    def looks(self, suite: str) -> int:
        pin = self.parameters.suites[suite]
        found, abandoned = (
            [run for run in runs if (run["suite"], run["dataset"]) == (pin.suite, pin.dataset)]
            for runs in (self.found, self.abandoned)
        )
        return looks(found, abandoned, len(self.candidate(suite)), self.terms, self.now)

    def pools(self) -> list[tuple[list[str], int]]:
        """Every set of runs that was looked at more than once, and how often; though several names mean one suite."""
        sets = {(tuple(self.candidate(suite)), self.looks(suite)) for suite in self.parameters.suites}
        return sorted((list(members), times) for members, times in sets if members and times > 1)

    def _ids(self, runs: Sequence[RunFacts], suite: str, now: int | None) -> list[str]:
        pin = self.parameters.suites.get(suite)
        if pin is None:
            return []
        return [str(run["id"]) for run in counting(runs, pin.suite, pin.dataset, self.terms, now)]


def _ordered(items: Found, *keys: str) -> list[dict[str, Any]]:
    return sorted((dict(item) for item in items), key=lambda item: tuple(item[key] for key in keys))
