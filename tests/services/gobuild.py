"""Programs that are built from their published Go modules."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.services.workspace import ServiceError, Workspace, gently


@dataclass(frozen=True)
class GoProgram:
    """A Go module's program at one version, and the Go that its `go.mod` asks for."""

    name: str
    module: str
    version: str
    needs_go: tuple[int, int]
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str:
        return f"{self.module}@v{self.version}"

    def install(self, workspace: Workspace) -> None:
        """Build the program into the workspace, unless exactly this version was built there before."""
        # Beside the program, since Ollama built this way says that its version is 0.0.0.
        stamp = workspace.bin / f"{self.name}.built-from"
        wanted = " ".join([self.target, *(f"{key}={value}" for key, value in sorted(self.env.items()))])
        if self.path(workspace).exists() and stamp.exists() and stamp.read_text().strip() == wanted:
            return
        self._require_go()
        workspace.step(
            self.name,
            f"building {self.target} (about 90 s the first time)",
            gently(["go", "install", self.target]),
            "see whether the same `go install` works by hand: it needs the Go module proxy and a C compiler",
            {**self.env, "GOBIN": str(workspace.bin)},
        )
        stamp.write_text(wanted + "\n")

    def path(self, workspace: Workspace) -> Path:
        return workspace.bin / self.name

    def _require_go(self) -> None:
        needed = ".".join(map(str, self.needs_go))
        remedy = (
            f"install Go {needed} or later (Go 1.24 or later is needed for Ollama, 1.26 for OPA); "
            "both are for tests and CI only"
        )
        if shutil.which("go") is None:
            raise ServiceError(f"{self.name}: no `go` on the PATH to build it with", remedy)
        asked = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=False)
        found = re.match(r"go(\d+)\.(\d+)", asked.stdout)
        if found and (int(found[1]), int(found[2])) < self.needs_go:
            message = f"{self.name}: {asked.stdout.strip()} is too old to build {self.target}"
            raise ServiceError(message, remedy)
