"""Walks a rule: one change of the demo's data makes it stand in the way, and its own remedy lets the version pass it.

Everything runs in this process through the product's own commands, services and worker, on the shipped policy and the
demo's project. A remedy's commands are taken out of its text as they stand there and typed literally; what the text
asks a person to do by hand, the case does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shlex
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from sekisho.cli import Product
from sekisho.cli.demo.acts import ASSESSMENT
from sekisho.cli.demo.scene import AGENT, ALICE, BOB, CI, PEOPLE, Person
from sekisho.cli.session import Session
from sekisho.client import Client
from sekisho.gate.governing.types import Origin
from sekisho.gate.policies import PolicySet, load_policies
from sekisho.http.app import create_app
from sekisho.identity.types import EVERYWHERE, Actor, PrincipalKind, Role
from sekisho.kernel.database import Database
from sekisho.kernel.migrations import upgrade
from sekisho.kernel.settings import Settings
from sekisho.kernel.trees import tree
from sekisho.wiring.services import Services, build_services
from sekisho.worker.loop import Worker
from sekisho.worker.process import handlers
from tests.api_client import ApiClient
from tests.identity.commands import Bridge

ADMIN: Final = Person("admin", "person", "admin", "runs the server")
TYPISTS: Final[Mapping[str, Person]] = {
    "approve": BOB,
    "waive": BOB,
    "attest": BOB,
    "principal": ADMIN,
    "card": ALICE,
    "restore": ADMIN,
    "archive": ADMIN,
    "revoke": ADMIN,
    "rollback": ADMIN,
}
"""Who types a command in the demo's house, by its first word; everything else is the CI job's."""
_QUOTED: Final = re.compile(r"`(sekisho [^`]+)`")


class ShiftedClock:
    """The machine's clock, moved by what a test says: leases run, and days pass."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def commands_in(remedy: str) -> list[list[str]]:
    """The commands of a remedy, each as its words without the leading ``sekisho``.

    A line that begins with the command is one as a whole; elsewhere commands stand between backticks. ``&&`` chains.
    """
    found = []
    for line in remedy.splitlines():
        quoted = _QUOTED.findall(line)
        typed = quoted or ([line] if line.startswith("sekisho ") else [])
        found += [shlex.split(one) for chain in typed for one in chain.split("&&")]
    assert all(words[0] == "sekisho" for words in found), remedy
    return [words[1:] for words in found]


def edit(path: Path, changes: Mapping[str, str]) -> None:
    """Put these in the places of those; each stands in the file once."""
    text = path.read_text("utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1, f"{path.name} holds {old!r} {text.count(old)} times"
        text = text.replace(old, new)
    path.write_text(text, "utf-8")


@dataclass
class Scene:
    """The demo's project and a server that holds it, all in one folder."""

    folder: Path
    clock: ShiftedClock
    services: Services
    api: ApiClient
    typed: list[str] = field(default_factory=list)
    """Every command so far, as it was typed."""
    troubles: Sequence[Mapping[str, Any]] = ()
    """What the server's log says of errors during the last one."""
    running: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    """Ends the server and its worker."""

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def policies(self) -> Path:
        return self.folder / "policies"

    async def restart(self) -> None:
        """Start the server anew, which reads its policy then."""
        await self.running.aclose()
        self.running = contextlib.AsyncExitStack()
        self.services, self.api = await _serve(self.folder, self.clock, self.running)

    def edit(self, changes: Mapping[str, str], *, file: str = "sekisho.yaml") -> None:
        """Change a file of the project as an editor would."""
        edit(self.project / file, changes)

    async def run(self, *words: str, by: Person | None = None) -> Result:
        """One command in the project's folder, by whoever types it."""
        person = by or TYPISTS.get(words[0], CI)
        self.typed.append(shlex.join(["sekisho", *words]))
        state = Session()
        token = self.api.admin_token if person is ADMIN else await self.api.token_for(person.role, name=person.name)
        bridge = Bridge(self.api, asyncio.get_running_loop())
        state.__dict__["client"] = Client("http://sekisho.test", token, transport=bridge)
        author = {"SEKISHO_AUTHOR": f"{ALICE.name.capitalize()} <{ALICE.email}>"}
        runner = CliRunner(env=author)
        with capture_logs() as logs, contextlib.chdir(self.project):
            result = await asyncio.to_thread(runner.invoke, Product("sekisho"), list(words), obj=state)
        self.troubles = [log for log in logs if log["log_level"] == "error"]
        return result

    async def done(self, *words: str, by: Person | None = None) -> Any:
        """As `run`, for a command that must succeed; gives its JSON."""
        result = await self.run(*words, "--json", by=by)
        assert result.exit_code == 0, f"{self.typed[-1]}\n{result.output}\n{self.troubles}"
        return json.loads(result.stdout)

    async def ask(self, stage: str, subject: str = AGENT, *, back: bool = False) -> dict[str, Any]:
        """What the gate answers to the locked version for this stage; `back`: to returning to it."""
        words = ("rollback", subject, "--at", stage) if back else ("promote", subject, "--to", stage)
        result = await self.run(*words, "--json")
        assert result.exit_code in {0, 1, 3}, f"{result.output}\n{self.troubles}"
        decision: dict[str, Any] = json.loads(result.stdout)["decision"]
        return decision


Act = Callable[[Scene], Awaitable[None]]


async def nothing(scene: Scene) -> None:
    """The remedy is its commands alone."""


@dataclass(frozen=True)
class Case:
    """``change`` is the one thing, in the way of all of ``rules``.

    ``policy`` is that one thing where it stands in the policy's data: what to put in the place of what. ``by_hand`` is
    what the remedies ask of a person before their commands are typed. ``fills`` gives words to the placeholders in
    capitals that a command carries where only a person can know them. ``warns``: the rule is not enforced at the stage
    yet, so it shows and denies nothing. ``back``: a roll-back is asked for.
    """

    rules: tuple[str, ...]
    change: Act
    policy: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    by_hand: Act = nothing
    stage: str = "production"
    subject: str = AGENT
    fills: Mapping[str, str] = field(default_factory=dict)
    warns: bool = False
    back: bool = False

    @property
    def name(self) -> str:
        return f"{'+'.join(self.rules)}-{self.change.__name__}"


async def walk(scene: Scene, case: Case) -> None:
    """Denied by the rules, mended by their remedies, passed by the rules. Asserts each step."""
    await case.change(scene)
    denied = await scene.ask(case.stage, case.subject, back=case.back)
    commands = list(_remedies(denied, case))
    await case.by_hand(scene)
    for words in commands:
        result = await scene.run(*(case.fills.get(word, word) for word in words))
        assert result.exit_code == 0, f"{scene.typed[-1]}\n{result.output}\n{scene.troubles}"
    again = await scene.ask(case.stage, case.subject, back=case.back)
    left = [told for told in again["rules"] if told["id"] in case.rules and told["status"] != "passed"]
    assert left == [], left


def _remedies(denied: Mapping[str, Any], case: Case) -> Iterator[list[str]]:
    """The commands of the rules' remedies, each once."""
    seen: list[list[str]] = []
    assert case.warns or denied["outcome"] == "deny", denied
    for rule in case.rules:
        told = rule_of(denied, rule)
        assert told["status"] in {"failed", "missing", "inconclusive"}, told
        assert case.warns or rule in denied["blocking"], told
        commands = commands_in(told["remedy"])
        assert commands, f"{rule} tells no command: {told['remedy']}"
        new = [words for words in commands if words not in seen]
        seen += new
        yield from new


def rule_of(decision: Mapping[str, Any], rule: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(told for told in decision["rules"] if told["id"] == rule)
    return found


@contextlib.asynccontextmanager
async def opened(folder: Path, policy: Mapping[str, str] | None = None) -> AsyncIterator[Scene]:
    """The server on this folder, with a worker at its side, until the block ends.

    With `policy` it has a policy of its own, the shipped one with these places of its data changed.
    """
    if policy:
        shutil.copytree(tree("policies"), folder / "policies", copy_function=shutil.copyfile)
        edit(folder / "policies" / "data.yaml", policy)
    clock, running = ShiftedClock(), contextlib.AsyncExitStack()
    scene = Scene(folder, clock, *await _serve(folder, clock, running), running=running)
    try:
        await _invite(scene)
        yield scene
    finally:
        await scene.running.aclose()


async def _serve(folder: Path, clock: ShiftedClock, running: contextlib.AsyncExitStack) -> tuple[Services, ApiClient]:
    own = folder / "policies"
    where = str(own) if own.is_dir() else ""
    settings = Settings(data_dir=folder / "server", verify_interval_s=0, policy_dir=where)
    services = build_services(settings, clock)
    running.push_async_callback(services.close)
    await services.start()
    if own.is_dir():
        await _put_in_force(services, load_policies(own))
    stop = asyncio.Event()
    worker = asyncio.create_task(Worker(services.jobs, handlers(services), "walk", poll_s=0.05).run(stop))

    async def end() -> None:
        stop.set()
        await worker

    running.push_async_callback(end)
    return services, await running.enter_async_context(ApiClient(create_app(services), services))


async def _put_in_force(services: Services, policies: PolicySet) -> None:
    """By two owners, as any policy after the first: the folder of the settings begins a new database only."""
    if (await services.policy_now()).digest == policies.digest:
        return
    proposer, approver = [await _policy_owner(services, name) for name in ("olivia", "oscar")]
    async with services.database.write() as tx:
        await services.ledger.lock(tx)
        published, _ = await services.publishing.publish_in(
            tx, "walked", policies, Origin.OWNER, proposer.principal, "numbers that a walk changes"
        )
    proposal = await services.activating.propose(proposer, published.label, reason="a walk", accept="a walk")
    await services.activating.approve(approver, proposal.id, proposal.report_digest)


async def _policy_owner(services: Services, name: str) -> Actor:
    admin = await services.identity.authenticate((services.settings.data_dir / "admin.token").read_text().strip())
    if name not in {person.name for person in (await services.identity.principals(admin)).items}:
        await services.identity.create_principal(admin, name, PrincipalKind.PERSON)
        await services.identity.grant_role(admin, name, EVERYWHERE, Role.POLICY_OWNER)
    _, secret = await services.identity.issue_token(admin, name)
    return await services.identity.authenticate(secret)


async def _invite(scene: Scene) -> None:
    """The demo's people; each has a token of this process."""
    identity = scene.services.identity
    admin = await identity.authenticate(scene.api.admin_token)
    known = {person.name for person in (await identity.principals(admin)).items}
    for person in PEOPLE:
        if person.name not in known:
            await identity.create_principal(admin, person.name, PrincipalKind(person.kind), email=person.email)
            await identity.grant_role(admin, person.name, "default", Role(person.role))


async def prepare(folder: Path) -> None:
    """The demo after its mending: applied, measured, approved, at staging, and about to be allowed at production."""
    shutil.copytree(tree("evals") / "demo", folder / "project", ignore=shutil.ignore_patterns("sekisho.lock"))
    (folder / "server").mkdir()
    database = Database(f"sqlite+aiosqlite:///{(folder / 'server' / 'sekisho.sqlite3').resolve()}")
    await upgrade(database)
    await database.close()
    async with opened(folder) as scene:
        await _mended(scene, STEPS)


async def _mended(scene: Scene, steps: Sequence[Sequence[str]]) -> None:
    scene.edit(HYBRID)
    for words in steps:
        await scene.done(*words)


DENSE_LINE: Final = "retriever: {mode: dense, k: 10}"
HYBRID_LINE: Final = "retriever: {mode: hybrid, k: 10, rrf_k: 60, dense_scripts: [latin]}"
HYBRID: Final = {DENSE_LINE: HYBRID_LINE}
DENSE: Final = {HYBRID_LINE: DENSE_LINE}
STEPS: Final = (
    ("apply",),
    ("eval",),
    ("card", "add", "system/docs@latest", "card.yaml"),
    ("attest", "system/docs@latest", *ASSESSMENT),
    ("promote", AGENT, "--to", "staging"),
    ("approve", AGENT, "--to", "production"),
)
