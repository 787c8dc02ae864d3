"""Whatever is done, in whatever order: no stage serves what no allowing decision in the ledger names."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.identity.types import Actor, Role
from sekisho.kernel.database import Database
from sekisho.kernel.errors import EngineFailed, SekishoError
from sekisho.kernel.references import Kind
from sekisho.ledger.signing import Signer
from sekisho.registry.types import Version
from tests.clocks import FixedClock
from tests.gate.world import STAGES, World, answer, build_world, exactly

_names = (f"agent-{n}" for n in itertools.count())
VERDICTS: dict[str, Any] = {
    "allow": answer(),
    "deny": answer(LIN_01="failed"),
    "lack": answer(EVA_01="missing"),
    "down": EngineFailed("down"),
    "nonsense": {"allow": True},
}
which = st.integers(0, 2)
stage = st.sampled_from(STAGES)
step = st.one_of(
    st.tuples(st.just("register"), which),
    st.tuples(st.just("archive"), which),
    st.tuples(st.just("restore"), which),
    st.tuples(st.just("approve"), which, stage),
    st.tuples(
        st.sampled_from(["promote", "together", "roll_back", "dry_run"]),
        which,
        stage,
        st.sampled_from(sorted(VERDICTS)),
    ),
    st.tuples(st.just("race"), which, which, stage),
    st.tuples(st.just("revoke"), which),
    st.tuples(st.sampled_from(["waive", "unwaive"]), which, stage),
    st.tuples(st.just("restart")),
)


async def act(world: World, actor: Actor, versions: list[Version], step: tuple[Any, ...], name: str) -> None:
    """Do one step; what the product refuses is refused."""
    verb, arguments = step[0], step[1:]
    if verb == "register":
        versions[arguments[0]] = await world.agent(actor, name=name, text=f"{name} {arguments[0]} {{{{ context }}}}")
    elif verb in {"archive", "restore"}:
        await getattr(world.registry, verb)(actor, exactly(versions[arguments[0]]))
    elif verb == "approve":
        subject = exactly(versions[arguments[0]])
        view = await world.approvals.evidence(actor, subject, arguments[1])
        await world.approvals.approve(world.people["bob"], subject, arguments[1], view.hash)
    elif verb == "revoke":
        await world.registry.revoke(actor, exactly(versions[arguments[0]]), "it leaks")
    elif verb == "waive":
        subject = exactly(versions[arguments[0]])
        await world.waivers.waive(world.people["bob"], subject, arguments[1], "DOC-01", reason="later", days=1)
    elif verb == "unwaive":
        subject = exactly(versions[arguments[0]])
        page = await world.waivers.page(actor, "default", subject, stage=arguments[1], cursor=None, limit=1)
        for waiver in page.items:
            await world.waivers.withdraw(actor, "default", waiver.id)
    elif verb == "race":
        world.engine.answers = [answer()]
        asked = [world.gate.promote(actor, exactly(versions[n]), arguments[2]) for n in arguments[:2]]
        for outcome in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, SekishoError):
                raise outcome
    elif verb == "restart":
        await world.database.engine.dispose()
    else:
        number, stage, verdict = arguments
        world.engine.answers = [VERDICTS[verdict]]
        subject = exactly(versions[number])
        if verb == "together":
            await world.gate.promote(actor, subject, stage, with_dependencies=True)
            return
        ask = world.gate.roll_back if verb == "roll_back" else world.gate.promote
        await ask(actor, subject, stage, dry_run=verb == "dry_run")


async def holds(world: World, actor: Actor, name: str) -> None:
    """Each pointer names a kept, signed, allowing decision about that digest and stage, found in the ledger."""
    recorded: dict[str, Any] = {}
    cursor: str | None = None
    while True:
        page = await world.ledger.entries(actor, kind="decision.made", cursor=cursor, limit=200)
        recorded |= {entry.body["decision"]: entry for entry in page.items}
        cursor = page.next_cursor
        if cursor is None:
            break

    async with world.database.read() as tx:
        found = [await world.registry.pointers(tx, "default", kind, name) for kind in Kind]
    for pointer in itertools.chain.from_iterable(found):
        entry = recorded[pointer.decision_id]
        decision = await world.gate.decision(actor, "default", pointer.decision_id)
        assert entry.body["outcome"] == "allow"
        assert (entry.subject, entry.body["stage"]) == (decision.digest, pointer.stage)
        assert decision.outcome == "allow"
        assert decision.stage == pointer.stage
        moved = {decision.digest, *(other["digest"] for other in decision.dependencies)}
        assert pointer.digest in moved
        assert decision.envelope is not None
    await world.registry.check_pointers()


@pytest.mark.slow
def test_no_pointer_without_an_allowing_decision(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, signer: Signer
) -> None:
    """Random sequences of registering, archiving, approving, promoting, racing and rolling back find no way."""
    loop = asyncio.new_event_loop()
    folder = tmp_path_factory.mktemp("lifecycle")
    path = folder / "sekisho.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite+aiosqlite:///{path}")
    world, watch = loop.run_until_complete(build_world(database, FixedClock(), signer, folder))
    actor = loop.run_until_complete(world.person("alice", Role.AUTHOR, Role.OPERATOR))
    loop.run_until_complete(world.person("bob", Role.APPROVER))

    async def walk(steps: list[tuple[Any, ...]]) -> None:
        name = next(_names)
        versions = [await world.agent(actor, name=name, text=f"{name} {n} {{{{ context }}}}") for n in range(3)]
        for step in steps:
            world.clock.advance(1)
            with suppress(SekishoError):
                await act(world, actor, versions, step, name)
        await holds(world, actor, name)

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(step, min_size=3, max_size=14))
    def explore(steps: list[tuple[Any, ...]]) -> None:
        loop.run_until_complete(walk(steps))

    try:
        explore()
        assert not loop.run_until_complete(world.ledger.verify(actor)).problems
    finally:
        loop.run_until_complete(watch.close())
        loop.run_until_complete(database.close())
        loop.close()
