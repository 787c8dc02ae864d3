"""The parts of the documentation that are made from the code: `python -m tests.docs.reference` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, get_args, get_origin

import click
import msgspec

from sekisho.cli import main
from sekisho.gate.policies import load_policies
from sekisho.gate.reference import rules_page
from sekisho.kernel.settings import Settings, described_settings, variable_of
from tests.docs import scorers

ROOT: Final = Path(__file__).parents[2]
BLOCKS: Final = {"docs/operations.md": "settings", "docs/cli.md": "commands"}


def settings_table() -> str:
    """Every setting with its name in the environment, its default and its meaning."""
    meanings = {item.name: item.meaning for item in described_settings()}
    lines = ["| setting | in the environment | default | meaning |", "|---|---|---|---|"]
    for field in msgspec.structs.fields(Settings):
        cells = (f"`{field.name}`", f"`{variable_of(field.name)}`", _default(field), meanings[field.name])
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def commands_table() -> str:
    """Every command of the CLI with the first sentence of its help."""
    lines = ["| command | what it does |", "|---|---|"]
    for path, command in commands():
        arguments = [p.make_metavar(click.Context(command)) for p in command.params if isinstance(p, click.Argument)]
        words = " ".join(["sekisho", *path, *arguments])
        told = re.split(r"(?<=[.])\s", " ".join((command.help or "").split()), maxsplit=1)[0]
        lines.append(f"| `{words.replace('|', '/')}` | {told} |")
    return "\n".join(lines)


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that is not a group, with the words that call it."""
    context = click.Context(group)
    for name in sorted(group.list_commands(context)):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def rules() -> str:
    """The page about the rules that ship with Sekisho."""
    return rules_page(load_policies(ROOT / "policies"))


def made() -> Mapping[str, str]:
    """What stands in the generated blocks, by block name."""
    return {"settings": settings_table(), "commands": commands_table()}


def with_block(text: str, name: str, content: str) -> str:
    """The page with this content between the block's marks. Raises ValueError where the page has no such block."""
    start, end = f"<!-- made from the code: {name} -->\n", f"\n<!-- end of {name} -->"
    before, opened, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    if not opened or not closed:
        raise ValueError(f"the page has no block {name}")
    return f"{before}{start}\n{content}\n{end}{after}"


def _default(field: Any) -> str:
    shown = "empty" if field.default in ("", ()) else f"`{field.default}`"
    if str(get_origin(field.type)) == "typing.Literal":
        shown += f" (of {', '.join(f'`{word}`' for word in get_args(field.type))})"
    return shown


def write() -> None:
    """Bring every generated part up to date."""
    (ROOT / "docs/rules.md").write_text(rules(), "utf-8")
    scorers.write()
    for page, name in BLOCKS.items():
        path = ROOT / page
        path.write_text(with_block(path.read_text("utf-8"), name, made()[name]), "utf-8")


if __name__ == "__main__":
    write()
