"""The queue: what a worker has to do, who holds it, how far it is. Leases decide who works on what.

A worker that falls silent loses its lease; the job is claimed again and goes on from what its room has stored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.errors import Conflict, NotFound
from sekisho.kernel.ids import new_id
from sekisho.kernel.store import JobStore

MAX_ATTEMPTS: Final = 5


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        return self in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` units; `total` is 0 while it is unknown."""

    done: int = 0
    total: int = 0
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work for the worker. Times are epoch milliseconds.

    `kind` says which room does it (``build``, ``verify``, ``search``, ``run``, ``compare``, ``draft``); `payload` is
    that room's own.
    """

    id: str
    project: str
    kind: str
    payload: Mapping[str, Any]
    principal: str
    state: JobState
    attempts: int
    progress: Progress
    cancel_requested: bool
    result: Mapping[str, Any] | None
    error: str | None
    lease_owner: str | None
    created_at: int
    finished_at: int | None


class LeaseLost(Conflict):
    title = "The worker no longer holds this job"


class Cancelled(Exception):  # somebody asked for it: not an error
    """Somebody asked to cancel the job."""


@dataclass(frozen=True, slots=True)
class Jobs:
    """Use cases of the queue. `lease_ms` is how long a silent worker keeps a job."""

    database: Database
    clock: Clock
    lease_ms: int

    async def enqueue(
        self, tx: Transaction, *, project: str, kind: str, payload: Mapping[str, Any], principal: str
    ) -> str:
        """Queue a job in the caller's transaction; gives its id."""
        now = self.clock.now()
        job_id = new_id(now)
        await JobStore(tx).insert(
            job_id=job_id, project=project, kind=kind, payload=dict(payload), principal=principal, now=epoch_ms(now)
        )
        return job_id

    async def one(self, project: str, job_id: str) -> Job:
        """Raises `NotFound` also for another project's job."""
        async with self.database.read() as tx:
            job = await self.one_or_none(tx, job_id)
        if job is None or job.project != project:
            raise NotFound(f"there is no job {job_id} in project {project}")
        return job

    async def one_or_none(self, tx: Transaction, job_id: str) -> Job | None:
        row = await JobStore(tx).one_or_none(job_id)
        return None if row is None else _job(row)

    async def since(self, tx: Transaction, kind: str, created_at: int) -> list[Job]:
        """Every job of the kind that was queued after this moment, or is not over yet, whatever its project."""
        return [_job(row) for row in await JobStore(tx).since(kind, created_at)]

    async def claim(self, kinds: Sequence[str], owner: str) -> Job | None:
        """Take the oldest job that is queued, or whose holder fell silent; None where there is none.

        A job that has been claimed `MAX_ATTEMPTS` times without an end is failed: it kills its worker.
        """
        now = epoch_ms(self.clock.now())
        async with self.database.read() as tx:  # a worker asks often, and mostly in vain: not with the writers' lock
            if not await JobStore(tx).any_free(kinds, now):
                return None
        async with self.database.write() as tx:
            store = JobStore(tx)
            await store.fail_worn_out(now, MAX_ATTEMPTS)
            row = await store.claim(kinds, owner, now, now + self.lease_ms)
        return None if row is None else _job(row)

    async def beat(self, job: Job, progress: Progress | None = None) -> bool:
        """Renew the lease and, where given, store the progress; True where somebody asked to cancel.

        Raises `LeaseLost`.
        """
        now = epoch_ms(self.clock.now())
        async with self.database.write() as tx:
            cancelled = await JobStore(tx).beat(
                job.id, job.lease_owner, now + self.lease_ms, None if progress is None else asdict(progress)
            )
        if cancelled is None:
            raise LeaseLost(f"job {job.id} was taken over by another worker")
        return cancelled

    async def hold(self, tx: Transaction, job: Job) -> None:
        """Make sure, inside the transaction that stores the work's outcome, that the job is still ours."""
        if not await JobStore(tx).held(job.id, job.lease_owner):
            raise LeaseLost(f"job {job.id} was taken over by another worker")

    async def finish(
        self,
        tx: Transaction,
        job: Job,
        state: JobState,
        *,
        result: Mapping[str, Any] | None = None,
        error: str | None = None,
    ) -> None:
        """End a job in the transaction that stores its outcome. Raises `LeaseLost`."""
        await self.hold(tx, job)
        await JobStore(tx).finish(
            job.id, state.value, None if result is None else dict(result), error, epoch_ms(self.clock.now())
        )

    async def cancel(self, tx: Transaction, job_id: str) -> None:
        """Ask for an end: a queued job ends at once, a running one at its next beat."""
        await JobStore(tx).cancel(job_id, epoch_ms(self.clock.now()))

    async def forget_results(
        self, tx: Transaction, project: str, kind: str, fields: Collection[str], values: Collection[str]
    ) -> list[dict[str, Any]]:
        """Erase what came of the jobs of a kind whose payload has one of these values in one of these fields.

        Gives what is forgotten.
        """
        done = await JobStore(tx).with_results(project, kind)
        named = [one for one in done if one[2] is not None and any(one[1].get(name) in values for name in fields)]
        await JobStore(tx).forget_results([job_id for job_id, _, _ in named])
        return [result for _, _, result in named]

    async def release(self, job: Job) -> None:
        """Give a job back unfinished (the worker is stopping); another may claim it at once."""
        async with self.database.write() as tx:
            await JobStore(tx).release(job.id, job.lease_owner)


def _job(row: Mapping[str, Any]) -> Job:
    return Job(**{**row, "state": JobState(row["state"]), "progress": Progress(**(row["progress"] or {}))})
