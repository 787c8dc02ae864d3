"""The cases of a run, read from a file as they are needed: a dataset may be larger than what memory should hold."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO, Final

from sekisho.evaluation import cases as datasets
from sekisho.evaluation.dialects import Dialect
from sekisho.evaluation.packed import Numbers
from sekisho.evaluation.plan import Plan
from sekisho.evaluation.types import Case, Target
from sekisho.kernel.errors import FieldError, Invalid

_PARTS: Final = 16


class CaseSource:
    """Goes through the cases any number of times, always in the same order."""

    def __init__(self, file: IO[bytes], dialect: Dialect, lines: Numbers, controls: int = 0) -> None:
        self.controls = controls
        self._file = file
        self._dialect = dialect
        self._lines = lines

    @property
    def measured(self) -> int:
        """How many cases measure the subject; as many as `controls` says come after them and test the scorers."""
        return len(self) - self.controls

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Case]:
        for start in self._lines:
            self._file.seek(start)
            yield datasets.case_of(self._file.readline(), self._dialect)

    def stretches(self, size: int) -> Iterator[Sequence[Case]]:
        """All cases in order, so many at a time."""
        going = iter(self)
        while stretch := list(islice(going, size)):
            yield stretch


async def open_cases(plan: Plan, file: IO[bytes]) -> CaseSource:
    """The cases that the plan evaluates, of the dataset in this file, which stays open for as long as they are read.

    Raises `Invalid` where the dataset does not hold what the suite asks for, naming the lines that are wrong.
    """
    opening = asyncio.ensure_future(asyncio.to_thread(found_cases, plan, file))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_let_go)  # the thread ends by itself, and where its file is closed it may fail
        raise


def _let_go(opening: asyncio.Future[CaseSource]) -> None:
    if not opening.cancelled():
        opening.exception()


def found_cases(plan: Plan, file: IO[bytes]) -> CaseSource:
    """As `open_cases`, for those who may wait."""
    found = _lines(file)
    if found is None:
        datasets.parse_cases(_whole(file))  # raises, naming every line that is wrong
        raise Invalid("the dataset cannot be evaluated", fields=[FieldError("$", "no cases")])
    dialect, measured, controls = found
    if not measured:
        raise Invalid("the dataset measures nothing", fields=[FieldError("$.dataset", "every case of it is a control")])
    _check_axes(CaseSource(file, dialect, measured), plan)
    if plan.suite.sample is not None:
        sample = plan.suite.sample
        measured = _sampled(CaseSource(file, dialect, measured), measured, sample.size, sample.seed or 0)
    if plan.target is not Target.ANSWERS:
        controls = Numbers()
    measured.extend(controls)
    return CaseSource(file, dialect, measured, len(controls))


def _lines(file: IO[bytes]) -> tuple[Dialect, Numbers, Numbers] | None:
    """Whose rows they are, and where the lines begin of cases that measure, and of controls.

    None where a line is wrong, two ids are the same, or there is no case.
    """
    measured, controls, marks = Numbers(), Numbers(), array("q")
    dialect: Dialect | None = None
    try:
        for start, line in _placed(file):
            dialect = dialect or datasets.dialect_in(line)
            case = datasets.case_of(line, dialect)
            (measured if case.control is None else controls).append(start)
            marks.append(hash(case.id))
    except Invalid:
        return None
    if dialect is None or (_twice(marks) and len(_parsed(file)) != len(marks)):
        return None
    return dialect, measured, controls


def _twice(marks: array[int]) -> bool:
    """Whether a mark stands twice; looked at a part at a time, since a set of all of them would take megabytes."""
    for part in range(_PARTS):
        some = [mark for mark in marks if mark % _PARTS == part]
        if len(set(some)) < len(some):
            return True
    return False


def _parsed(file: IO[bytes]) -> tuple[Case, ...]:
    """Every case. Raises `Invalid` where two have one id; hashes of two ids may also happen to meet."""
    return datasets.parse_cases(_whole(file))


def _whole(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _check_axes(source: CaseSource, plan: Plan) -> None:
    named = {"slices": plan.suite.slices, "counterfactuals": plan.suite.counterfactuals}
    wanted = {axis for axes in named.values() for axis in axes}
    for case in source if wanted else ():
        wanted -= case.slices.keys()
        if not wanted:
            return
    absent = [
        FieldError(f"$.{field}", f"no case has the slice {axis!r}")
        for field, axes in named.items()
        for axis in axes
        if axis in wanted
    ]
    if absent:
        raise Invalid("the suite slices by what the dataset does not say", fields=absent)


def _placed(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    file.seek(0)
    start = 0
    for line in file:
        if line.strip():
            yield start, line
        start += len(line)


def _sampled(source: CaseSource, lines: Numbers, size: int, seed: int) -> Numbers:
    light = [Case(case.id, "", pair=case.pair) for case in source]
    chosen = {case.id for case in datasets.sample(light, size, seed)}
    return Numbers(start for start, case in zip(lines, light, strict=True) if case.id in chosen)
