"""The command line. It talks to a server through ``client/``; commands that do not say so in their help.

Exit codes: 0 allowed or passed; 1 an enforced, unwaived rule failed, or a regression; 2 usage or invalid input;
3 denied only because evidence is missing or inconclusive; 4 server or engine error.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import click

from sekisho import __version__
from sekisho.cli.session import Session, exit_code_of
from sekisho.kernel.errors import SekishoError
from sekisho.kernel.references import DEFAULT_PROJECT

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "operations": ("up", "serve", "worker", "db", "settings"),
    "identity": ("whoami", "project", "principal", "role", "token"),
    "ledger": ("ledger", "verify"),
    "registry": (
        "register",
        "list",
        "show",
        "versions",
        "diff",
        "lineage",
        "resolve",
        "archive",
        "restore",
        "revoke",
        "render",
    ),
    "apply": ("apply", "schema"),
    "inference": ("models",),
    "indexing": ("index",),
    "corpus": ("corpus",),
    "evaluation": ("eval", "run", "compare", "suite", "scorers"),
    "score": ("score",),
    "judging": ("judge",),
    "drafting": ("dataset",),
    "evidence": ("card",),
    "overlaps": ("overlap",),
    "attesting": ("attest", "attested", "licence"),
    "gate": ("promote", "gate", "rollback", "approve", "explain", "attestation", "decisions"),
    "waivers": ("waive", "waiver"),
    "policy": ("policy",),
    "demo": ("demo",),
}
"""Which module has which commands: only the one that is asked for is loaded."""
_ROOM_OF: Final = {name: room for room, names in COMMANDS.items() for name in names}


class Rooms(click.Group):
    """Commands by the room they belong to; our errors become a message on standard error and an exit code."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = super().get_command(ctx, cmd_name)
        return None if found is None else _with_common_options(found)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SekishoError as error:
            session = ctx.find_object(Session)
            (session or Session()).show_error(error)
            ctx.exit(exit_code_of(error))
        except KeyboardInterrupt:
            ctx.exit(130)


class Product(Rooms):
    """Every command of the product, each loaded when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_ROOM_OF)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands and cmd_name in _ROOM_OF:
            for command in import_module(f"sekisho.cli.{_ROOM_OF[cmd_name]}").commands:
                self.add_command(command)
        return super().get_command(ctx, cmd_name)


@click.group(cls=Product, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="sekisho")
@click.option("--project", envvar="SEKISHO_PROJECT", help="Project to work in; default, or the lock's.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, nothing else, on standard output.")
@click.pass_context
def main(ctx: click.Context, project: str | None, as_json: bool) -> None:
    """Sekisho: the checkpoint between an LLM change and production.

    \b
    A CI job:  sekisho apply && sekisho eval && sekisho promote --to staging
    A start:   sekisho demo
    """
    ctx.obj = Session(project=project or DEFAULT_PROJECT, as_json=as_json, project_given=project is not None)
    ctx.call_on_close(ctx.obj.close)


def _remember_json(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Session).as_json = True


def _remember_project(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value:
        state = ctx.ensure_object(Session)
        state.project, state.project_given = value, True


def _with_common_options(command: click.Command) -> click.Command:
    """Let ``--json`` and ``--project`` stand after the command too, where people write them."""
    if isinstance(command, click.Group):
        for child in command.commands.values():
            _with_common_options(child)
        return command
    taken = {name for parameter in command.params for name in parameter.opts}
    if "--json" not in taken:
        command.params.append(
            click.Option(["--json"], is_flag=True, expose_value=False, callback=_remember_json, help="Print JSON only.")
        )
    if "--project" not in taken:
        command.params.append(
            click.Option(["--project"], expose_value=False, callback=_remember_project, help="Project to work in.")
        )
    return command
