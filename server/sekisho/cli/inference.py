"""Commands about models."""

from __future__ import annotations

from typing import Any, Final

import click
from rich.table import Table

from sekisho.cli.session import Session, session


@click.command()
@session
def models(state: Session) -> None:
    """List the models that can answer or embed now, with the digest that a model manifest pins."""
    hosts: list[dict[str, Any]] = state.connection.get(state.path("/models"))["items"]
    state.show(hosts, _table(hosts))


def _table(hosts: list[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="bold")
    for title in ("model", "family", "size", "host", "digest"):
        table.add_column(title, overflow="fold")
    for host in hosts:
        if seen := host.get("seen"):
            table.add_row("-", "-", "-", host["host"], _told(seen), style="dim")
        if not host["reachable"]:
            table.add_row("-", "-", "-", host["host"], f"[red]{host['problem']}[/red]")
        for model in host["models"]:
            size = f"{model['size_bytes'] / 1e6:.0f} MB" if model["size_bytes"] else "-"
            table.add_row(model["name"], model["family"], size, host["host"], model["digest"])
    return table


def _told(seen: dict[str, Any]) -> str:
    """How a host did for the worker that asked it last."""
    places = "places not known yet" if seen["places"] is None else f"{seen['places']} at a time ({seen['decided']})"
    return f"circuit {seen['circuit']}, {places}, {seen['failures']} of {seen['calls']} calls failed"


commands: Final[list[click.Command]] = [models]
