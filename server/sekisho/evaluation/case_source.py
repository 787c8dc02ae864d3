"""The cases of a run, read from a file as they are needed: a dataset may be larger than what memory should hold."""

from __future__ import annotations

import asyncio
import tempfile
from array import array
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from itertools import islice, pairwise
from typing import IO

from sekisho.evaluation import cases as datasets
from sekisho.evaluation.plan import Plan
from sekisho.evaluation.types import Case
from sekisho.kernel.errors import FieldError, Invalid


class CaseSource:
    """Goes through the cases any number of times, always in the dataset's order. `close` it at the end."""

    def __init__(self, file: IO[bytes], lines: array[int]) -> None:
        self._file = file
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Case]:
        for start in self._lines:
            self._file.seek(start)
            yield datasets.case_of(self._file.readline())

    def stretches(self, size: int) -> Iterator[Sequence[Case]]:
        """All cases in order, so many at a time."""
        going = iter(self)
        while stretch := list(islice(going, size)):
            yield stretch

    def close(self) -> None:
        self._file.close()


def spooled(content: bytes) -> IO[bytes]:
    """The bytes in a file that nobody else sees and that is gone once it is closed."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  # the source closes it
    file.write(content)
    return file


@asynccontextmanager
async def opened(plan: Plan, file: IO[bytes]) -> AsyncIterator[CaseSource]:
    """`open_cases` from a thread, closed at the end, also where the wait for it is cancelled."""
    opening = asyncio.ensure_future(asyncio.to_thread(open_cases, plan, file))
    try:
        source = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close)
        raise
    with closing(source):
        yield source


def _close(opening: asyncio.Future[CaseSource]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def open_cases(plan: Plan, file: IO[bytes]) -> CaseSource:
    """The cases that the plan evaluates, of the dataset in this file. Blocks: call it from a thread.

    The file is closed with the source, or at once where this raises: `Invalid` where the dataset does not hold what
    the suite asks for, naming the lines that are wrong.
    """
    try:
        lines, sound = _lines(file)
        if not sound:
            datasets.parse_cases(_whole(file))  # raises, naming what is wrong; ids whose hashes happen to meet pass
        source = CaseSource(file, lines)
        _check_axes(source, plan.suite.slices)
        return source if plan.suite.sample is None else _sampled(source, plan.suite.sample.size, plan.suite.sample.seed)
    except BaseException:
        file.close()
        raise


def _lines(file: IO[bytes]) -> tuple[array[int], bool]:
    """Where each case's line begins; and False where a line is wrong, two ids may be the same, or there is no case."""
    starts, marks = array("Q"), array("q")
    try:
        for start, line in _placed(file):
            starts.append(start)
            marks.append(hash(datasets.case_of(line).id))
    except Invalid:
        return starts, False
    ordered = sorted(marks)
    return starts, bool(starts) and all(one != other for one, other in pairwise(ordered))


def _whole(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _check_axes(source: CaseSource, axes: Sequence[str]) -> None:
    wanted = set(axes)
    for case in source if wanted else ():
        wanted -= case.slices.keys()
        if not wanted:
            return
    if wanted:
        raise Invalid(
            "the suite slices by what the dataset does not say",
            fields=[FieldError("$.slices", f"no case has the slice {axis!r}") for axis in axes if axis in wanted],
        )


def _placed(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    file.seek(0)
    start = 0
    for line in file:
        if line.strip():
            yield start, line
        start += len(line)


def _sampled(source: CaseSource, size: int, seed: int | None) -> CaseSource:
    light = [Case(case.id, "", pair=case.pair) for case in source]
    chosen = {case.id for case in datasets.sample(light, size, seed or 0)}
    lines = array("Q", (start for start, case in zip(source._lines, light, strict=True) if case.id in chosen))
    return CaseSource(source._file, lines)
