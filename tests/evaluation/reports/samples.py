"""Reports made by the real builder from results that tests write down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sekisho.evaluation.comparison import compare_runs
from sekisho.evaluation.reports.json import Baseline, report_json
from sekisho.evaluation.reports.shape import Report
from sekisho.evaluation.summary import summarise
from sekisho.evaluation.types import CaseResult, Origin, Run, RunState, Scored, Target, Unscored
from sekisho.kernel.digests import digest_of

LOWER = frozenset({"hallucinated"})
METRICS = ("hallucinated", "token_f1")

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'onmouseover='alert(1)",
    "![picture](https://evil.example/p.png)",
    "[link](javascript:alert(1))",
    "[ref]: https://evil.example\n[ref]",
    "https://evil.example www.evil.example mailto:a@evil.example me@evil.example",
    "@everyone @here @octocat <!everyone> <@U123>",
    "#1 GH-2 owner/repo#3 !4 ~label $5 %6",
    "::error file=a.py::pwned\n  ::set-output name=x::y\n##[error]x\n##vso[task.setvariable]x\n##teamcity[x]",
    "/lgtm\n  /close",
    "```\nout\n````\n~~~\n" + "`" * 80,
    "a | b \\| c\n|---|",
    "</details></summary><details>",
    "]]> <![CDATA[ <!ENTITY x SYSTEM 'file:///etc/passwd'> &x;",
    "\x1b[31mred\x1b]0;title\x07\x1b[2J\x9b5m",
    "nul\x00 bell\x07 vt\x0b del\x7f c1\x85 fffe\ufffe",
    "\u202eright to left\u202c \u2066isolate\u2069 \u200fmark",
    "lone \ud800 surrogate and tags \U000e0041\U000e0042",
    "line\u2028separator\rreturn\r\nboth",
    "{{ 7 * 7 }} {% raw %} ${7*7}",
    "# heading\n- item\n> quote\n1. one\n***\n===",
    "$$\\unsafe{x}$$ :tada:",
)
"""Strings that act where they are shown, if they are let."""


def result(case: str, value: float | None, *, f1: float = 0.5, repeat: int = 0, **fields: Any) -> CaseResult:
    """A case that is hallucinated or not (None: unscored), with an answer and passages."""
    score = Unscored("the host dropped the connection") if value is None else Scored(value)
    flags = [{"text": "in 1805", "support_bp": 100, "reasons": ["numbers that stand nowhere: 1805"]}]
    made = CaseResult(
        case_id=case,
        repeat=repeat,
        cluster=case,
        pair=None,
        slices={"language": "ja" if case.endswith("ja") else "en"},
        question=f"What of {case}?",
        scores={"hallucinated": score, "token_f1": Scored(f1)},
        output={
            "retrieved": [
                {"rank": 1, "chunk": "c1", "document": "a.md", "text": "It was founded in 1905."},
                {"rank": 2, "chunk": "c2", "document": "b.md"},
            ],
            "answer": "It was founded in 1805.",
            **({"unsupported": flags} if value == 1 else {}),
        },
        latency_ms=7,
        at=0,
        wanted={"expected": f"{case} was founded in 1905.", "gold": ["Founded in 1905."], "relevant": ["a.md"]},
    )
    return replace(made, **fields)


def results(bad: int, n: int = 20) -> list[CaseResult]:
    """`n` cases, of which the first `bad` are hallucinated."""
    return [result(f"q-{i:03}-{'ja' if i % 2 else 'en'}", float(i < bad), f1=i / n) for i in range(n)]


def run(found: Sequence[CaseResult], **fields: Any) -> Run:
    summary = summarise(found, planned=len(found), metrics=METRICS, axes=["language"], lower=LOWER)
    made = Run(
        id="01a207a2-3280-7443-854a-4b99dabb92d5",
        project="default",
        state=RunState.FINISHED,
        origin=Origin.MEASURED,
        suite=digest_of("suite"),
        suite_name="docs-answers",
        dataset=digest_of("dataset"),
        subject=digest_of("subject"),
        subject_kind="agent",
        subject_name="docs",
        target=Target.ANSWERS,
        principal="alice",
        job_id="j1",
        answers=None,
        planned=len(found),
        done=len(found),
        engine={"python": "3.11", "model": digest_of("model")},
        summary=summary,
        final_digest=digest_of("final"),
        reason=None,
        created_at=1_795_450_528_719,
        started_at=1_795_450_528_720,
        finished_at=1_795_450_529_000,
    )
    return replace(made, **fields)


def report(found: Sequence[CaseResult] | None = None, *, shown: int = 50, **fields: Any) -> Report:
    found = results(5) if found is None else found
    return report_json(run(found, **fields), found, lower=LOWER, shown=shown)


def compared(
    before: Sequence[CaseResult], after: Sequence[CaseResult], more: Mapping[str, Any] | None = None
) -> Report:
    """A report with a baseline; `more` takes the place of what the statistics say of several claims at once."""
    metrics = compare_runs(before, after, METRICS, LOWER)
    if more is not None:
        metrics = {
            name: {**{k: v for k, v in metric.items() if k != "holm"}, **more} for name, metric in metrics.items()
        }
    baseline = Baseline(run(before, id="01a207a2-0000-7443-854a-4b99dabb92d5"), before, metrics)
    return report_json(run(after), after, lower=LOWER, baseline=baseline)


def hostile(text: str) -> Report:
    """A report with a baseline in which every string that somebody else wrote is this one."""
    made: Report = _replaced(_poisoned(), text)
    return made


_MARK = "\ue000"


@cache
def _poisoned() -> Report:
    """The same with a mark in the text's place; its statistics do not depend on the text and are worked out once."""

    def poisoned(n: int, bad: int) -> CaseResult:
        made = result(f"{_MARK}{n}", float(n < bad), f1=n / 10)
        output = {
            "retrieved": [{"rank": 1, "chunk": _MARK, "document": _MARK, "text": _MARK}],
            "answer": f"{_MARK} and more",
            "unsupported": [{"text": _MARK, "reasons": [_MARK]}],
            "judged": [{"claim": _MARK, "verdict": _MARK, "quote": _MARK}],
        }
        scores = {**made.scores, **({"hallucinated": Unscored(_MARK)} if n == 9 else {})}
        return replace(made, question=_MARK, slices={"language": f"{_MARK}{n % 2}"}, output=output, scores=scores)

    before, after = ([poisoned(n, bad) for n in range(10)] for bad in (1, 5))
    metrics = compare_runs(before, after, METRICS, LOWER)
    names = {"engine": {_MARK: _MARK}, "subject_name": _MARK, "suite_name": _MARK, "principal": _MARK, "reason": _MARK}
    baseline = Baseline(run(before, **names), before, metrics)
    made = run(after, **names, state=RunState.INCONCLUSIVE)
    return report_json(made, after, lower=LOWER, baseline=baseline)


def _replaced(value: Any, text: str) -> Any:
    if isinstance(value, str):
        return value.replace(_MARK, text)
    if isinstance(value, list):
        return [_replaced(part, text) for part in value]
    if isinstance(value, dict):
        return {_replaced(name, text): _replaced(part, text) for name, part in value.items()}
    return value
