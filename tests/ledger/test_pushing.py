"""Checkpoints leave the server: to a file, a git repository, a webhook; a rewritten past shows against each of them."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import text
from tests.api_client import ApiClient
from tests.clocks import FixedClock
from tests.gate.opa import free_port, serving
from tests.ledger.conftest import Readers
from tests.ledger.entries import append

from sekisho.kernel.errors import Forbidden, IntegrityFailed, Invalid, Unavailable
from sekisho.kernel.settings import Settings
from sekisho.ledger.pushing.service import LATE, Pushing
from sekisho.ledger.pushing.targets import FileTarget, GitTarget, WebhookTarget, targets_of
from sekisho.ledger.pushing.types import Target
from sekisho.ledger.service import Ledger
from sekisho.ledger.statements import kept_checkpoints, verify_growth
from sekisho.wiring.services import build_services

INTERVAL_S = 300


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@dataclass
class Hook:
    """A webhook that keeps what it receives, once per key, and fails while `status` says so."""

    status: int = 200
    kept: dict[str, bytes] = field(default_factory=dict)
    calls: int = 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        if self.status == 200:
            self.kept[request.headers["Idempotency-Key"]] = await request.read()
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


@dataclass
class Place:
    """A target, and what somebody finds there who knows nothing of the server."""

    target: Target
    hook: Hook | None = None
    remote: Path | None = None
    file: Path | None = None

    def found(self) -> bytes:
        if self.hook is not None:
            return b"\n".join(self.hook.kept.values())
        if self.remote is not None:
            return git(self.remote, "show", "HEAD:sekisho-checkpoints.jsonl").encode()
        assert self.file is not None
        return self.file.read_bytes()

    def sizes(self) -> list[int]:
        return [json.loads(line)["size"] for line in self.found().splitlines()]


def cloned(folder: Path) -> Place:
    """A bare repository, and a clone of it that pushes there."""
    remote, clone = folder / "remote.git", folder / "clone"
    git(folder, "init", "--quiet", "--bare", str(remote))
    git(folder, "clone", "--quiet", str(remote), str(clone))
    return Place(GitTarget(clone), remote=remote)


@pytest.fixture(params=["file", "git", "webhook"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    """Each kind of target: a real file, a real clone with a real remote, a real HTTP server."""
    if request.param == "file":
        file = tmp_path / "kept" / "checkpoints.jsonl"
        file.parent.mkdir()
        yield Place(FileTarget(file), file=file)
    elif request.param == "git":
        yield cloned(tmp_path)
    else:
        hook = Hook()
        async with serving(hook) as url:
            yield Place(WebhookTarget(f"{url}/hook"), hook=hook)


def pushing(ledger: Ledger, clock: FixedClock, *targets: Target) -> Pushing:
    return Pushing(ledger.database, clock, ledger, targets, INTERVAL_S)


async def test_a_checkpoint_goes_out_when_the_log_has_grown(
    ledger: Ledger, clock: FixedClock, place: Place, everyone: Readers
) -> None:
    """Nothing for an empty log, one line per growth, none while it rests or the interval runs; each is recorded.

    The log itself says that it was pushed, which is no growth.
    """
    ours = pushing(ledger, clock, place.target)
    assert await ours.push_due() == ()
    await append(ledger, 3)
    assert await ours.push_due() == (place.target.name,)
    await append(ledger, 2)
    assert await ours.push_due() == ()
    clock.advance(INTERVAL_S * 1000)
    assert await ours.push_due() == (place.target.name,)
    clock.advance(INTERVAL_S * 1000)
    assert await ours.push_due() == ()
    assert place.sizes() == [3, 6]
    assert [(push.size, push.error) for push in await ours.pushes(everyone, 10)] == [(6, None), (3, None)]
    await ours.check()


async def test_what_was_pushed_holds_the_log_to_its_past(
    ledger: Ledger, clock: FixedClock, place: Place, everyone: Readers
) -> None:
    """Anybody with the key proves from the place's own copy that the log only grew, and then that it was rewritten."""
    ours = pushing(ledger, clock, place.target)
    await append(ledger, 5)
    await ours.push_due()
    await append(ledger, 4)
    (former,) = kept_checkpoints(place.found(), ledger.signer.public)
    now = await ledger.checkpoint(everyone)
    verify_growth(former, now.envelope, asdict(await ledger.consistency(everyone, former.size)), ledger.signer.public)
    await rewrite(ledger, clock)
    now = await ledger.checkpoint(everyone)
    assert (await ledger.verify(everyone)).problems == ()
    proof = asdict(await ledger.consistency(everyone, former.size))
    with pytest.raises(IntegrityFailed, match="are not those that the kept checkpoint signed"):
        verify_growth(former, now.envelope, proof, ledger.signer.public)


async def test_a_rewritten_past_is_not_pushed_over_the_former_one(
    ledger: Ledger, clock: FixedClock, place: Place, everyone: Readers
) -> None:
    """The worker itself finds it out at its next push, says so at /readyz, and leaves what is kept as it was."""
    ours = pushing(ledger, clock, place.target)
    await append(ledger, 5)
    await ours.push_due()
    kept = place.found()
    await rewrite(ledger, clock)
    clock.advance(INTERVAL_S * 1000)
    assert await ours.push_due() == ()
    assert place.found() == kept
    with pytest.raises(Unavailable, match="are not those that the kept checkpoint signed"):
        await ours.check()
    (newest, _) = await ours.pushes(everyone, 10)
    assert "are not those" in str(newest.error)


async def rewrite(ledger: Ledger, clock: FixedClock) -> None:
    """As one with the database and the signing key would: the same origin, nine other entries, all of them sound."""
    async with ledger.database.write() as tx:
        origin = (await tx.execute(text("SELECT origin FROM ledger_head"))).scalar_one()
        await tx.execute(text("DELETE FROM ledger_entries"))
        await tx.execute(text("DELETE FROM ledger_checkpoints"))
        await tx.execute(text("UPDATE ledger_head SET size = 0, peaks = '[]'"))
    clock.advance(1)
    await append(ledger, 9, kind="version.invented")
    async with ledger.database.read() as tx:
        assert (await tx.execute(text("SELECT origin FROM ledger_head"))).scalar_one() == origin


async def test_a_failed_push_is_told_and_tried_again(ledger: Ledger, clock: FixedClock, everyone: Readers) -> None:
    """At the next look, without waiting for the interval; the same failure is recorded once, and a redirect is one."""
    hook = Hook(status=503)
    async with serving(hook) as url:
        ours = pushing(ledger, clock, WebhookTarget(f"{url}/hook"))
        await append(ledger, 1)
        for _ in range(3):
            assert await ours.push_due() == ()
        with pytest.raises(Unavailable, match="it answered 503"):
            await ours.check()
        clock.advance(1)
        hook.status = 302
        assert await ours.push_due() == ()
        clock.advance(1)
        hook.status = 200
        assert len(await ours.push_due()) == 1
    await ours.check()
    errors = [push.error for push in await ours.pushes(everyone, 10)]
    assert [error is None or error[-3:] for error in errors] == [True, "302", "503"]
    assert hook.calls == 5


async def test_one_target_that_fails_keeps_no_other_waiting(ledger: Ledger, clock: FixedClock, tmp_path: Path) -> None:
    """Each is on its own; the reasons name each."""
    dead = WebhookTarget(f"http://user:hunter2@127.0.0.1:{free_port()}/hook?key=hunter2")
    absent = GitTarget(tmp_path / "absent")
    gone = FileTarget(tmp_path / "absent" / "file")
    file = FileTarget(tmp_path / "file")
    ours = pushing(ledger, clock, dead, absent, gone, file)
    await append(ledger, 1)
    assert await ours.push_due() == (file.name,)
    with pytest.raises(Unavailable) as told:
        await ours.check()
    assert all(target.name in told.value.detail for target in (dead, absent, gone))
    assert "hunter2" not in told.value.detail


async def test_a_target_that_hears_nothing_for_long_is_told(ledger: Ledger, clock: FixedClock, tmp_path: Path) -> None:
    """No worker pushes: first that nothing ever was, later that it is long ago; a log at rest needs no push."""
    ours = pushing(ledger, clock, FileTarget(tmp_path / "file"))
    await ours.check()
    await append(ledger, 1)
    with pytest.raises(Unavailable, match="ever pushed"):
        await ours.check()
    await ours.push_due()
    clock.advance(LATE * INTERVAL_S * 1000 + 1)
    await ours.check()
    await append(ledger, 1)
    with pytest.raises(Unavailable, match="last took a checkpoint"):
        await ours.check()


async def test_a_push_that_was_interrupted_is_carried_through(
    ledger: Ledger, clock: FixedClock, tmp_path: Path
) -> None:
    """Killed after the line was written, or after the commit: the next push commits and pushes it once."""
    place = cloned(tmp_path)
    remote, clone = tmp_path / "remote.git", tmp_path / "clone"
    await append(ledger, 2)
    async with ledger.database.write() as tx:
        checkpoint = await ledger.checkpoint_in(tx)
    await FileTarget(clone / "sekisho-checkpoints.jsonl").push(checkpoint)  # the line, and no commit
    await place.target.push(checkpoint)
    assert place.sizes() == [2]
    remote.rename(tmp_path / "away")
    await append(ledger, 1)
    async with ledger.database.write() as tx:
        later = await ledger.checkpoint_in(tx)
    with pytest.raises(Unavailable, match="git push"):
        await place.target.push(later)
    (tmp_path / "away").rename(remote)
    await place.target.push(later)
    await place.target.push(later)
    assert place.sizes() == [2, 3]
    assert git(remote, "rev-list", "--count", "HEAD") == "2"


async def test_several_workers_write_whole_lines(ledger: Ledger, tmp_path: Path) -> None:
    """Twenty pushes of one checkpoint at once leave one line."""
    target = FileTarget(tmp_path / "file")
    await append(ledger, 1)
    async with ledger.database.write() as tx:
        checkpoint = await ledger.checkpoint_in(tx)
    await asyncio.gather(*(target.push(checkpoint) for _ in range(20)))
    assert len((tmp_path / "file").read_bytes().splitlines()) == 1


@pytest.mark.parametrize(
    "content", [b"[]\n", b"{}\n", b'{"origin": "x", "size": 1', b"\xff\xfe\n", b"\n"], ids=range(5)
)
async def test_a_file_of_something_else_is_left_alone(
    ledger: Ledger, clock: FixedClock, tmp_path: Path, content: bytes
) -> None:
    """Not a checkpoint, cut short, not text: nothing is added, and the failure names it."""
    file = tmp_path / "file"
    file.write_bytes(content)
    ours = pushing(ledger, clock, FileTarget(file))
    await append(ledger, 1)
    assert await ours.push_due() == ()
    assert file.read_bytes() == content
    with pytest.raises(Unavailable, match="was not pushed"):
        await ours.check()


async def test_a_clock_that_is_set_back_silences_nothing(ledger: Ledger, clock: FixedClock, tmp_path: Path) -> None:
    """The next growth is pushed at once instead of a day later."""
    ours = pushing(ledger, clock, FileTarget(tmp_path / "file"))
    await append(ledger, 1)
    await ours.push_due()
    clock.advance(-86_400_000)
    await append(ledger, 1)
    assert len(await ours.push_due()) == 1


async def test_only_who_reads_everything_sees_where_checkpoints_go(ledger: Ledger, clock: FixedClock) -> None:
    """Paths and addresses are the operators' matter."""
    with pytest.raises(Forbidden):
        await pushing(ledger, clock).pushes(Readers(frozenset({"default"})), 10)


@pytest.mark.parametrize(
    "text",
    ["", "file:relative", "git:relative", "git:/clone#../outside", "git:/clone#/etc/passwd", "git:/clone#.git/config",
     "ftp://host/x", "https:///nowhere", "/plain/path", "file:/" + "x" * 300],
)  # fmt: skip
def test_a_place_that_is_none_is_refused_by_name(text: str) -> None:
    """The setting is named, with the forms that it takes."""
    with pytest.raises(Invalid) as refused:
        targets_of([text])
    (place,) = refused.value.fields
    assert place.path == "$.checkpoint_targets"
    assert "file:/path/to/file" in place.message


def test_the_forms_are_read() -> None:
    """One of each, and none twice."""
    found = targets_of(["file:/a/b", "git:/c", "git:/c#d/e.jsonl", "https://u:p@host:1/x?y=z"])
    assert [target.name for target in found] == [
        "file:/a/b", "git:/c#sekisho-checkpoints.jsonl", "git:/c#d/e.jsonl", "https://host:1/x",
    ]  # fmt: skip
    with pytest.raises(Invalid):
        targets_of(["file:/a", "file:/a"])


async def test_the_settings_reach_the_worker_the_api_and_the_command(
    api: ApiClient, data_dir: Path, tmp_path: Path, clock: FixedClock
) -> None:
    """Pushed as the worker pushes, listed by the API; the file then holds the server to its past by the command."""
    file, pem = tmp_path / "kept.jsonl", tmp_path / "key.pem"
    settings = Settings(
        database_url=api.services.settings.database_url, data_dir=data_dir, checkpoint_targets=(f"file:{file}",)
    )
    worker = build_services(settings, clock)
    assert await worker.pushing.push_due() == (f"file:{file}",)
    await worker.close()
    found = await api.get("/v1/ledger/pushes", headers={"Authorization": f"Bearer {api.admin_token}"})
    (item,) = found.json()["items"]
    assert (item["target"], item["error"]) == (f"file:{file}", None)
    pem.write_text((await api.get("/v1/keys")).json()["items"][0]["pem"])
    from tests.ledger.test_cli import sekisho

    held = await sekisho(api, "ledger", "verify", "--checkpoint", str(file), "--key", str(pem))
    assert (held.exit_code, "the ledger holds" in held.stdout) == (0, True), held.output
    listed = await sekisho(api, "ledger", "pushes")
    assert (listed.exit_code, f"file:{file}  taken" in listed.stdout) == (0, True), listed.output
