"""Stages: moving a pointer, resolving, and what is remembered."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest

from sekisho.identity.types import Actor, Role
from sekisho.kernel.database import ChangeWatch, Database
from sekisho.kernel.digests import short
from sekisho.kernel.errors import AmbiguousReference, Archived, Conflict, IntegrityFailed, Invalid, NotFound
from sekisho.kernel.references import Kind, parse_reference
from sekisho.registry.artifacts import ArtifactStore
from sekisho.registry.rows import VersionRow
from sekisho.registry.service import Registry
from sekisho.registry.store import VersionStore
from sekisho.registry.types import Pointer, Version
from tests.registry import manifests
from tests.registry.conftest import actor
from tests.registry.manifests import register


async def move(registry: Registry, version: Version, stage: str, expected: str | None = None) -> Pointer:
    async with registry.database.write() as tx:
        return await registry.move_pointer(
            tx, version=version, stage=stage, expected=expected, decision_id="decision-1", principal="alice"
        )


async def resolved(registry: Registry, author: Actor, reference: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((await registry.resolve(author, parse_reference(reference))).body)
    return body


@pytest.fixture
async def first(registry: Registry, author: Actor) -> Version:
    return (await register(registry, author, "prompt/ask", manifests.prompt("1 {{ context }}"))).version


@pytest.fixture
async def second(registry: Registry, author: Actor, first: Version) -> Version:
    return (await register(registry, author, "prompt/ask", manifests.prompt("2 {{ context }}"))).version


async def test_a_pointer_moves_only_from_where_the_mover_believes_it_is(
    registry: Registry, author: Actor, first: Version, second: Version
) -> None:
    """A mover who saw another version is told what the stage serves by now, and nothing is written."""
    await move(registry, first, "staging")
    for expected in (None, second.digest):
        with pytest.raises(Conflict, match="by now"):
            await move(registry, second, "staging", expected)
    pointers, moves = await registry.stages_of(author, parse_reference("prompt/ask"))
    assert [(pointer.stage, pointer.number, pointer.seq) for pointer in pointers] == [("staging", 1, 1)]
    assert len(moves) == 1


async def test_of_two_racing_moves_one_wins(registry: Registry, author: Actor, first: Version, second: Version) -> None:
    """Both saw an empty stage; one pointer, one move and one entry in the ledger come of it."""
    outcomes = await asyncio.gather(move(registry, first, "dev"), move(registry, second, "dev"), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Pointer"]
    _, moves = await registry.stages_of(author, parse_reference("prompt/ask"))
    entries = await registry.ledger.entries(actor(Role.ADMIN, project="*"), kind="stage.moved")
    assert len(moves) == len(entries.items) == 1
    assert entries.items[0].subject == moves[0].to_digest
    assert entries.items[0].body["decision"] == "decision-1"


async def test_a_move_that_is_rolled_back_leaves_nothing(registry: Registry, author: Actor, first: Version) -> None:
    """Pointer, move and ledger entry stand or fall with the decision's transaction."""
    with contextlib.suppress(ArithmeticError):
        async with registry.database.write() as tx:
            await registry.move_pointer(
                tx, version=first, stage="dev", expected=None, decision_id="d", principal="alice"
            )
            raise ArithmeticError("the decision could not be stored")
    assert await registry.stages_of(author, parse_reference("prompt/ask")) == ((), ())
    entries = await registry.ledger.entries(actor(Role.ADMIN, project="*"), kind="stage.moved")
    assert entries.items == ()


async def test_an_archived_version_is_not_served(registry: Registry, author: Actor, first: Version) -> None:
    """What was archived between the decision and the move does not move."""
    await registry.archive(author, parse_reference("prompt/ask@v1"))
    with pytest.raises(Archived):
        await move(registry, first, "dev")


async def test_history_tells_every_move(registry: Registry, author: Actor, first: Version, second: Version) -> None:
    """Moves are numbered by stage, newest first, each with its decision."""
    await move(registry, first, "dev")
    await move(registry, second, "dev", first.digest)
    await move(registry, first, "dev", second.digest)
    _, moves = await registry.stages_of(author, parse_reference("prompt/ask"))
    assert [(item.seq, item.from_digest, item.to_digest) for item in moves] == [
        (3, second.digest, first.digest), (2, first.digest, second.digest), (1, None, first.digest),
    ]  # fmt: skip


async def test_a_stage_that_is_not_one_is_refused_with_those_that_are(
    registry: Registry, author: Actor, first: Version
) -> None:
    """An unknown stage is a mistake of the caller; a known one that serves nothing is not found."""
    with pytest.raises(Invalid, match="dev, staging, production"):
        await registry.resolve(author, parse_reference("prompt/ask@prod"))
    with pytest.raises(NotFound, match="nothing of prompt/ask has been promoted to production"):
        await registry.resolve(author, parse_reference("prompt/ask@production"))
    with pytest.raises(Invalid):
        await move(registry, first, "prod")


@pytest.mark.parametrize("selector", ["v2", "v99", "abcdefabcdef", "sha256:" + "0" * 64])
async def test_a_version_that_is_not_there_is_not_found(
    registry: Registry, author: Actor, first: Version, selector: str
) -> None:
    """A number or digest that the artifact does not have is not found, and the answer says what it has."""
    with pytest.raises(NotFound, match="v1"):
        await registry.one(author, parse_reference(f"prompt/ask@{selector}"))


async def test_a_beginning_of_two_digests_is_ambiguous(registry: Registry, author: Actor, first: Version) -> None:
    """The candidates are listed by number and digest, and twelve digits of a third are enough."""
    made = []
    for number, tail in ((2, "1"), (3, "2")):
        content = manifests.system(purpose=f"p{number}")
        twin = Version(
            "default", Kind.PROMPT, "ask", number, "sha256:" + "ab" * 31 + f"0{tail}", content, 0, "", False, False
        )
        made.append(twin)
        async with registry.database.write() as tx:
            artifact = await ArtifactStore(tx).one_or_none("default", Kind.PROMPT, "ask")
            assert artifact is not None
            await VersionStore(tx).insert(
                version_id=f"twin-{number}", artifact_id=artifact.id, version=twin, content=b"{}", edges=[]
            )
    with pytest.raises(AmbiguousReference) as refused:
        await registry.one(author, parse_reference(f"prompt/ask@{'ab' * 6}"))
    assert all(twin.digest in refused.value.detail for twin in made)
    assert await registry.one(author, parse_reference(f"prompt/ask@{short(first.digest)}")) == first


async def test_stored_bytes_that_changed_are_not_given_out(registry: Registry, author: Actor, first: Version) -> None:
    """A manifest edited in the database is an integrity failure, not an answer."""
    async with registry.database.write() as tx:
        row = await tx.get_one(VersionRow, await _row_id(registry, first))
        row.manifest = row.manifest.replace("1 {{", "9 {{")
    with pytest.raises(IntegrityFailed):
        await registry.one(author, parse_reference("prompt/ask@v1"))


async def _row_id(registry: Registry, version: Version) -> str:
    async with registry.database.read() as tx:
        artifact = await ArtifactStore(tx).one_or_none(version.project, version.kind, version.name)
        assert artifact is not None
        stored = await VersionStore(tx).by_number(artifact.id, version.number)
        assert stored is not None
        return stored.id


async def test_a_moved_pointer_is_seen_by_the_next_resolve(
    registry: Registry, author: Actor, first: Version, second: Version
) -> None:
    """The answer is remembered, with the same bytes and ETag, until the pointer moves."""
    await move(registry, first, "production")
    before = await registry.resolve(author, parse_reference("prompt/ask@production"))
    assert await registry.resolve(author, parse_reference("prompt/ask@production")) == before
    await move(registry, second, "production", first.digest)
    after = await registry.resolve(author, parse_reference("prompt/ask@production"))
    assert after.etag != before.etag
    body = json.loads(after.body)
    assert (body["digest"], body["number"], body["stage"], body["decision_id"], body["project"]) == (
        second.digest, 2, "production", "decision-1", "default",
    )  # fmt: skip
    assert body["manifest"] == second.manifest
    assert after.etag == f'"{body["etag"]}"'


async def test_another_processs_move_is_seen(
    registry: Registry, author: Actor, first: Version, second: Version, database_url: str
) -> None:
    """A second process on the database, with a memory of its own, drops what it remembers when this one moves."""
    other_database = Database(database_url)
    watch = ChangeWatch(other_database)
    await watch.start()
    other = Registry(
        other_database,
        registry.clock,
        registry.ledger,
        watch,
        registry.stages,
        registry.scorers,
        registry.max_file_bytes,
        registry.warrants,
    )
    try:
        await move(registry, first, "production")
        assert (await resolved(other, author, "prompt/ask@production"))["number"] == 1
        await move(registry, second, "production", first.digest)
        async with asyncio.timeout(30):  # PostgreSQL's notification takes a moment
            while (await resolved(other, author, "prompt/ask@production"))["number"] != 2:
                await asyncio.sleep(0.01)
    finally:
        await watch.close()
        await other_database.close()


async def test_an_archived_artifact_still_resolves(registry: Registry, author: Actor, first: Version) -> None:
    """Applications are not cut off: the answer says that it is archived."""
    assert not (await resolved(registry, author, "prompt/ask@latest"))["archived"]
    await registry.archive(author, parse_reference("prompt/ask"))
    assert (await resolved(registry, author, "prompt/ask@latest"))["archived"]
