"""The worker's process: services, signals, and the one owner of embedded vectors."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import uuid
from contextlib import nullcontext

from sekisho.kernel.allocation import keep_large_blocks_apart
from sekisho.kernel.errors import Unavailable
from sekisho.kernel.logging import get_logger
from sekisho.kernel.migrations import pending
from sekisho.kernel.settings import Settings
from sekisho.wiring.services import Services, build_services
from sekisho.worker.loop import Handler, Worker
from sekisho.worker.ownership import sole_owner
from sekisho.worker.schedule import Schedule

_log = get_logger("sekisho.worker")


def handlers(services: Services) -> dict[str, Handler]:
    """Which room does which kind of job."""
    return {
        "build": services.indexing.build,
        "verify": services.indexing.verify,
        "search": services.indexing.search,
        "profile": services.indexing.profile,
        "erase": services.erasing.erase,
        "run": services.evaluation.execute,
        "replay": services.evaluation.execute_replay,
        "qualify": services.judging.execute,
        "compare": services.index_comparison.execute,
        "draft": services.drafting.execute,
        "overlap": services.overlaps.execute,
    }


async def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT.

    Raises `Conflict` where another worker owns the embedded vectors, `Unavailable` where migrations are missing.
    """
    keep_large_blocks_apart()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with nullcontext() if settings.chroma_url else sole_owner(settings.data_dir):
        services = build_services(settings)
        try:
            if await pending(services.database):
                raise Unavailable("the database lacks migrations of this version", remedy="run `sekisho db upgrade`")
            await services.start_worker()
            owner = f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
            _log.info("worker works", owner=owner)
            async with asyncio.TaskGroup() as group:
                group.create_task(Worker(services.jobs, handlers(services), owner).run(stop))
                group.create_task(Schedule("verifications", services.indexing.request_due, _tick_s(settings)).run(stop))
        finally:
            await services.close()
    _log.info("worker stops")


def _tick_s(settings: Settings) -> float:
    """How often to look for what is due: a tenth of the interval, so that nothing waits for more than all of it."""
    return min(60.0, max(0.2, settings.verify_interval_s / 10))
