"""A dataset's rows as cases, and the sample of them that a suite asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec

from sekisho.evaluation.types import Case
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.json import decode_json

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
MAX_NAMED = 20


class CaseRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of a dataset for evaluation.

    ``gold``: passages of the corpus that answer the question, verbatim. ``slices``: axis to group, such as
    ``{"language": "ja"}``. ``cluster``: the document it was made from. ``pair``: the same question's name in every
    language. ``expected``: a reference answer.
    """

    id: Word
    question: Text
    gold: Annotated[tuple[Text, ...], msgspec.Meta(max_length=100)] = ()
    slices: Annotated[dict[Word, Word], msgspec.Meta(max_length=20)] = {}
    cluster: Word | None = None
    pair: Word | None = None
    expected: Text | None = None


def parse_cases(content: bytes) -> tuple[Case, ...]:
    """Every case of a JSONL file. Raises `Invalid`, naming the lines that are wrong; no row is skipped."""
    cases: list[Case] = []
    wrong: list[FieldError] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip() or len(wrong) >= MAX_NAMED:
            continue
        try:
            case = _case(decode_json(line))
        except (Invalid, msgspec.ValidationError) as error:
            wrong.append(FieldError(f"line {number}", _message(error)))
            continue
        if case.id in seen:
            wrong.append(FieldError(f"line {number}", f"the id {case.id!r} stands on line {seen[case.id]} already"))
        seen[case.id] = number
        cases.append(case)
    if not cases and not wrong:
        wrong.append(FieldError("$", "no cases"))
    if wrong:
        raise Invalid(
            "the dataset cannot be evaluated",
            fields=wrong,
            remedy="mend the lines named and register it again",
        )
    return tuple(cases)


def case_of(line: bytes) -> Case:
    """The case on one line, by itself. Raises `Invalid`."""
    try:
        return _case(decode_json(line))
    except msgspec.ValidationError as error:
        raise Invalid("the dataset cannot be evaluated", fields=[FieldError("$", str(error))]) from error


def sample(cases: Sequence[Case], size: int, seed: int) -> tuple[Case, ...]:
    """A seeded sample of at most `size` cases, in the dataset's order. Paired cases stay together.

    Groups are ordered by a hash of seed and name: the same on every machine, and a larger size keeps what a smaller
    one had. At least one group is taken.
    """
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.pair or f"\n{case.id}", []).append(case)
    chosen: set[str] = set()
    for name in sorted(groups, key=lambda name: hashlib.sha256(f"{seed}\n{name}".encode()).digest()):
        if chosen and len(chosen) + len(groups[name]) > size:
            break
        chosen |= {case.id for case in groups[name]}
    return tuple(case for case in cases if case.id in chosen)


def cluster_of(case: Case, cluster_by: str | None) -> str:
    """The cluster of a case: its document, or the slice axis that the suite names; a case without one is its own."""
    named = case.cluster if cluster_by in {None, "cluster"} else case.slices.get(str(cluster_by))
    return f"{named}" if named else f"case:{case.id}"


def missing_axes(cases: Iterable[Case], axes: Sequence[str]) -> list[str]:
    """Axes that no case has: a suite that slices by them would measure nothing."""
    present = {axis for case in cases for axis in case.slices}
    return [axis for axis in axes if axis not in present]


def _case(raw: Any) -> Case:
    row = msgspec.convert(raw, CaseRow)
    return Case(row.id, row.question, row.gold, row.slices, row.cluster, row.pair, row.expected)


def _message(error: Exception) -> str:
    if isinstance(error, Invalid) and error.fields:
        return error.fields[0].message
    return str(error)
