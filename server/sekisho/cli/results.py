"""Runs, reports and comparisons as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import markup
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from sekisho.evaluation.reports.neutral import terminal
from sekisho.evaluation.reports.numbers import Number, further
from sekisho.evaluation.reports.texts import NUMBERS
from sekisho.evaluation.reports.words import p_value
from sekisho.kernel.clock import from_epoch_ms, iso
from sekisho.kernel.digests import short

MAX_CASES = 10


def escape(text: str) -> str:
    """What others wrote, as a cell shows it: no escape sequence, no workflow command, no markup."""
    return markup.escape(terminal(text))


def percent(basis_points: int) -> str:
    return f"{basis_points / 100:.1f} %"


def interval(part: dict[str, Any]) -> str:
    """``62.1 % [55.0, 68.7]``, in the metric's unit where it is no share, or a dash where nothing was scored."""
    if "mean_bp" not in part:
        return "-"
    if "unit" in part:
        mean, low, high = (f"{part[name] / 10_000:,.1f}" for name in ("mean_bp", "low_bp", "high_bp"))
        return f"{mean} {part['unit']} \\[{low}, {high}]"
    return f"{percent(part['mean_bp'])} \\[{part['low_bp'] / 100:.1f}, {part['high_bp'] / 100:.1f}]"


def run_table(runs: Sequence[dict[str, Any]]) -> RenderableType:
    """Per run a table of its metrics with n, coverage and interval; under it the largest gap of each axis."""
    return Group(*(part for run in runs for part in _run_parts(run)))


def _run_parts(run: dict[str, Any]) -> list[RenderableType]:
    subject = f"{run['subject_kind']}/{run['subject_name']} {short(run['subject'])}"
    metrics = (run.get("summary") or {}).get("metrics", {})
    table = Table("metric", "n", "coverage", "mean [95 %]", title=escape(f"{subject} by {run['suite_name']}"))
    for name, metric in metrics.items():
        table.add_row(escape(name), str(metric["n"]), percent(metric["coverage_bp"]), interval(metric))
    gaps = [
        _gap(name, axis, gap, metric.get("unit", ""))
        for name, metric in metrics.items()
        for axis, gap in metric["gaps"].items()
    ]
    gaps += [
        _flips(name, axis, one) for name, metric in metrics.items() for axis, one in metric.get("flips", {}).items()
    ]
    digest = f", final digest {short(run['final_digest'])}" if "final_digest" in run else ""
    reason = f": {run['reason']}" if "reason" in run else ""
    told = f"run {run['id']} is {run['state']}{reason} ({run['done']} of {run['planned']} cases{digest})"
    words = Text(terminal("\n".join([*gaps, told])))
    return [table, words] if metrics else [words]


def _flips(metric: str, axis: str, flips: dict[str, Any]) -> str:
    if "excess_bp" not in flips:
        return f"{metric}, flips by {axis}: {flips['unscored']}"
    beyond = f"{percent(flips['excess_bp'])} [{flips['low_bp'] / 100:.1f}, {flips['high_bp'] / 100:.1f}]"
    return (
        f"{metric} flips by {axis} in {percent(flips['flip_bp'])}, by itself in {percent(flips['resample_bp'])}:"
        f" {beyond} beyond chance, over {flips['n']} of {flips['pairs']} pairs"
    )


def scorers_table(scorers: Sequence[dict[str, Any]]) -> RenderableType:
    """Per scorer its metrics, what it takes (what it must have first) and reads, and when there is no score."""
    return Text("\n").join(Text("\n").join(_scorer(item)) for item in scorers)


def _scorer(item: dict[str, Any]) -> list[Text]:
    lower, unit = set(item["lower_is_better"]), f" in {item['unit']}" if item["unit"] else ""
    metrics = [f"{metric}{' (less is better)' if metric in lower else ''}" for metric in item["metrics"]]
    takes = ", ".join(_parameters(item["parameters"])) or "nothing"
    name = Text(f"{item['name']:<17}", style="bold")
    return [
        name.append(f"{', '.join(metrics)}{unit}", style="not bold"),
        Text(f"    {item['meaning']}{', by a judge' if item['judged'] else ''}"),
        Text(f"    takes {takes}; reads {', '.join(item['reads'])}"),
        Text(f"    no score when {item['unscored_when']}", style="dim"),
    ]


def _parameters(schema: dict[str, Any]) -> list[str]:
    own = schema
    if "$ref" in schema:
        own = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    required = own.get("required", [])
    return [*required, *(f"{name} (optional)" for name in own.get("properties", {}) if name not in required)]


def runs_table(runs: Sequence[dict[str, Any]]) -> RenderableType:
    # Two lines each, since an id that is cut short names no run.
    table = Table(Column("run, asked for", no_wrap=True, min_width=36), "subject, suite", Column("state", no_wrap=True))
    for run in runs:
        subject = f"{run['subject_kind']}/{run['subject_name']} {short(run['subject'])}"
        table.add_row(
            f"{run['id']}\n{iso(from_epoch_ms(run['created_at']))}",
            escape(f"{subject}\n{run['suite_name']}"),
            f"{run['state']}\n{run['done']}/{run['planned']} cases",
        )
    return table if runs else Text("no runs")


def report_view(report: dict[str, Any]) -> RenderableType:
    """The run, its slices, the cases that show each gap, and why cases were not scored."""
    run = report["run"]
    parts: list[RenderableType] = [run_table([run])]
    metrics = (run.get("summary") or {}).get("metrics", {})
    slices = Table("metric", "axis", "group", "n", "coverage", "mean [95 %]", title="slices")
    for name, metric in metrics.items():
        for axis, groups in metric["slices"].items():
            for group, part in groups.items():
                cells = (str(part["n"]), percent(part["coverage_bp"]), interval(part))
                slices.add_row(escape(name), escape(axis), escape(group), *cells)
    if slices.row_count:
        parts.append(slices)
    for name, axes in report.get("worst", {}).items():
        for axis, worst in axes.items():
            if worst:
                parts.append(_worst(f"{name}: where {axis} differs most", worst))
    unscored = [f"{item['n']} cases have no {item['metric']}: {item['reason']}" for item in report.get("unscored", [])]
    return Group(*parts, Text(terminal("\n".join([*_further(metrics), *unscored]))))


def comparison_table(comparison: dict[str, Any]) -> RenderableType:
    """Per metric the paired difference, then the cases that got worse."""
    table = Table("metric", "n", "difference [95 %]", "change", "worse", "better", "McNemar p")
    parts: list[RenderableType] = [table]
    for name, metric in comparison["metrics"].items():
        if metric["n"] == 0:
            table.add_row(escape(name), "0", "-", "unknown", "", "", "")
            continue
        difference = f"{metric['diff_bp'] / 100:+.1f} \\[{metric['low_bp'] / 100:+.1f}, {metric['high_bp'] / 100:+.1f}]"
        p = p_value(metric["mcnemar_p_bp"]) if "mcnemar_p_bp" in metric else ""
        counts = (str(metric["worsened_count"]), str(metric["improved_count"]))
        table.add_row(escape(name), str(metric["n"]), difference, metric["change"], *counts, p)
        lines = [
            f"  {row['case']}: {percent(row['before_bp'])} before, {percent(row['after_bp'])} after"
            for row in metric["worsened"][:MAX_CASES]
        ]
        if lines:
            parts.append(Text(terminal("\n".join([f"worse by {name}:", *lines]))))
    lines = [*_further(comparison["metrics"]), *_stage(comparison.get("stage"))]
    return Group(*parts, Text(terminal("\n".join(lines))))


def _stage(stage: dict[str, Any] | None) -> list[str]:
    """What a comparison says of a stage's margins."""
    if stage is None:
        return []
    if "reason" in stage:
        return [f"margins of {stage['name']}: {stage['outcome']}, since {stage['reason']}"]
    if not stage["claims"]:
        return [f"the policy sets no margin for this suite at {stage['name']}"]
    told = [
        f"{one['metric']} is not worse by more than {percent(one['margin_bp'])}: {one['decision']}"
        for one in stage["claims"]
    ]
    family = f"Holm's steps over {stage['family']} margins" if stage["family"] > 1 else "one margin"
    missing = f", {stage['unmeasured']} of them not measured on both sides" if stage["unmeasured"] else ""
    return [f"margins of {stage['name']}: {stage['outcome']} ({family}{missing})", *(f"  {one}" for one in told)]


def _further(metrics: dict[str, Any]) -> list[str]:
    """What statistics say beside mean, difference and interval, a line a metric."""
    told = {name: "; ".join(f"{_named(one)} {one.text}" for one in further(metric)) for name, metric in metrics.items()}
    return [f"{name}: {text}" for name, text in told.items() if text]


def _named(number: Number) -> str:
    return NUMBERS[number.name][0] if number.name in NUMBERS else number.name


def _gap(metric: str, axis: str, gap: dict[str, Any], unit: str = "") -> str:
    apart, low, high = (gap[name] / (10_000 if unit else 100) for name in ("gap_bp", "low_bp", "high_bp"))
    paired = "paired" if gap["paired"] else "not paired"
    size = f"{apart:.1f}{f' {unit}' if unit else ''} [{low:.1f}, {high:.1f}]"
    return f"gap in {metric} by {axis}: {gap['best']} over {gap['worst']} {size}, {paired}"


def _worst(title: str, worst: Sequence[dict[str, Any]]) -> RenderableType:
    table = Table("case", "group", "value", "question", title=escape(title))
    for item in worst:
        for case in item["cases"]:
            table.add_row(
                escape(case["case"]), escape(case["group"]), percent(case["value_bp"]), escape(case["question"])
            )
    return table
