"""Claims jobs, has their rooms do them, keeps their leases, and stops without losing any.

One lane works on one job at a time. Builds, their verification and erasures share a lane, since they fill the machine
and change the vector store; searches, profiles and overlap checks go on beside them, and so does evaluation: runs,
qualifications, comparisons and drafts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from sekisho.kernel.errors import SekishoError, Unavailable
from sekisho.kernel.jobs import Job, Jobs, JobState, LeaseLost
from sekisho.kernel.logging import get_logger

Handler = Callable[[Job], Awaitable[object]]
"""Does a job and ends it, in the transaction that stores its outcome."""

LANES: Final = (
    ("build", "verify", "erase"),
    ("search",),
    ("run", "replay", "qualify", "compare", "draft"),
    ("profile", "overlap"),
)

_log = get_logger("sekisho.worker")


@dataclass(frozen=True, slots=True)
class Worker:
    """`owner` names this process in leases. `poll_s` is how often an idle lane asks for work."""

    jobs: Jobs
    handlers: Mapping[str, Handler]
    owner: str
    lanes: Sequence[Sequence[str]] = LANES
    poll_s: float = 0.2
    patience_s: float = 5.0

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what is in hand then is given back to the queue."""
        async with asyncio.TaskGroup() as group:
            for lane in self.lanes:
                group.create_task(self._work(lane, stop), name=f"lane {'+'.join(lane)}")

    async def _work(self, kinds: Sequence[str], stop: asyncio.Event) -> None:
        while not stop.is_set():
            job = await self._claim(kinds)
            if job is None:
                await _wait(stop, self.poll_s)
                continue
            with structlog.contextvars.bound_contextvars(job_id=job.id, job=job.kind, project=job.project):
                await self._do(job, stop)

    async def _claim(self, kinds: Sequence[str]) -> Job | None:
        try:
            return await self.jobs.claim(kinds, self.owner)
        except Unavailable as error:
            _log.warning("no work: the database is away", reason=error.detail)
            await asyncio.sleep(self.poll_s * 5)
            return None

    async def _do(self, job: Job, stop: asyncio.Event) -> None:
        _log.info("job begins", attempt=job.attempts)
        work = asyncio.ensure_future(self.handlers[job.kind](job))
        keeper = asyncio.create_task(self._keep(job, work))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await self._settle(job, work, cancelled=keeper.done() and not keeper.cancelled() and keeper.result())
            else:
                await self._give_back(job, work)
        finally:
            keeper.cancel()
            stopping.cancel()
            await asyncio.wait({keeper, stopping})

    async def _keep(self, job: Job, work: asyncio.Future[object]) -> bool:
        """Renew the lease until told otherwise; True where the work was stopped because somebody cancelled it.

        A room looks for a cancellation itself, at its own pace; one that does not by the next beat is stopped.
        """
        asked = False
        while True:
            await asyncio.sleep(self.jobs.lease_ms / 3000)
            try:
                cancel = await self.jobs.beat(job)
            except LeaseLost:
                work.cancel()
                return False
            except Unavailable as error:
                _log.warning("the lease was not renewed", reason=error.detail)
                continue
            if cancel and asked:
                work.cancel()
                return True
            asked = cancel

    async def _settle(self, job: Job, work: asyncio.Future[object], *, cancelled: bool) -> None:
        """See that the job has an end, whichever way its work came to one."""
        if cancelled:
            await self._end(job, JobState.CANCELLED, None)
            return
        error = asyncio.CancelledError("stopped") if work.cancelled() else work.exception()
        if error is None:
            await self._check_ended(job)
        elif isinstance(error, LeaseLost):
            _log.warning("job was taken over", reason=error.detail)
        elif isinstance(error, SekishoError):
            _log.warning("job fails", reason=str(error))
            await self._end(job, JobState.FAILED, str(error))
        else:  # also the panics of native code, which are no `Exception`: they end this job, not the worker
            _log.error("job crashes", exc_info=error)
            await self._end(job, JobState.FAILED, f"unexpected {type(error).__name__}: {error}")

    async def _check_ended(self, job: Job) -> None:
        async with self.jobs.database.read() as tx:
            after = await self.jobs.one_or_none(tx, job.id)
        if after is not None and after.state is JobState.RUNNING and after.lease_owner == self.owner:
            await self._end(job, JobState.FAILED, "the work came back without an outcome")
            return
        _log.info("job ends", state=None if after is None else after.state.value)

    async def _end(self, job: Job, state: JobState, error: str | None) -> None:
        try:
            async with self.jobs.database.write() as tx:
                await self.jobs.finish(tx, job, state, error=error)
        except (LeaseLost, Unavailable) as trouble:
            # Another worker has it, or will have it once the lease runs out.
            _log.warning("the job's end was not stored", reason=trouble.detail)
            return
        _log.info("job ends", state=state.value)

    async def _give_back(self, job: Job, work: asyncio.Future[object]) -> None:
        work.cancel()
        await asyncio.wait({work}, timeout=self.patience_s)
        if work.done() and not work.cancelled():
            await self._settle(job, work, cancelled=False)
            return
        try:
            await self.jobs.release(job)
        except Unavailable as error:
            _log.warning("the job was not given back; its lease will run out", reason=error.detail)
            return
        _log.info("job given back")


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
