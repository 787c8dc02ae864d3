"""What two rankings of one question have in common, and how far things moved. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sekisho.evaluation.case_values import SEED
from sekisho.evaluation.statistics import Observation, mean, mean_interval
from sekisho.evaluation.types import Case, Hit, basis_points

MOST_LISTED: Final = 50


@dataclass(frozen=True, slots=True)
class Moved:
    """One question asked of both indexes.

    `overlap` is the share of the first k places that both give, counted in chunks; `documents` the same counted in
    documents, which chunks cut otherwise do not upset. `ranks` holds, by chunk, the places of what both give.
    """

    case_id: str
    cluster: str
    overlap: float
    documents: float
    same_first: bool
    ranks: Mapping[str, tuple[int, int]]
    entered: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def moves(self) -> tuple[int, ...]:
        """By how many places each chunk that both give moved; positive is downward."""
        return tuple(after - before for before, after in self.ranks.values())

    def to_json(self) -> dict[str, Any]:
        return {
            "case": self.case_id,
            "overlap_bp": basis_points(self.overlap),
            "documents_overlap_bp": basis_points(self.documents),
            "same_first": self.same_first,
            "moved": [
                {"chunk": name, "before": before, "after": after}
                for name, (before, after) in self.ranks.items()
                if before != after
            ],
            "entered": list(self.entered),
            "left": list(self.left),
        }


def moved(case: Case, before: Sequence[Hit], after: Sequence[Hit], k: int) -> Moved:
    """Compare the first k places of both answers to the case's question."""
    old, new = ([hit.chunk_id for hit in hits[:k]] for hits in (before, after))
    return Moved(
        case_id=case.id,
        cluster=case.cluster or f"case:{case.id}",
        overlap=overlap(old, new),
        documents=overlap(*([hit.document for hit in hits[:k]] for hits in (before, after))),
        same_first=old[:1] == new[:1],
        ranks={name: (place, new.index(name) + 1) for place, name in enumerate(old, 1) if name in new},
        entered=tuple(name for name in new if name not in old),
        left=tuple(name for name in old if name not in new),
    )


def overlap(before: Sequence[str], after: Sequence[str]) -> float:
    """Overlap@k: what both name, as a share of what the longer of the two names; 1 where neither names anything."""
    old, new = set(before), set(after)
    return len(old & new) / max(len(old), len(new)) if old or new else 1.0


def summed(rows: Sequence[Moved], k: int) -> dict[str, Any]:
    """Over all questions (at least one): mean overlaps with intervals, how far what stayed moved, what changed most."""
    moves = [abs(move) for row in rows for move in row.moves]
    changed = sorted((row for row in rows if _changed(row)), key=lambda row: (row.overlap, row.case_id))
    return {
        "questions": len(rows),
        "k": k,
        "overlap": _mean([Observation(row.overlap, row.cluster) for row in rows]),
        "documents_overlap": _mean([Observation(row.documents, row.cluster) for row in rows]),
        "same_first": sum(row.same_first for row in rows),
        "unchanged": len(rows) - len(changed),
        "kept": len(moves),
        "moved": sum(move > 0 for move in moves),
        "farthest_move": max(moves, default=0),
        "mean_move_hundredths": round(100 * mean(moves)) if moves else 0,
        "most_changed": [row.to_json() for row in changed[:MOST_LISTED]],
    }


def _changed(row: Moved) -> bool:
    return bool(row.entered or row.left or any(row.moves))


def _mean(observations: Sequence[Observation]) -> dict[str, int]:
    interval = mean_interval(observations, seed=SEED)
    return {
        "mean_bp": basis_points(mean([one.value for one in observations])),
        "low_bp": basis_points(interval.low),
        "high_bp": basis_points(interval.high),
    }
