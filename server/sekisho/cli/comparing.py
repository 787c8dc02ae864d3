"""Two index versions beside each other, in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sekisho.evaluation.index_comparison_text import content_rows, metric_rows, ranking_lines


def compared(result: dict[str, Any]) -> RenderableType:
    """What they hold; then, where questions were asked, what became of the answers."""
    parts: list[RenderableType] = [
        Text(f"{result['before']['reference']} → {result['after']['reference']}", style="bold"),
        _table(("", "before", "after", "what changed"), content_rows(result)),
    ]
    if result["parameters"]:
        changes = [(one["path"], one["before"], one["after"]) for one in result["parameters"]]
        parts.append(_table(("parameter", "before", "after"), changes))
    if retrieval := result.get("retrieval"):
        parts += [Text(line) for line in ranking_lines(retrieval)]
        rows = metric_rows(retrieval["metrics"])
        if rows:
            parts.append(_table(("metric", "before", "after", "difference (95 %)", "change"), rows))
    return Group(*parts)


def _table(titles: Sequence[str], rows: Sequence[Sequence[Any]]) -> Table:
    table = Table(box=None, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    return table
