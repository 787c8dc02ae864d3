"""Commands for attested evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import yaml

from sekisho.cli.session import Session, session
from sekisho.kernel.errors import FieldError, Invalid


@click.group()
def card() -> None:
    """System cards: what a person attests about a system."""


@card.command("add")
@click.argument("reference")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@session
def add(state: Session, reference: str, file: Path) -> None:
    """Attest the card in FILE (YAML) about the system REFERENCE, such as system/docs@latest."""
    added = state.connection.post(state.path("/cards"), {"subject": reference, "card": _read_card(file)})
    empty = [name for name, filled in added["filled"].items() if not filled]
    note = f"; still empty: {', '.join(empty)}" if empty else "; every part is filled"
    state.show(added, f"card {added['id']} about {added['system']} {added['subject'][7:19]}{note}")


@card.command("list")
@click.argument("reference")
@session
def list_cards(state: Session, reference: str) -> None:
    """The cards about the system REFERENCE, newest first."""
    found = state.connection.get(state.path("/cards"), subject=reference)
    lines = [f"{item['id']}  by {item['principal']}  about {item['subject'][7:19]}" for item in found["items"]]
    state.show(found, "\n".join(lines) or f"no card about {reference}")


def _read_card(file: Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} is not valid YAML", fields=[FieldError("$", str(error))]) from error
    if not isinstance(value, dict):
        raise Invalid(f"{file} does not hold a card", fields=[FieldError("$", "write a mapping of the card's parts")])
    return value


commands: list[click.Command] = [card]
