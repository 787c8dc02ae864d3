"""What the demo found: each expectation beside what happened, and one row per version of the agent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sekisho.cli.results import percent


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that the story says, and whether the data said it too."""

    said: str
    happened: str
    holds: bool


@dataclass(slots=True)
class Version:
    """A version of the agent on its way: its measurements, and what the gate answered per stage."""

    label: str
    retrieval: str
    model: str
    runs: Mapping[str, Mapping[str, Any]]
    answers: dict[str, str] = field(default_factory=dict)

    def metric(self, suite: str, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = (self.runs.get(suite, {}).get("summary") or {}).get("metrics", {}).get(name, {})
        return found


@dataclass
class Findings:
    """Collected while the demo plays."""

    console: Console
    findings: list[Finding] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    seconds: list[tuple[str, float]] = field(default_factory=list)

    def expect(self, said: str, happened: str, *, holds: bool) -> None:
        self.findings.append(Finding(said, happened, holds))
        if not holds:
            self.console.print(f"[yellow]The data tell another story:[/yellow] {escape(said)}; {escape(happened)}.")

    @property
    def as_told(self) -> bool:
        """Whether everything came as the story says."""
        return bool(self.findings) and all(finding.holds for finding in self.findings)

    def show(self) -> None:
        self.console.print(_versions(self.versions))
        self.console.print(_findings(self.findings))
        spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.seconds)
        self.console.print(f"[dim]{spent}; {sum(seconds for _, seconds in self.seconds):.0f} s in all[/dim]")


def _versions(versions: Sequence[Version]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    for version in versions:
        table.add_column(f"docs-assistant {version.label}", overflow="fold")
    table.add_row("retrieval", *(version.retrieval for version in versions))
    table.add_row("answers by", *(version.model for version in versions))
    for group in ("en", "ja"):
        table.add_row(f"recall@5, {group}", *(_mean(_slice(version, group)) for version in versions))
    table.add_row("gap, in points", *(_gap(version.metric("docs-retrieval", "recall@5")) for version in versions))
    table.add_row("made-up answers", *(_mean(_made_up(version)) for version in versions))
    for stage in ("staging", "production"):
        table.add_row(stage, *(version.answers.get(stage, "not asked") for version in versions))
    return table


def _slice(version: Version, group: str) -> Mapping[str, Any]:
    recall = version.metric("docs-retrieval", "recall@5")
    found: Mapping[str, Any] = recall.get("slices", {}).get("language", {}).get(group, {})
    return found


def _made_up(version: Version) -> Mapping[str, Any]:
    return version.metric("docs-answers", "hallucinated") or version.metric("docs-answers-sample", "hallucinated")


def _gap(metric: Mapping[str, Any]) -> str:
    gap = metric.get("gaps", {}).get("language")
    return f"{gap['gap_bp'] / 100:.1f} \\[{gap['low_bp'] / 100:.1f}, {gap['high_bp'] / 100:.1f}]" if gap else "-"


def _mean(metric: Mapping[str, Any]) -> str:
    if "mean_bp" not in metric:
        return "-"
    interval = f"\\[{metric['low_bp'] / 100:.1f}, {metric['high_bp'] / 100:.1f}]"
    return f"{percent(metric['mean_bp'])} {interval} of {metric['n']}"


def _findings(findings: Sequence[Finding]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        mark = "[green]✓[/green]" if finding.holds else "[red]✗[/red]"
        table.add_row(f"{mark} {escape(finding.said)}: [dim]{escape(finding.happened)}[/dim]")
    return table
