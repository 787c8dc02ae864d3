"""Open Policy Agent: a server with no policy yet, which tests fill over its REST API."""

from dataclasses import dataclass, field

from tests.services.background import Launch
from tests.services.gobuild import GoProgram
from tests.services.workspace import Workspace, fetch_json

# Older ones carry GHSA-g2pf-6v5v-qcc8.
OPA = GoProgram("opa", "github.com/open-policy-agent/opa", "1.21.3", needs_go=(1, 26))


@dataclass(frozen=True)
class Opa:
    workspace: Workspace
    name: str = "opa"
    version: str = field(default=OPA.target)

    def install(self) -> None:
        OPA.install(self.workspace)

    def launch(self, port: int) -> Launch:
        options = ["--addr", f"127.0.0.1:{port}", "--log-level", "error", "--skip-version-check"]
        return Launch([OPA.path(self.workspace), "run", "--server", *options], {})

    def answers(self, port: int) -> bool:
        return fetch_json(f"http://127.0.0.1:{port}/health") is not None

    def complete(self, port: int) -> bool:
        return True

    def fill(self, port: int) -> None:
        """Nothing: tests bring their own policies."""

    def env(self, port: int) -> dict[str, str]:
        return {
            "SEKISHO_TEST_OPA_BINARY": str(OPA.path(self.workspace)),
            "SEKISHO_TEST_OPA_URL": f"http://127.0.0.1:{port}",
        }
