"""A report of every case, written to a file that is then sent: memory stays as it is, however many there are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import IO, Final

from sekisho.evaluation.reporting import read_report
from sekisho.evaluation.reports.cases import case_view
from sekisho.evaluation.reports.formats import MEDIA_TYPES, Format, Wish, filename_of
from sekisho.evaluation.reports.json import MAX_SHOWN_CASES
from sekisho.evaluation.reports.junit import WholeJUnit
from sekisho.evaluation.result_store import ResultStore
from sekisho.evaluation.scorers.catalogue import LOWER_IS_BETTER
from sekisho.evaluation.types import CaseResult, Run
from sekisho.kernel.database import Transaction

CHUNK: Final = 65_536
AT_A_TIME: Final = 200
"""Cases that are written in one go, off the event loop."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """A report in a file without a name, which is gone when it was read."""

    file: IO[bytes]
    media_type: str
    filename: str

    def chunks(self) -> Iterator[bytes]:
        with self.file:
            self.file.seek(0)
            while chunk := self.file.read(CHUNK):
                yield chunk


async def spool_junit(tx: Transaction, run: Run, before: Run | None, wish: Wish) -> Spooled:
    """The JUnit file of every case that measures the subject; the worst of them are told in full.

    It is whole before any of it is sent, so that no slow reader holds the transaction, and no failure cuts it short.
    """
    report = await read_report(tx, run, before, replace(wish, cases=MAX_SHOWN_CASES))
    whole = WholeJUnit(report, {case["case"] for case in report["cases"]})
    with TemporaryFile() as cases:
        waiting: list[list[CaseResult]] = []
        async for repeats in ResultStore(tx).by_case(run.id):
            waiting.append(repeats)
            if len(waiting) == AT_A_TIME:
                await asyncio.to_thread(_write, cases, whole, waiting)
                waiting = []
        await asyncio.to_thread(_write, cases, whole, waiting)
        file = await asyncio.to_thread(_framed, whole, cases)
    return Spooled(file, MEDIA_TYPES[Format.JUNIT], filename_of(report, Format.JUNIT))


def _write(file: IO[bytes], whole: WholeJUnit, cases: list[list[CaseResult]]) -> None:
    for repeats in cases:
        if not repeats[0].is_control:
            file.write(whole.of(case_view(repeats, LOWER_IS_BETTER)).encode())


def _framed(whole: WholeJUnit, cases: IO[bytes]) -> IO[bytes]:
    before, after = whole.around()
    file = TemporaryFile()  # noqa: SIM115  # closed by whoever reads it
    file.write(before.encode())
    cases.seek(0)
    copyfileobj(cases, file, CHUNK)
    file.write(after.encode())
    return file
