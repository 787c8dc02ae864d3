"""Commands that run the server itself. They import its parts only when called: the light client has none of them."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from pathlib import Path
from typing import Final

import click

from sekisho.cli.extras import require_extra
from sekisho.cli.session import Session, session
from sekisho.cli.supervision import Child, Supervisor, end_with_supervisor
from sekisho.kernel.errors import Conflict, IntegrityFailed, Invalid
from sekisho.kernel.settings import Settings, described_settings, read_settings

GRACE_S: Final = 10


@click.command()
@session
def up(state: Session) -> None:
    """Migrate, then run API and worker until Ctrl-C. Works without a server: it is one.

    A process that dies is started again. Logs go to standard error.
    """
    require_extra("server", "up")
    require_extra("worker", "up")
    listen(state.settings).close()  # a taken port is told here, not by a child
    migrate(state.settings)
    supervisor = Supervisor([Child("serve"), Child("worker")], state.say)
    supervisor.stop_on_signals()
    try:
        supervisor.start()
        code = supervisor.watch(until=lambda: answers(address(state.settings)))
        if code is None:
            _show_addresses(state)
            code = supervisor.watch()
    finally:
        supervisor.close()
    click.get_current_context().exit(code or 0)


@click.command()
@session
def serve(state: Session) -> None:
    """Run the API alone; needs the extra `server`. Works without a server: it is one."""
    require_extra("server", "serve")
    gc.disable()  # nothing of what a start loads is ever let go; looking through it again and again took a sixth of it
    import uvicorn

    from sekisho.http.app import create_app
    from sekisho.kernel.allocation import keep_large_blocks_apart
    from sekisho.kernel.logging import configure_logging
    from sekisho.wiring.garbage import settle_garbage
    from sekisho.wiring.services import build_services

    settings = state.settings
    keep_large_blocks_apart()
    end_with_supervisor()
    configure_logging(settings)
    listener = listen(settings)
    config = uvicorn.Config(
        create_app(build_services(settings)),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing here asks where a request came from
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=GRACE_S,
    )
    settle_garbage()
    gc.enable()
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    if not server.started:
        raise click.exceptions.Exit(4)


@click.command()
@session
def worker(state: Session) -> None:
    """Run a worker alone: builds, searches, evaluations. Needs the extra `worker`, and the database of the API."""
    require_extra("worker", "worker")
    from sekisho.kernel.logging import configure_logging
    from sekisho.worker.process import run_worker

    end_with_supervisor()
    configure_logging(state.settings)
    asyncio.run(run_worker(state.settings))


@click.group()
def db() -> None:
    """The database's schema. Works without a server."""


@db.command("upgrade")
@session
def db_upgrade(state: Session) -> None:
    """Apply every migration that is missing. Safe to call again."""
    require_extra("server", "db upgrade")
    migrate(state.settings)
    state.show({"state": "up to date"}, "The database is up to date.")


@db.command("check")
@session
def db_check(state: Session) -> None:
    """Exit 0 where the database has exactly the tables that this version of Sekisho means, else 4."""
    require_extra("server", "db check")
    from sekisho.kernel.database import Database
    from sekisho.wiring.tables import schema_differences

    async def differences() -> tuple[str, ...]:
        database = Database(state.settings.database)
        try:
            return await schema_differences(database)
        finally:
            await database.close()

    found = asyncio.run(differences())
    if found:
        raise IntegrityFailed(
            f"the database differs from what this version means: {'; '.join(found)}", remedy="run `sekisho db upgrade`"
        )
    state.show({"state": "as meant", "differences": []}, "The database is as this version means it.")


@db.command("grant-worker")
@click.argument("role")
@click.option("--password", envvar="SEKISHO_WORKER_PASSWORD", help="Let it log in by this; of letters and digits.")
@session
def db_grant_worker(state: Session, role: str, password: str | None) -> None:
    """Let the PostgreSQL role ROLE do a worker's work, and no more.

    It can then write no stage, approval, decision, waiver, role, token or policy. The role is made where there is none.
    Call it as the tables' owner, again after each `db upgrade`; the worker's SEKISHO_DATABASE_URL then names ROLE.
    """
    require_extra("server", "db grant-worker")
    from sekisho.kernel.database import Database
    from sekisho.wiring.worker_role import grant_worker

    async def grant() -> bool:
        database = Database(state.settings.database)
        try:
            return await grant_worker(database, role, password)
        finally:
            await database.close()

    made = asyncio.run(grant())
    state.show({"role": role, "made": made}, f"{role} may do a worker's work, and no more.")


class SettingsHelp(click.Command):
    """Its help ends with every setting, told from the settings themselves."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Settings"):
            formatter.write_dl(
                [
                    (item.variable, f"{item.meaning} [{item.kind}; default: {item.default or 'empty'}]")
                    for item in described_settings()
                ]
            )


@click.command(cls=SettingsHelp)
@session
def settings(state: Session) -> None:
    """Every setting, its value (secrets masked) and where it came from: default, sekisho.toml or the environment.

    \b
    A setting `data_dir` stands as `data_dir = "…"` in ./sekisho.toml, or as SEKISHO_DATA_DIR in the environment,
    which wins.

    Where one is wrong or unknown, the others are shown, what is wrong is said, and the exit code is 2.
    """
    from rich.table import Table

    _, sources, wrong = read_settings(os.environ, Path.cwd())
    rows = [{"name": item.name, "value": item.shown, "source": item.source} for item in sources]
    table = Table("setting", "value", "from", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row["name"], row["value"], row["source"])
    state.show({"settings": rows}, table)
    if wrong:
        raise Invalid(
            "the settings are not valid; a wrong one is shown with its default, and no process starts with it",
            fields=wrong,
            remedy="see `sekisho settings --help` for the names",
        )


def migrate(settings: Settings) -> None:
    """Bring the database of the settings up to date."""
    from sekisho.kernel.database import Database
    from sekisho.kernel.migrations import upgrade

    async def work() -> None:
        database = Database(settings.database)
        try:
            await upgrade(database)
        finally:
            await database.close()

    asyncio.run(work())


def listen(settings: Settings) -> socket.socket:
    """The API's socket, bound. Raises `Conflict` where another process has the port, which no restart would mend."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise Conflict(
            f"cannot listen on {settings.host}:{settings.port}: {os.strerror(error.errno or 0)}",
            remedy="stop the process that listens there, or set SEKISHO_PORT",
        ) from error


def address(settings: Settings) -> str:
    """Where the API of this very machine answers, whatever `server_url` says of another."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def answers(server: str) -> bool:
    """Whether an API lives at that address."""
    import httpx

    try:
        return httpx.get(f"{server}/healthz", timeout=1, trust_env=False).is_success  # no proxy: it is this machine
    except httpx.HTTPError:
        return False


def _show_addresses(state: Session) -> None:
    server = address(state.settings)
    token = state.settings.data_dir / "admin.token"
    state.say(
        f"[bold]Sekisho runs.[/bold] Ctrl-C ends it.\n"
        f"  API           {server}\n"
        f"  API's pages   {server}/docs\n"
        f"  data          {state.settings.data_dir.resolve()}"
        + (f"\n  admin token   {token.resolve()}" if token.exists() else "")
    )


commands: list[click.Command] = [up, serve, worker, db, settings]
