"""`sekisho corpus`: profiles without a server, and erasing with one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from click.testing import CliRunner, Result
from structlog.testing import capture_logs
from tests.api_client import ApiClient
from tests.identity.commands import Bridge
from tests.indexing.sources.originals import pdf_of

from sekisho.cli import Rooms, main
from sekisho.cli.corpus import commands
from sekisho.cli.session import Session
from sekisho.client import Client
from sekisho.kernel.digests import digest_of_bytes


def test_a_folder_is_profiled_as_words_json_and_a_page(tmp_path: Path) -> None:
    """Bad files are named; the page is written where it was asked for."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(pdf_of(["Write to ada@example.org"]))
    (folder / "b.docx").write_bytes(b"no")
    page = tmp_path / "page.html"
    done = CliRunner().invoke(main, ["corpus", "profile", str(folder), "--json", "--html", str(page)])
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["documents"] == 1
    assert [one["path"] for one in found["refused"]] == ["b.docx"]
    assert [one["detector"] for one in found["findings"]] == ["e-mail"]
    assert "<svg" in page.read_text("utf-8")
    words = CliRunner().invoke(main, ["corpus", "profile", str(folder)])
    assert "refused b.docx" in words.stdout
    assert "a.pdf" in words.stdout


def test_a_page_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With exit code 2, as for any wrong input."""
    (tmp_path / "a.md").write_text("text")
    done = CliRunner().invoke(main, ["corpus", "profile", str(tmp_path), "--html", str(tmp_path / "none" / "page")])
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr


def test_what_is_neither_folder_nor_corpus_is_told(tmp_path: Path) -> None:
    """A file and another kind's name are no corpus; a draft's file that cannot be written is no accident either."""
    (tmp_path / "a.md").write_text("# Gate\n\nA gate is a place where travellers show their papers.\n")
    for target in (str(tmp_path / "a.md"), "nowhere", "index/docs@latest"):
        for words in (("corpus", "profile", target), ("dataset", "draft", target, "--out", str(tmp_path / "out"))):
            done = CliRunner().invoke(main, list(words))
            assert done.exit_code == 2, done.stderr
            assert "neither a folder here nor a corpus" in done.stderr
    done = CliRunner().invoke(main, ["dataset", "draft", str(tmp_path), "--out", str(tmp_path / "none" / "out")])
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr


async def test_a_document_is_erased_by_a_command(api: ApiClient) -> None:
    """The salt is told, the worker's counts are shown, and a role that may not erase is refused."""
    data = b"# Ada\n\nA page about Ada.\n"
    digest = digest_of_bytes(data)
    author = await api.role("author")
    raw = {**author, "content-type": "application/octet-stream"}
    await api.put(f"/v1/projects/default/blobs/{digest}", content=data, headers=raw)
    file = {"path": "ada.md", "digest": digest, "bytes": len(data), "media_type": "text/markdown"}
    manifest = {"schema": "sekisho.corpus/v1", "files": [file], "licence": "MIT"}
    await api.post("/v1/projects/default/artifacts/corpus/people/versions", json={"manifest": manifest}, headers=author)
    words = ("corpus", "erase", "corpus/people", "ada.md", "--reason", "request 17")
    refused = await run(api, "author", *words)
    assert refused.exit_code == 2
    worker = asyncio.create_task(work(api))
    done = await run(api, "operator", *words)
    await worker
    assert done.exit_code == 0, done.stderr
    shown = json.loads(done.stdout)
    assert len(shown["salt"]) == 64
    assert shown["corpora"] == ["default/corpus/people@v1"]
    assert shown["deleted"]["indexes"] == 0


async def run(api: ApiClient, role: str, *words: str) -> Result:
    state = Session(as_json=True, project="default")
    bridge = Bridge(api, asyncio.get_running_loop())
    client = Client("http://sekisho.test", await api.token_for(role), transport=bridge, project="default")
    state.__dict__["client"] = client
    group = Rooms("sekisho", commands=list(commands))
    with capture_logs():
        return await asyncio.to_thread(CliRunner().invoke, group, list(words), obj=state)


async def work(api: ApiClient) -> None:
    """Wait for the erasure, and do it."""
    while (job := await api.services.jobs.claim(["erase"], "worker-1")) is None:
        await asyncio.sleep(0.05)
    await api.services.erasing.erase(job)
