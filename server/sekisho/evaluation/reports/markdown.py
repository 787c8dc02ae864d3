"""A report as a comment on a pull request: verdict first, what changed, worst cases, the rest folded away. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sekisho.evaluation.reports import neutral, words
from sekisho.evaluation.reports.neutral import markdown as inert
from sekisho.evaluation.reports.numbers import Number, further
from sekisho.evaluation.reports.shape import CaseView, Part, Report
from sekisho.evaluation.reports.texts import NUMBERS, VERDICTS
from sekisho.kernel.digests import short

LIMIT: Final = 65_536
"""Characters that GitHub takes in one comment."""
_RESERVE: Final = 1_000
_MARKS: Final = {
    "fail": "❌",
    "worse": "❌",
    "failed": "❌",
    "better": "✅",
    "pass": "✅",
    "unchanged": "⚪",
    "measured": "⚪",
}
_NAME: Final = 120
_LINE: Final = 300
_BLOCK: Final = 1_200
MAX_METRICS: Final = 30
MAX_CASES: Final = 20


@dataclass
class Page:
    """Blocks of Markdown up to a limit; what did not fit is counted by what it was."""

    limit: int
    blocks: list[str] = field(default_factory=list)
    cut: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def add(self, block: str, what: str) -> None:
        if self.size + len(block) + 2 > self.limit:
            self.cut[what] = self.cut.get(what, 0) + 1
            return
        self.blocks.append(block)
        self.size += len(block) + 2


def markdown_of(report: Report, *, limit: int = LIMIT) -> str:
    """At most `limit` characters; the last line says what was cut to keep to it."""
    page = Page(limit - _RESERVE)
    for what, block in _blocks(report):
        page.add(block, what)
    if page.cut:
        told = ", ".join(f"{what} ({n})" if n > 1 else what for what, n in page.cut.items())
        page.blocks.append(f"_Cut to keep to {limit:,} characters: {told}. The HTML report has them._")
    return "\n\n".join(page.blocks) + "\n"


def _blocks(report: Report) -> Iterator[tuple[str, str]]:
    """(what it is, block), what matters most first."""
    yield "the heading", _heading(report)
    if reasons := _reasons(report):
        yield "the reasons", reasons
    if "comparison" in report:
        yield "what changed", _changes(report)
    if metrics := _metrics(report):
        yield "the metrics", metrics
    summary = report["run"].get("summary")
    if summary is not None and "controls" in summary:
        controls = summary["controls"]
        told = f"the scorers missed {controls['missed']} of {controls['planned']}, allowed are {controls['allowed']}"
        yield "the control cases", f"Control cases: {told}."
    yield from _regressions(report)
    yield from _worst(report)
    for title, body in (
        ("Slices", _slices(report)),
        ("Not scored", _unscored(report)),
        ("What was measured", _run(report)),
    ):
        if body:
            yield title.lower(), _folded(title, body)


def _heading(report: Report) -> str:
    run, outcome = report["run"], report["verdict"]["outcome"]
    subject = inert(neutral.clipped(f"{run['subject_kind']}/{run['subject_name']}", _NAME))
    summary = run.get("summary")
    counted = f"{summary['scored']} of {summary['cases']}" if summary else f"{run['done']} of {run['planned']}"
    return (
        f"## {_MARKS.get(outcome, '⚠️')} {_link(report, VERDICTS[outcome][0], 'verdict')}: {subject}\n\n"
        f"{subject} `{short(run['subject'])}` by suite {inert(neutral.clipped(run['suite_name'], _NAME))} "
        f"`{short(run['suite'])}`: {counted} cases scored, origin {inert(run['origin'])}."
    )


def _reasons(report: Report) -> str:
    reasons = report["verdict"]["reasons"]
    lines = [f"- {inert(neutral.clipped(reason['text'], _LINE))}" for reason in reasons[:MAX_METRICS]]
    return "\n".join([*lines, *_more(len(reasons) - MAX_METRICS, "reasons")])


def _changes(report: Report) -> str:
    comparison = report["comparison"]
    columns = (
        "metric",
        "before",
        "after",
        f"{_link(report, 'difference', 'paired-difference')} in points [{_link(report, '95 %', 'interval')}]",
        "change",
        "worse / better",
        _link(report, "McNemar p", "mcnemar"),
    )
    rows = [_cells(columns), "|---|---:|---:|---:|---|---:|---:|"]
    old = (comparison["baseline"].get("summary") or {"metrics": {}})["metrics"]
    new = (report["run"].get("summary") or {"metrics": {}})["metrics"]
    for name, metric in list(comparison["metrics"].items())[:MAX_METRICS]:
        p = words.p_value(metric["mcnemar_p_bp"]) if "mcnemar_p_bp" in metric else ""
        counts = f"{metric.get('worsened_count', 0)} / {metric.get('improved_count', 0)}"
        means = [words.mean(side.get(name, {})) for side in (old, new)]
        change = {"worse": "❌ worse", "better": "✅ better"}.get(metric["change"], metric["change"])
        rows.append(_cells((_name(name), *means, _lone(words.difference(metric)), change, counts, p)))
    told = f"### What changed since run `{comparison['baseline']['id']}`"
    extra = _further(report, comparison["metrics"])
    return "\n".join([told, "", *rows, *_more(len(comparison["metrics"]) - MAX_METRICS, "metrics"), *extra])


def _metrics(report: Report) -> str:
    metrics = (report["run"].get("summary") or {"metrics": {}})["metrics"]
    if not metrics:
        return ""
    mean, interval, coverage = (
        _link(report, text, at) for text, at in (("mean", "mean"), ("95 %", "interval"), ("coverage", "coverage"))
    )
    rows = [f"| metric | {mean} [{interval}] | n | {coverage} |", "|---|---:|---:|---:|"]
    for name, metric in list(metrics.items())[:MAX_METRICS]:
        better = " (lower is better)" if metric["lower_is_better"] else ""
        covered = words.share(metric["coverage_bp"])
        rows.append(_cells((f"{_name(name)}{better}", _lone(words.interval(metric)), str(metric["n"]), covered)))
    gaps = [
        f"- {_link(report, 'gap', 'gap')} in {_name(name)} by {_name(axis)}: "
        f"{_name(gap['best'])} over {_name(gap['worst'])} "
        f"{_lone(words.difference({**gap, 'diff_bp': gap['gap_bp']}))} points"
        for name, metric in list(metrics.items())[:MAX_METRICS]
        for axis, gap in metric.get("gaps", {}).items()
    ]
    more = _more(len(metrics) - MAX_METRICS, "metrics")
    return "\n".join(
        ["### Metrics", "", *rows, *more, *([""] if gaps else []), *gaps[:MAX_METRICS], *_further(report, metrics)]
    )


def _further(report: Report, metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Numbers beyond mean and interval, a line a metric."""
    lines = []
    for name, metric in list(metrics.items())[:MAX_METRICS]:
        told = [f"{_link(report, _label(one), one.anchor)} {inert(one.text)}" for one in further(metric)]
        if told:
            lines.append(f"- {_name(name)}: {', '.join(told[:20])}")
    return ["", *lines] if lines else []


def _label(number: Number) -> str:
    return NUMBERS[number.name][0] if number.name in NUMBERS else _name(number.name)


def _regressions(report: Report) -> Iterator[tuple[str, str]]:
    found = report.get("comparison", {"regressions": []})["regressions"]
    if found:
        yield "a heading", "### Cases that got worse"
    for row in found[:MAX_CASES]:
        move = f"{words.share(row['before_bp'])} → {words.share(row['after_bp'])}"
        told = f"{_name(row['case'])}: {_name(row['metric'])} {move}"
        before = _quoted("Answer before", row["before"].get("answer", row["before"].get("failure")))
        yield "a case that got worse", _folded(told, "\n\n".join([*before, *_case(row["after"])]))


def _worst(report: Report) -> Iterator[tuple[str, str]]:
    shown = {row["case"] for row in report.get("comparison", {"regressions": []})["regressions"]}
    cases = [case for case in report["cases"] if case["failing"] and case["case"] not in shown]
    if cases:
        yield "a heading", f"### Worst cases ({min(MAX_CASES, len(cases))} of {report['cut']['total']})"
    for case in cases[:MAX_CASES]:
        scores = ", ".join(f"{_name(name)} {case['scores'][name]['value']:.4g}" for name in case["failing"][:10])
        yield "a worst case", _folded(f"{_name(case['case'])}: {scores}", "\n\n".join(_case(case)))


def _case(case: CaseView) -> list[str]:
    parts = _quoted("Question", case["question"])
    parts += _quoted("Expected", case.get("expected"))
    parts += _quoted("Answer", case.get("answer")) + _quoted("Failure", case.get("failure"))
    for flag in case["flags"][:10]:
        reasons = inert(neutral.clipped("; ".join(flag["reasons"]), _LINE))
        parts.append(f"- Flagged: {inert(neutral.clipped(flag['text'], _LINE))} (why: {reasons})")
    for claim in case["claims"][:10]:
        parts.append(f"- Claim, {inert(claim['verdict'])}: {inert(neutral.clipped(claim['claim'], _LINE))}")
    for gold in case.get("gold", [])[:3]:
        parts += _quoted("Gold passage", gold)
    if "relevant" in case:
        parts.append(f"- Relevant: {', '.join(map(_name, case['relevant']))}")
    for passage in case["passages"][:3]:
        place = inert(neutral.clipped(passage.get("document", passage.get("chunk", "")), _NAME))
        parts += _quoted(f"Passage {passage['rank']}, {place}", passage.get("text"))
    return parts


def _slices(report: Report) -> str:
    metrics = (report["run"].get("summary") or {"metrics": {}})["metrics"]
    rows: list[tuple[str, str, str, Part]] = [
        (name, axis, group, part)
        for name, metric in metrics.items()
        for axis, groups in metric.get("slices", {}).items()
        for group, part in groups.items()
    ]
    if not rows:
        return ""
    table = ["| metric | axis | group | mean [95 %] | n |", "|---|---|---|---:|---:|"]
    table += [
        f"| {_name(name)} | {_name(axis)} | {_name(group)} | {_lone(words.interval(part))} | {part['n']} |"
        for name, axis, group, part in rows[:100]
    ]
    return "\n".join([*table, *_more(len(rows) - 100, "groups")])


def _unscored(report: Report) -> str:
    return "\n".join(
        f"- {row['n']} without {_name(row['metric'])}: {inert(neutral.clipped(row['reason'], _LINE))}"
        for row in report["unscored"]
    )


def _run(report: Report) -> str:
    run: Mapping[str, Any] = {**report["run"]}
    names = ("id", "subject", "suite", "dataset", "final_digest", "principal")
    told = [f"- {name.replace('_', ' ')}: {inert(str(run[name]))}" for name in names if name in run]
    told += [
        f"- {_name(part)}: {inert(neutral.clipped(version, _LINE))}"
        for part, version in list(run["engine"].items())[:20]
    ]
    return "\n".join(told)


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def _quoted(title: str, text: str | None) -> list[str]:
    return [] if text is None else [f"{title}:\n\n{neutral.markdown_block(neutral.clipped(text, _BLOCK))}"]


def _more(n: int, what: str) -> list[str]:
    return ["", f"_{n} more {what} are in the HTML report._"] if n > 0 else []


def _name(text: str) -> str:
    return inert(neutral.clipped(text, _NAME))


def _lone(text: str) -> str:
    """Numbers with brackets around their interval, which must not begin a link."""
    return text.replace("[", "&#91;").replace("]", "&#93;")


def _link(report: Report, text: str, anchor: str) -> str:
    return f"[{text}]({report['methods'][anchor]})"
