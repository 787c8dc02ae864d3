"""The ledger on both databases: append, read, prove, verify."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from tests.clocks import FixedClock
from tests.ledger.conftest import Readers
from tests.ledger.entries import append

from sekisho.gate.decision_logs.service import ASKED, LOGGED
from sekisho.gate.governing.shadowing import JUDGED
from sekisho.kernel.database import Database
from sekisho.kernel.errors import Forbidden, IntegrityFailed, Invalid, NotFound
from sekisho.kernel.pages import Cursor
from sekisho.ledger import merkle
from sekisho.ledger.audit import open_checkpoint
from sekisho.ledger.pushing.types import NOT_PUSHED, PUSHED
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import Signer, load_or_create_signer
from sekisho.ledger.types import NOTES, Reader


async def test_a_rolled_back_change_leaves_no_entry(ledger: Ledger, everyone: Reader) -> None:
    """An entry stands or falls with the transaction of the change."""
    with pytest.raises(RuntimeError, match="the change failed"):
        await _append_and_fail(ledger)
    assert (await ledger.entries(everyone)).items == ()
    assert (await ledger.verify(everyone)).entries == 0


@pytest.mark.parametrize("kind", ["", "registered", "Version.registered", "version.", "version registered"])
async def test_a_kind_is_a_dotted_word(ledger: Ledger, kind: str) -> None:
    """A malformed kind is a programming error and writes nothing."""
    with pytest.raises(ValueError, match="dotted"):
        await append(ledger, kind=kind)


async def test_what_could_not_be_read_back_is_not_written(ledger: Ledger, everyone: Reader) -> None:
    """A body with a NUL character or an integer too large for canonical JSON is refused whole."""
    for body in ({"text": "a\x00b"}, {"number": 2**53}):
        with pytest.raises(Invalid):
            async with ledger.database.write() as tx:
                await ledger.append(tx, kind="card.filed", project="default", principal="alice", body=body)
    assert (await ledger.verify(everyone)).entries == 0


async def test_the_root_is_the_merkle_root_of_the_entries_bytes(ledger: Ledger, everyone: Reader) -> None:
    """At every size the signed root equals the one recomputed from the entries alone."""
    leaves = []
    for _ in range(9):
        leaves += [entry.leaf() for entry in await append(ledger)]
        checkpoint = await ledger.checkpoint(everyone)
        assert (checkpoint.size, checkpoint.root) == (len(leaves), merkle.text(merkle.root(leaves)))
        assert open_checkpoint(checkpoint.envelope, {ledger.signer.keyid: ledger.signer.public}) == checkpoint


async def test_every_proof_verifies(ledger: Ledger, everyone: Reader) -> None:
    """Inclusion of every entry in every tree, and consistency of every pair of trees, are provable."""
    leaves = [entry.leaf() for entry in await append(ledger, 7)]
    assert await ledger.inclusion(everyone, 2) == await ledger.inclusion(everyone, 2, 7)
    assert await ledger.consistency(everyone, 5) == await ledger.consistency(everyone, 5, 7)
    for size in range(1, 8):
        for seq in range(size):
            proof = await ledger.inclusion(everyone, seq, size)
            hashes, root = [merkle.raw(value) for value in proof.hashes], merkle.root(leaves[:size])
            assert proof.root == merkle.text(root)
            assert merkle.verify_inclusion(leaves[seq], seq, size, hashes, root)
        for first in range(size + 1):
            growth = await ledger.consistency(everyone, first, size)
            hashes = [merkle.raw(value) for value in growth.hashes]
            old, new = merkle.root(leaves[:first]), merkle.root(leaves[:size])
            assert (growth.first_root, growth.second_root) == (merkle.text(old), merkle.text(new))
            assert merkle.verify_consistency(first, size, old, new, hashes)


async def test_proofs_outside_the_log_are_refused(ledger: Ledger, everyone: Reader) -> None:
    """A size beyond the log, a size that leaves the entry out, and a backwards pair are invalid input."""
    await append(ledger, 3)
    for asked in (
        ledger.inclusion(everyone, 0, 4),
        ledger.inclusion(everyone, 2, 2),
        ledger.inclusion(everyone, 0, -1),
    ):
        with pytest.raises(Invalid):
            await asked
    for pair in ((3, 2), (-1, 2), (1, 9), (1, 2**64), (2**64, None)):
        with pytest.raises(Invalid):
            await ledger.consistency(everyone, *pair)
    for seq in (3, -1, 2**64):
        with pytest.raises(NotFound):
            await ledger.inclusion(everyone, seq)


async def test_appends_at_once_lose_nothing(ledger: Ledger, everyone: Reader) -> None:
    """Twenty concurrent transactions give twenty entries in one unbroken sequence."""
    await asyncio.gather(*(append(ledger, 2) for _ in range(10)))
    page = await ledger.entries(everyone, newest_first=False)
    assert [entry.seq for entry in page.items] == list(range(20))
    assert (await ledger.verify(everyone)).problems == ()


async def test_two_processes_append_at_once(
    database_url: str, clock: FixedClock, signer: Signer, everyone: Reader
) -> None:
    """Appends through two engines on one database are serialised by the database itself."""
    databases = [Database(database_url), Database(database_url)]
    ledgers = [Ledger(database, clock, signer) for database in databases]
    await asyncio.gather(*(append(ledger, 5) for ledger in ledgers for _ in range(2)))
    found = await ledgers[0].verify(everyone)
    assert (found.entries, found.problems) == (20, ())
    for database in databases:
        await database.close()


async def test_pages(ledger: Ledger, everyone: Reader) -> None:
    """Pages follow each other without gap or overlap, in both directions, and filters narrow them."""
    await append(ledger, 5)
    await append(ledger, 2, kind="role.granted", subject="bob")
    for newest_first in (True, False):
        seen, cursor = [], None
        while True:
            page = await ledger.entries(everyone, newest_first=newest_first, limit=3, cursor=cursor)
            seen += [entry.seq for entry in page.items]
            if (cursor := page.next_cursor) is None:
                break
        assert seen == sorted(range(7), reverse=newest_first)
    assert [e.seq for e in (await ledger.entries(everyone, kind="role.granted")).items] == [6, 5]
    assert [e.seq for e in (await ledger.entries(everyone, subject="bob", newest_first=False)).items] == [5, 6]


@pytest.mark.parametrize("cursor", ["zzz", Cursor(1, "x").encode(), Cursor(1, "-1").encode()])
async def test_a_foreign_cursor_is_refused(ledger: Ledger, everyone: Reader, cursor: str) -> None:
    """Only a cursor of this listing is taken."""
    with pytest.raises(Invalid):
        await ledger.entries(everyone, cursor=cursor)


async def test_a_reader_sees_only_his_projects(ledger: Ledger) -> None:
    """Entries of other projects, and of the whole server, are neither listed nor found."""
    await append(ledger, project="mine")
    await append(ledger, project="theirs")
    await append(ledger, project="*")
    mine = Readers(frozenset({"mine"}))
    assert [entry.seq for entry in (await ledger.entries(mine)).items] == [0]
    for asked in (
        ledger.entry(mine, 1),
        ledger.entry(mine, 2),
        ledger.inclusion(mine, 1),
        ledger.entries(mine, project="theirs"),
    ):
        with pytest.raises(NotFound):
            await asked
    assert (await ledger.entry(mine, 0)).project == "mine"


async def test_nobody_reads_without_a_role(ledger: Ledger) -> None:
    """A reader of no project gets neither checkpoint nor proof nor verification."""
    await append(ledger)
    nobody = Readers(frozenset())
    for asked in (ledger.checkpoint(nobody), ledger.consistency(nobody, 0), ledger.verify(nobody)):
        with pytest.raises(Forbidden):
            await asked
    assert (await ledger.entries(nobody)).items == ()


async def test_an_empty_log_has_nothing_to_sign(ledger: Ledger, everyone: Reader) -> None:
    """There is no checkpoint before the first entry."""
    with pytest.raises(NotFound):
        await ledger.checkpoint(everyone)


async def test_a_checkpoint_is_signed_once_per_size(ledger: Ledger, everyone: Reader, clock: FixedClock) -> None:
    """Asking again without a new entry gives the very same checkpoint."""
    await append(ledger)
    first = await ledger.checkpoint(everyone)
    clock.advance(1000)
    assert await ledger.checkpoint(everyone) == first


async def test_checkpoints_by_a_former_key_still_verify(
    ledger: Ledger, everyone: Reader, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """After a change of the signing key its public half, kept as retired, vouches for older checkpoints."""
    await append(ledger)
    await ledger.checkpoint(everyone)
    fresh = load_or_create_signer(tmp_path_factory.mktemp("new") / "signing.pem")
    await append(rotated := Ledger(ledger.database, ledger.clock, fresh, (ledger.signer.public,)))
    await rotated.checkpoint(everyone)
    assert (await rotated.verify(everyone)).problems == ()
    forgetful = Ledger(ledger.database, ledger.clock, fresh)
    assert "not by the given key" in (await forgetful.verify(everyone)).problems[0]


TAMPERED = {
    "an entry's bytes": (
        "UPDATE ledger_entries SET content = replace(content, 'alice', 'mallo') WHERE seq = 2",
        "leaf hash",
    ),
    "a column": ("UPDATE ledger_entries SET principal = 'mallory' WHERE seq = 2", "the column principal"),
    "a leaf hash": ("UPDATE ledger_entries SET leaf_hash = '" + "0" * 64 + "' WHERE seq = 2", "leaf hash"),
    "a subtree": ("UPDATE ledger_entries SET subtrees = '[\"00\"]' WHERE seq = 3", "subtree"),
    "a missing entry": ("DELETE FROM ledger_entries WHERE seq = 2", "entry 2 is missing"),
    "a cut end": ("DELETE FROM ledger_entries WHERE seq = 5", "has only 5 entries"),
    "the head": ("UPDATE ledger_head SET size = 7", "the head says 7"),
    "a checkpoint's root": ("UPDATE ledger_checkpoints SET root = 'sha256:" + "0" * 64 + "'", "another root"),
    "a checkpoint's time": ("UPDATE ledger_checkpoints SET time = 1", "what is signed is not"),
    "a checkpoint's signature": ("UPDATE ledger_checkpoints SET envelope = '{}'", "not a DSSE envelope"),
    "a checkpoint's log": ("UPDATE ledger_checkpoints SET origin = 'other'", "it is of the log other"),
    "bytes that are no entry": ("UPDATE ledger_entries SET content = '{}' WHERE seq = 2", "not a ledger entry"),
    "bytes that are not JSON": ("UPDATE ledger_entries SET content = '{' WHERE seq = 2", "not valid JSON"),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERED)
async def test_tampering_is_found(ledger: Ledger, everyone: Reader, what: str) -> None:
    """Whatever is changed behind the server's back, verification says what does not hold."""
    await append(ledger, 6)
    await ledger.checkpoint(everyone)
    assert (await ledger.verify(everyone)).problems == ()
    statement, problem = TAMPERED[what]
    async with ledger.database.write() as tx:
        await tx.execute(text(statement))
    found = (await ledger.verify(everyone)).problems
    assert any(problem in one for one in found), found


async def test_an_entry_that_does_not_read_back_is_said_so(ledger: Ledger, everyone: Reader) -> None:
    """Reading a damaged entry is an integrity failure, not an internal error."""
    await append(ledger)
    async with ledger.database.write() as tx:
        await tx.execute(text("UPDATE ledger_entries SET content = '{}'"))
    with pytest.raises(IntegrityFailed, match="does not read back"):
        await ledger.entry(everyone, 0)


async def _append_and_fail(ledger: Ledger) -> None:
    async with ledger.database.write() as tx:
        await ledger.append(tx, kind="role.granted", project="default", principal="alice", body={})
        raise RuntimeError("the change failed")


async def test_notes_are_no_growth_that_a_decision_would_rest_on(ledger: Ledger) -> None:
    """Whatever was only taken down leaves a judgement as it is; any other entry, and a log that was cut, do not."""
    await append(ledger, 2)
    for kind in sorted(NOTES):
        await append(ledger, kind=kind)
    async with ledger.database.read() as tx:
        assert not await ledger.grew(tx, 2)
        assert await ledger.grew(tx, 1)
        assert await ledger.grew(tx, 100)


def test_the_rooms_notes_are_the_ledgers() -> None:
    """Each room names its kinds itself; none is missing and none is there without a room."""
    assert {ASKED, LOGGED, JUDGED, PUSHED, NOT_PUSHED} == NOTES


async def test_the_end_of_the_log_is_its_size_and_its_latest_time(ledger: Ledger, clock: FixedClock) -> None:
    """Of the last entries only: what an older one says about the time no longer counts. An empty log has neither."""
    async with ledger.database.read() as tx:
        assert await ledger.end(tx, 3) == (0, 0)
    entries = []
    for milliseconds in (5_000, -3_000, 1_000):
        clock.advance(milliseconds)
        entries += await append(ledger)
    async with ledger.database.read() as tx:
        assert await ledger.end(tx, 3) == (3, entries[0].time)
        assert await ledger.end(tx, 2) == (3, entries[2].time)
