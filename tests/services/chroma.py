"""A Chroma server, from the same package that the worker embeds."""

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.services.background import Launch
from tests.services.workspace import Command, ServiceError, Workspace, fetch_json


@dataclass(frozen=True)
class Chroma:
    workspace: Workspace
    name: str = "chroma"

    @property
    def version(self) -> str:
        try:
            return f"chromadb=={version('chromadb')}"
        except PackageNotFoundError:
            return "absent"

    def install(self) -> None:
        if not self._program.exists():
            message = f"chroma: the package chromadb is not installed for {sys.executable}"
            raise ServiceError(message, "install the project with its extra [worker] (`make install` does)")

    def launch(self, port: int) -> Launch:
        where: Command = [
            "--path",
            self.workspace.folder("chroma"),
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
        return Launch([self._program, "run", *where], {"ANONYMIZED_TELEMETRY": "False"})

    def answers(self, port: int) -> bool:
        return fetch_json(f"http://127.0.0.1:{port}/api/v2/heartbeat") is not None

    def complete(self, port: int) -> bool:
        return True

    def fill(self, port: int) -> None:
        """Nothing: tests make their own collections."""

    def env(self, port: int) -> dict[str, str]:
        return {"SEKISHO_TEST_CHROMA_URL": f"http://127.0.0.1:{port}"}

    @property
    def _program(self) -> Path:
        return Path(sys.executable).with_name("chroma")
