"""PostgreSQL: the machine's own server programs on a data folder of ours, tuned to forget on a crash."""

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.services.background import Launch
from tests.services.workspace import Command, ServiceError, Workspace

# The user that Debian's package makes; the server refuses to run as root.
SERVER_USER = "postgres"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # TCP only: the path of a socket in a deep checkout is longer than the system allows.
    "unix_socket_directories": "",
    "max_connections": "200",
    # The data is thrown away with the checkout, so nothing waits for the disk.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@dataclass(frozen=True)
class Postgres:
    workspace: Workspace
    name: str = "postgres"

    @property
    def version(self) -> str:
        folder = server_programs()
        return f"{folder} {json.dumps(SETTINGS, sort_keys=True)}" if folder else "absent"

    def install(self) -> None:
        programs = server_programs() or self._install_package()
        data = self._data_folder()
        if not (data / "PG_VERSION").exists():
            self._initialise(programs, data)

    def launch(self, port: int) -> Launch:
        settings = [part for key, value in SETTINGS.items() for part in ("-c", f"{key}={value}")]
        return Launch(
            [self._program("postgres"), "-D", self._data_folder(), "-p", str(port), *settings],
            {},
            user=_server_user(),
            stop_signal=signal.SIGINT,  # SIGTERM would wait until every client has left
        )

    def answers(self, port: int) -> bool:
        command: Command = [self._program("pg_isready"), "-q", "-t", "2", "-h", "127.0.0.1", "-p", str(port)]
        return subprocess.run(command, check=False).returncode == 0

    def complete(self, port: int) -> bool:
        return True

    def fill(self, port: int) -> None:
        """Nothing: tests make their own databases."""

    def env(self, port: int) -> dict[str, str]:
        return {"SEKISHO_TEST_POSTGRES_URL": f"postgresql+asyncpg://sekisho@127.0.0.1:{port}/postgres"}

    def _install_package(self) -> Path:
        remedy = "install the server of PostgreSQL 15 or later (Debian: apt-get install postgresql)"
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise ServiceError("postgres: neither pg_config nor initdb is on this machine", remedy)
        quietly = {"DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-y", "--no-install-recommends", "postgresql"]
        self.workspace.step(self.name, "reading the package lists", ["apt-get", "update"], remedy, quietly)
        self.workspace.step(self.name, "installing Debian's package", install, remedy, quietly)
        if (programs := server_programs()) is None:
            raise ServiceError("postgres: its package brought no server programs", remedy)
        return programs

    def _initialise(self, programs: Path, data: Path) -> None:
        # The machine's locale may be C, and SQL_ASCII would take any bytes for Japanese.
        options = ["-A", "trust", "-U", "sekisho", "--encoding=UTF8", "--locale=C", "--no-sync"]
        command: Command = [programs / "initdb", "-D", data, *options]
        if user := _server_user():
            command = ["runuser", "-u", user, "--", *command]
        remedy = f"remove {data} and start again; initdb needs a user that is not root"
        self.workspace.step(self.name, "initialising its data folder", command, remedy)

    def _data_folder(self) -> Path:
        """`.services/postgres/data`, or a temporary folder where the server's user cannot reach that."""
        folder = self.workspace.folder("postgres")
        user = _server_user()
        if user is None or _reachable(folder):
            return _owned(folder / "data", user)
        # Remembered, since the temporary name cannot be found again.
        record = folder / "data-is-in"
        known = Path(record.read_text().strip()) if record.exists() else None
        if known is None or not known.is_dir():
            known = Path(tempfile.mkdtemp(prefix="sekisho-postgres-"))
            record.write_text(f"{known}\n")
        return _owned(known, user)

    def _program(self, name: str) -> Path:
        folder = server_programs()
        return folder / name if folder else Path(name)


def server_programs() -> Path | None:
    """The folder that holds `initdb` and `postgres`, which Debian keeps off the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major, reverse=True)
    candidates = [*_configured(), *debian]
    if found := shutil.which("initdb"):
        candidates.append(Path(found).resolve().parent)
    return next((folder for folder in candidates if _complete(folder)), None)


def _configured() -> list[Path]:
    if shutil.which("pg_config") is None:
        return []
    asked = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
    return [Path(asked.stdout.strip())] if asked.returncode == 0 else []


def _complete(folder: Path) -> bool:
    return all((folder / name).exists() for name in ("initdb", "postgres", "pg_isready"))


def _major(folder: Path) -> int:
    name = folder.parent.name
    return int(name) if name.isdigit() else 0


def _server_user() -> str | None:
    """Whom the server runs as: ourselves, unless we are root."""
    return SERVER_USER if os.geteuid() == 0 else None


def _reachable(folder: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in (folder, *folder.parents))


def _owned(data: Path, user: str | None) -> Path:
    data.mkdir(mode=0o700, exist_ok=True)
    if user and data.stat().st_uid != pwd.getpwnam(user).pw_uid:
        shutil.chown(data, user, user)
    return data
