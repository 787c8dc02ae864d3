"""A regular expression over the answer, by RE2, which cannot explode.

A backtracking engine can need longer than the universe for ``(a+)+$``, and a limit on the clock would make a score
depend on the machine: a replay would not give the same bytes. RE2 takes time linear in the text for any pattern; the
product of the two sizes bounds it before it starts. The price is RE2's syntax: no look-around, no back-references.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta

from sekisho.evaluation.scorers.declaration import Label, Measure, Outcome, Params, Scorer, labelled
from sekisho.evaluation.scorers.reading import NO_ANSWER
from sekisho.evaluation.types import Sample, Score, Scored, Target, Unscored
from sekisho.kernel.errors import FieldError, Invalid

if TYPE_CHECKING:
    import re2

MAX_PATTERN: Final = 2_000
MAX_COST: Final = 200_000_000
"""Size of the compiled pattern times bytes of the text. The worst case costs about 10 ns each: two seconds."""
_MEMORY: Final = 1 << 20
_TOO_LONG: Final = "matching took longer than 2 s in the worst case"


class PatternParams(Params, frozen=True, kw_only=True):
    """``pattern``: RE2 syntax, found anywhere in the answer; ``(?i)``, ``(?s)`` and ``(?m)`` may stand first.

    ``absent``: score 1 where the pattern is not found. ``label`` tells several patterns of a suite apart.
    """

    pattern: Annotated[str, Meta(min_length=1, max_length=MAX_PATTERN)]
    absent: bool = False
    label: Label | None = None


def compile_pattern(pattern: str, path: str) -> re2._Regexp:
    """Raises `Invalid`, naming `path`, for what RE2 does not take."""
    import re2  # an extra; only suites with a pattern need it

    options = re2.Options()
    options.log_errors, options.never_capture, options.max_mem = False, True, _MEMORY
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        told = error.args[0].decode() if isinstance(error, re2.error) else "not valid Unicode"
        raise Invalid(
            "the regular expression cannot be used",
            fields=[FieldError(path, f"not RE2 syntax: {told}")],
            remedy="write it without look-around, back-references and counts above 1000",
        ) from error


def found(pattern: re2._Regexp, text: str) -> bool | Unscored:
    """Whether the pattern stands in the text; Unscored where that could take longer than the limit."""
    data = text.encode("utf-8", "replace")
    if pattern.programsize * len(data) > MAX_COST:
        size = f"pattern of size {pattern.programsize:,}, answer of {len(data):,} bytes"
        return Unscored(f"{_TOO_LONG} ({size})")
    return pattern.search(data) is not None


def regex(sample: Sample, *, metric: str, pattern: re2._Regexp, absent: bool) -> Outcome:
    if sample.answer is None:
        return Outcome({metric: NO_ANSWER}, {})
    there = found(pattern, sample.answer)
    score: Score = there if isinstance(there, Unscored) else Scored(float(there is not absent))
    return Outcome({metric: score}, {})


def _measures(scorer: Scorer, params: PatternParams) -> tuple[Measure, ...]:
    metric = labelled("regex", params.label)
    pattern = compile_pattern(params.pattern, "$.pattern")
    return (Measure(scorer, (metric,), partial(regex, metric=metric, pattern=pattern, absent=params.absent)),)


SCORERS: Final = (
    Scorer(
        name="regex",
        meaning="whether a regular expression (RE2) is found in the answer, or with `absent`, is not",
        target=Target.ANSWERS,
        reads=("answer",),
        unscored="there is no answer, or matching took longer than 2 s in the worst case for pattern and answer",
        metrics=("regex",),
        measures=_measures,
        params=PatternParams,
        extra="server",
        modules=("re2",),
        limits="RE2 has no look-around and no back-references, and takes time linear in the answer for any pattern."
        " What could still take longer than 2 s is judged by the two sizes, not by a clock, so that a replay gives the"
        " same.",
    ),
)
