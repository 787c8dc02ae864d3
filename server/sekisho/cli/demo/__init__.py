"""`sekisho demo`: one LLM change on its way to production, on real input, by the public commands and REST."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from types import FrameType

import click

from sekisho.cli.demo.acts import Play
from sekisho.cli.demo.findings import Findings
from sekisho.cli.demo.scene import Scene
from sekisho.cli.demo.server import LOCAL_OLLAMA, Server, free_port, ollama_answers
from sekisho.cli.extras import require_extra
from sekisho.cli.session import Session, session


@click.command()
@click.option("--once", is_flag=True, help="End when it is told: exit code 0 where the data told this story, else 1.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to play in; made anew each time.  [default: demo/ in the setting data_dir]",
)
@click.option("--model", help="Model of an Ollama host for the last version.  [default: the smallest that answers]")
@session
@click.pass_context
def demo(ctx: click.Context, state: Session, once: bool, data_dir: Path | None, model: str | None) -> None:
    """Watch one LLM change being registered, indexed, evaluated, denied, mended, allowed, signed and resolved.

    It starts a server of its own in a fresh folder, and types the commands that a CI job and people would. All that
    it says comes from the data: change a page of the handbook or a number in the policy data, and the outcome
    changes. It stays up until Ctrl-C unless told otherwise. Works without a server: it brings one.
    """
    require_extra("worker", "demo")
    require_extra("server", "demo")
    settings = state.settings
    chosen = any(item.name == "port" and item.source != "default" for item in state.sources)
    port = free_port(settings.host, settings.port, exactly=chosen)
    address = f"http://{settings.host}:{port}"
    scene = Scene((data_dir or settings.data_dir / "demo").resolve(), address, state.console)
    scene.prepare()
    _end_in_order()
    findings = Findings(state.console)
    play = Play(scene, findings)
    state.console.rule("[bold]0  A server and its people[/bold]", align="left")
    state.console.print(f"  `sekisho up` at {address}, data in {scene.folder}")
    environment = {"SEKISHO_DATA_DIR": str(scene.data), "SEKISHO_PORT": str(port), "SEKISHO_SERVER_URL": ""}
    if not settings.ollama_hosts and ollama_answers(LOCAL_OLLAMA):
        environment["SEKISHO_OLLAMA_HOSTS"] = LOCAL_OLLAMA
    with Server(address, environment, scene.folder / "server.log") as server:
        scene.invite()
        state.console.print(f"  the server's public key is kept in {scene.public_key.name} before anything is decided")
        play.first_version()
        play.denied()
        attestation = play.mended()
        play.another_model(model, hosts="SEKISHO_OLLAMA_HOSTS" in environment or bool(settings.ollama_hosts))
        if once:
            server.stop()
        play.verify(attestation, stopped=once)
        state.console.rule("[bold]Summary[/bold]", align="left")
        findings.show()
        if not once:
            _stay(state, scene, server)
    ctx.exit(0 if findings.as_told else 1)


def _stay(state: Session, scene: Scene, server: Server) -> None:
    state.console.print(
        f"\n[bold]It stays up until Ctrl-C.[/bold]\n"
        f"  API           {scene.address}\n"
        f"  API's pages   {scene.address}/docs\n"
        f"  admin token   {scene.data / 'admin.token'}\n"
        f"  the project   {scene.project}\n"
        f"  server's log  {server.log}"
    )
    try:
        while server.running:
            time.sleep(0.5)
    except KeyboardInterrupt:
        state.console.print("ending")


def _end_in_order() -> None:
    """Have a request to terminate unwind like Ctrl-C, so that the server is not left behind."""

    def unwind(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, unwind)


commands: list[click.Command] = [demo]
