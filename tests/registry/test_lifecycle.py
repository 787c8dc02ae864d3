"""Random sequences of registering, archiving and restoring, against a model of what must hold."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.identity.types import Role
from sekisho.kernel.database import ChangeWatch, Database
from sekisho.kernel.errors import Archived, NotFound
from sekisho.kernel.references import parse_reference
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import Signer
from sekisho.registry.service import Registry
from tests.clocks import FixedClock
from tests.registry import manifests
from tests.registry.conftest import actor
from tests.registry.manifests import register
from tests.registry.warrants import EveryWarrant

ALICE = actor(Role.AUTHOR)
NAMES = st.sampled_from(["a", "b"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("register"), NAMES, st.integers(0, 3)),
        st.tuples(st.sampled_from(["archive", "restore"]), NAMES, st.integers(0, 4)),
    ),
    max_size=15,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_numbers_are_dense_and_bytes_never_change(
    sqlite_template: Path, signer: Signer, steps: list[tuple[str, str, int]]
) -> None:
    """Whatever happens: versions count from 1 without gaps, a number keeps its bytes, the same content its number,
    what is archived takes nothing new, and every registration stands in the ledger."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sekisho.sqlite3"
        shutil.copyfile(sqlite_template, path)
        asyncio.run(live_through(f"sqlite+aiosqlite:///{path}", signer, steps))


async def live_through(url: str, signer: Signer, steps: list[tuple[str, str, int]]) -> None:
    database, clock = Database(url), FixedClock()
    watch = ChangeWatch(database)
    await watch.start()
    registry = Registry(
        database, clock, Ledger(database, clock, signer), watch, ("dev",), lambda: (), 1000, EveryWarrant()
    )
    known: dict[str, list[str]] = {}
    acts = 0
    try:
        for verb, name, number in steps:
            clock.advance(number)
            if verb == "register":
                acts += await try_register(registry, known.setdefault(name, []), name, number)
            else:
                await put_away(registry, verb, f"prompt/{name}" if number == 0 else f"prompt/{name}@v{number}")
            await check(registry, known)
        admin = actor(Role.ADMIN, project="*")
        entries = await registry.ledger.entries(admin, kind="version.registered", limit=200)
        assert len(entries.items) == acts
    finally:
        await watch.close()
        await database.close()


async def try_register(registry: Registry, digests: list[str], name: str, content: int) -> bool:
    manifest = manifests.prompt(f"{content} {{{{ context }}}}")
    try:
        made = await register(registry, ALICE, f"prompt/{name}", manifest)
    except Archived:
        return False
    assert made.new is (made.version.digest not in digests)
    if made.new:
        digests.append(made.version.digest)
    assert made.version.number == digests.index(made.version.digest) + 1
    latest = await registry.one(ALICE, parse_reference(f"prompt/{name}@latest"))
    assert latest.digest == made.version.digest
    return True


async def put_away(registry: Registry, verb: str, reference: str) -> None:
    with contextlib.suppress(NotFound):
        await getattr(registry, verb)(ALICE, parse_reference(reference))
        assert verb == "restore" or (await registry.one(ALICE, parse_reference(reference))).archived


async def check(registry: Registry, known: dict[str, list[str]]) -> None:
    for name, digests in known.items():
        if not digests:
            with pytest.raises(NotFound):
                await registry.artifact(ALICE, parse_reference(f"prompt/{name}"))
            continue
        page = await registry.versions(ALICE, parse_reference(f"prompt/{name}"), None, 200)
        assert [(version.number, version.digest) for version in sorted(page.items, key=lambda v: v.number)] == list(
            enumerate(digests, start=1)
        )
