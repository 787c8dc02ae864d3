"""Where the demo plays: its folders, its people, and the commands that it runs in their names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from sekisho.cli.lock import NAME, Lock, read_lock
from sekisho.client import Client
from sekisho.client.identity import Identity
from sekisho.client.ledger import Ledger
from sekisho.kernel.errors import Conflict
from sekisho.kernel.trees import tree

_MARK: Final = ".sekisho-demo"
AGENT: Final = "agent/docs-assistant"


@dataclass(frozen=True)
class Person:
    """Somebody who takes part. A service has no e-mail."""

    name: str
    kind: str
    role: str
    does: str
    email: str | None = None


ALICE: Final = Person("alice", "person", "author", "writes the change and the system's card", "alice@example.org")
CI: Final = Person("ci", "service", "author", "applies, evaluates and asks for promotions")
BOB: Final = Person("bob", "person", "approver", "assesses the risks and approves", "bob@example.org")
PEOPLE: Final = (ALICE, CI, BOB)


@dataclass
class Scene:
    """The demo's folder: in ``project`` a copy of evals/demo, as in an engineer's checkout, in ``server`` the data."""

    folder: Path
    address: str
    console: Console
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def data(self) -> Path:
        return self.folder / "server"

    @property
    def public_key(self) -> Path:
        return self.folder / "server.pub.pem"

    @property
    def lock(self) -> Lock:
        return read_lock(self.project / NAME)

    def prepare(self) -> None:
        """Make the folder anew. Raises `Conflict` where something else than an earlier demo stands there."""
        if self.folder.exists() and any(self.folder.iterdir()):
            if not (self.folder / _MARK).is_file():
                raise Conflict(
                    f"{self.folder} is not empty, and not an earlier demo's", remedy="name another with --data-dir"
                )
            shutil.rmtree(self.folder)
        self.data.mkdir(parents=True)
        (self.folder / _MARK).touch()
        shutil.copytree(tree("evals") / "demo", self.project, ignore=shutil.ignore_patterns(NAME))

    def invite(self) -> None:
        """Make everyone known by the first admin's token, issue tokens, and fetch the public key."""
        admin = Client(self.address, (self.data / "admin.token").read_text("utf-8").strip())
        identity = Identity(admin.connection)
        for person in PEOPLE:
            identity.create_principal(person.name, person.kind, email=person.email)
            identity.grant_role(person.name, "default", person.role)
            self.tokens[person.name] = identity.issue_token(person.name, expires_in_days=1)["secret"]
            self.console.print(f"  {person.name:<6} {person.kind:<8} {person.role:<9} {person.does}")
        keys = Ledger(admin.connection).keys()
        active = next(key for key in keys if key["active"])
        self.public_key.write_text(active["pem"], "utf-8")
        admin.close()

    def client(self, person: Person = CI) -> Client:
        return Client(self.address, self.tokens[person.name])

    def run(self, *words: str, by: Person | None = CI, author: Person = ALICE, offline: bool = False) -> int:
        """Run `sekisho WORDS` in the project's folder, shown as it is typed; gives its exit code.

        `by` None: with no token. `offline`: with an address at which no server is.
        """
        who = f"[dim]{by.name}[/dim] " if by else ""
        self.console.print(f"\n{who}[bold]$ sekisho {_typed(words)}[/bold]", soft_wrap=True)
        self._flush()
        environment = {
            **os.environ,
            "SEKISHO_DATA_DIR": str(self.folder / "client"),
            "SEKISHO_SERVER_URL": "http://127.0.0.1:9" if offline else self.address,
            "SEKISHO_TOKEN": self.tokens[by.name] if by else "",
            "SEKISHO_AUTHOR": f"{author.name.capitalize()} <{author.email}>",
        }
        done = subprocess.run(  # noqa: S603  # our own interpreter and our own words
            [sys.executable, "-m", "sekisho.cli", *words], cwd=self.project, env=environment, check=False
        )
        if done.returncode:
            self.console.print(f"[dim]exit code {done.returncode}[/dim]")
        return done.returncode

    def decision(self, stage: str) -> Mapping[str, Any]:
        """The gate's newest decision about the agent for this stage."""
        client = self.client()
        page = client.connection.get("/v1/projects/default/decisions", name=_name(AGENT), stage=stage, limit=1)
        client.close()
        newest: dict[str, Any] = page["items"][0]
        return newest

    def _flush(self) -> None:
        self.console.file.flush()
        sys.stdout.flush()


def _typed(words: tuple[str, ...]) -> str:
    return " ".join(f"'{word}'" if " " in word else word.replace("[", "\\[") for word in words)


def _name(label: str) -> str:
    return label.partition("/")[2]
