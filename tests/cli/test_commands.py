"""Commands are loaded when they are asked for, and all of them are there."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import click
import pytest

from sekisho import cli


@pytest.mark.parametrize("room", sorted(cli.COMMANDS))
def test_the_table_names_what_the_module_has(room: str) -> None:
    """No command is forgotten, and none is promised that is not there."""
    found = [command.name for command in import_module(f"sekisho.cli.{room}").commands]
    assert tuple(found) == cli.COMMANDS[room]


def test_every_module_with_commands_is_in_the_table() -> None:
    """A new room's commands must be named to be found."""
    modules = [module.name for module in iter_modules(cli.__path__) if not module.name.startswith("_")]
    with_commands = {name for name in modules if hasattr(import_module(f"sekisho.cli.{name}"), "commands")}
    assert with_commands == set(cli.COMMANDS)


def test_common_options_stand_after_every_command() -> None:
    """``--json`` and ``--project``, where people write them."""
    context = click.Context(cli.main)
    for name in cli.main.list_commands(context):
        command = cli.main.get_command(context, name)
        assert command is not None
        if not isinstance(command, click.Group):
            assert {"--json", "--project"} <= {option for parameter in command.params for option in parameter.opts}


def test_one_command_does_not_load_another() -> None:
    """The server's command brings neither the demo nor the policy tools."""
    code = (
        "import sys, click; from sekisho.cli import main; main.get_command(click.Context(main), 'serve'); "
        "print('sekisho.cli.demo' in sys.modules, 'sekisho.cli.policy' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "False"]
