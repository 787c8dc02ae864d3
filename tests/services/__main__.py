"""`python -m tests.services start|stop|status|env [NAME…]`, which `make services` calls."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.services.chroma import Chroma
from tests.services.ollama import Ollama
from tests.services.opa import Opa
from tests.services.postgres import Postgres
from tests.services.supervisor import Service, Supervisor
from tests.services.workspace import Workspace

CHECKOUT = Path(__file__).resolve().parents[2]
NAMES = ("opa", "ollama", "postgres", "chroma")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.services", description=__doc__)
    parser.add_argument("command", choices=COMMANDS, help="start also installs what is absent")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these of {', '.join(NAMES)}")
    arguments = parser.parse_args(argv)
    if unknown := sorted(set(arguments.names) - set(NAMES)):
        parser.error(f"unknown service {', '.join(unknown)}; there are {', '.join(NAMES)}")
    workspace = Workspace(CHECKOUT / ".services")
    services: list[Service] = [Opa(workspace), Ollama(workspace), Postgres(workspace), Chroma(workspace)]
    return COMMANDS[arguments.command](Supervisor(workspace, services), arguments.names)


def start(supervisor: Supervisor, names: Sequence[str]) -> int:
    failures = supervisor.start(names)
    for failure in failures:
        print(f"\n{failure.report()}", file=sys.stderr)
    if not failures:
        print(f"addresses: {supervisor.workspace.env_file}")
    return 1 if failures else 0


def stop(supervisor: Supervisor, names: Sequence[str]) -> int:
    supervisor.stop(names)
    return 0


def status(supervisor: Supervisor, names: Sequence[str]) -> int:
    """Prints one line per service; 0 where all of them are up, 1 otherwise."""
    down = 0
    for service in supervisor.services:
        if names and service.name not in names:
            continue
        process = supervisor.running(service)
        down += process is None
        where = f"up    127.0.0.1:{process.port}  pid {process.pid}" if process else "down"
        print(f"{service.name:<9} {where}")
    return 1 if down else 0


def env(supervisor: Supervisor, names: Sequence[str]) -> int:
    """Prints the variables of the services that are up, as `.services/env` holds them."""
    for service in supervisor.services:
        process = supervisor.running(service) if not names or service.name in names else None
        for key, value in service.env(process.port).items() if process else ():
            print(f"{key}={value}")
    return 0


COMMANDS: dict[str, Callable[[Supervisor, Sequence[str]], int]] = {
    "start": start,
    "stop": stop,
    "status": status,
    "env": env,
}

if __name__ == "__main__":
    sys.exit(main())
