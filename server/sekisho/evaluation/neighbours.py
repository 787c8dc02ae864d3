"""What a run needs of other rooms: versions and blobs, an index to search, models that answer and judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, Protocol

from sekisho.evaluation.judges.asking import Judge
from sekisho.evaluation.limits import Bounded, Overran
from sekisho.evaluation.plan import Plan
from sekisho.evaluation.recorded import parse_recorded
from sekisho.evaluation.tally import Hosts
from sekisho.evaluation.targets import Answers, Controlled, Given, OpenIndex, Recorded, Retrieval, RunTarget, options_of
from sekisho.evaluation.types import Case, Run
from sekisho.inference.types import Answerer
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.references import Reference
from sekisho.registry.manifests import ModelManifest
from sekisho.registry.types import Closure, Version


class Catalogue(Protocol):
    """What evaluation asks of the registry."""

    async def find(self, tx: Transaction, reference: Reference) -> Version: ...

    async def closure(self, tx: Transaction, project: str, digest: str) -> Closure: ...

    async def read_blob(self, tx: Transaction, project: str, digest: str) -> bytes: ...

    async def copy_blob(self, tx: Transaction, project: str, digest: str, file: IO[bytes]) -> None: ...


class Indexes(Protocol):
    """What evaluation asks of indexing; only a worker has it."""

    async def open(self, project: str, digest: str) -> OpenIndex: ...


class Models(Hosts, Protocol):
    """What evaluation asks of inference."""

    async def answerer(
        self, model: ModelManifest, *, deadline_ms: int | None = None, offline: bool = False
    ) -> Answerer: ...


Wrap = Callable[[Answerer], Answerer]
"""Puts something around a model, such as what counts its answers."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Opens what a run asks. `offline`: models answer from the cache alone, and no host is asked."""

    database: Database
    registry: Catalogue
    indexing: Indexes
    inference: Models
    offline: bool = False

    async def target(
        self, run: Run, plan: Plan, cases: Iterable[Case], wrap: Wrap, overran: Overran = lambda _limit: None
    ) -> RunTarget:
        """What the run exercises, within the limits that the agent declares.

        Raises `ModelFailed`, `NotFound`, and `IntegrityFailed` for an index that drifted.
        """
        if run.answers is not None:
            async with self.database.read() as tx:
                content = await self.registry.read_blob(tx, run.project, run.answers)
            return Controlled(Recorded(parse_recorded(content, {case.id for case in cases})))
        if plan.index is None:
            passages: Retrieval | Given = Given()
        else:
            passages = Retrieval(await self.indexing.open(run.project, plan.index), plan.depth)
        if plan.answering is None:
            assert isinstance(passages, Retrieval)  # noqa: S101  # a prompt has no suite of target retrieval
            return passages
        limits = plan.answering.limits
        deadline = None if limits is None else limits.timeout_ms
        answerer = await self.inference.answerer(plan.answering.model, deadline_ms=deadline, offline=self.offline)
        model = wrap(answerer) if limits is None else Bounded(wrap(answerer), limits, overran)
        return Controlled(Answers(passages, plan.answering, model, options_of(plan.answering)))

    async def judge(self, plan: Plan, wrap: Wrap) -> Judge | None:
        """The suite's judge, where it has one. Raises `ModelFailed` where no host has it now."""
        if plan.judge is None:
            return None
        return Judge(plan.judge, wrap(await self.inference.answerer(plan.judge, offline=self.offline)))
