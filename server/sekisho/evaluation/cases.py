"""A dataset's rows as cases, and the sample of them that a suite asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from sekisho.evaluation.dialects import Dialect, dialect_of
from sekisho.evaluation.types import Case, Control
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.json import decode_json
from sekisho.registry.content import identity_of
from sekisho.registry.schemas import violations

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Texts = Annotated[tuple[Text, ...], msgspec.Meta(max_length=100)]
Grade = Annotated[int, msgspec.Meta(ge=0, le=100)]
MAX_NAMED: Final = 20
DRAFT: Final = "draft"
"""The field of a proposed row, with what proposed it: never evidence, in whichever tool's dialect the row is."""
NOT_ACCEPTED: Final = "is a draft; a person takes it into use with `sekisho dataset accept`"


class ControlRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An answer that is known to be wrong on its context, to see whether the scorers notice.

    ``kind``: ``unsupported``, or ``instruction`` where answer or context orders the judge to accept it.
    """

    answer: Text
    context: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1, max_length=100)]
    kind: Literal["unsupported", "instruction"] = "unsupported"


class CaseRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One line of a dataset for evaluation.

    ``gold``: passages of the corpus that answer the question, verbatim. ``slices``: axis to group, such as
    ``{"language": "ja"}``. ``cluster``: the document it was made from. ``pair``: the same question's name in every
    language. ``expected``: a reference answer. ``qrels``: document or chunk id to its grade of relevance, 0 for none.
    ``context``: passages for a subject that retrieves none. ``variables``: further values for a prompt. ``control``:
    makes the case a test of the scorers; the subject is not asked.
    """

    id: Word
    question: Text
    gold: Texts = ()
    slices: Annotated[dict[Word, Word], msgspec.Meta(max_length=20)] = {}
    cluster: Word | None = None
    pair: Word | None = None
    expected: Text | None = None
    qrels: Annotated[dict[Word, Grade], msgspec.Meta(max_length=10_000)] = {}
    context: Texts = ()
    variables: Annotated[dict[Word, Any], msgspec.Meta(max_length=100)] = {}
    control: ControlRow | None = None


def parse_cases(content: bytes) -> tuple[Case, ...]:
    """Every case of a JSONL file, in Sekisho's own fields or in those of a tool that `dialects` knows.

    Raises `Invalid`, naming the lines that are wrong; no row is skipped.
    """
    cases: list[Case] = []
    wrong: list[FieldError] = []
    seen: dict[str, int] = {}
    dialect: Dialect | None = None
    for number, line in _lines(content):
        if len(wrong) >= MAX_NAMED:
            break
        try:
            raw = decode_json(line)
            dialect = dialect or dialect_of(raw)
            case = _case(raw, dialect)
        except Invalid as error:
            wrong += [FieldError(f"line {number}", _told(problem)) for problem in error.fields]
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


def dialect_in(line: bytes) -> Dialect:
    """Whose rows they are, by the first line. Raises `Invalid` where it is not JSON."""
    return dialect_of(decode_json(line))


def case_of(line: bytes, dialect: Dialect) -> Case:
    """The case on one line, by itself. Raises `Invalid`."""
    return _case(decode_json(line), dialect)


def measured(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases that measure the subject."""
    return tuple(case for case in cases if case.control is None)


def controls(cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases that test the scorers."""
    return tuple(case for case in cases if case.control is not None)


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


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    return ((number, line) for number, line in enumerate(content.split(b"\n"), 1) if line.strip())


def _case(raw: Any, dialect: Dialect) -> Case:
    if not isinstance(raw, dict):
        raise Invalid("the row is not valid", fields=[FieldError("$", "is not a JSON object")])
    if raw.get(DRAFT) not in (None, False):
        raise Invalid("the row is not valid", fields=[FieldError("$.draft", NOT_ACCEPTED)])
    own = dialect.translate({name: value for name, value in raw.items() if name != DRAFT})
    if "id" not in own and (identity := identity_of(raw)) is not None:
        own["id"] = identity
    try:
        row = msgspec.convert(own, CaseRow)
    except msgspec.ValidationError as error:
        found = violations(CaseRow, own) or [FieldError("$", str(error))]
        raise Invalid("the row is not valid", fields=found) from error
    control = None if row.control is None else Control(row.control.answer, row.control.context, row.control.kind)
    return Case(
        row.id, row.question, row.gold, row.slices, row.cluster, row.pair, row.expected,
        row.qrels, row.context, row.variables, control,
    )  # fmt: skip


def _told(problem: FieldError) -> str:
    return problem.message if problem.path == "$" else f"{problem.path}: {problem.message}"
