"""Drafts by API and command line, and the person who accepts them."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from sekisho.cli.drafting import commands
from sekisho.identity.types import PrincipalKind, Role
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.errors import Conflict
from tests.api_client import ApiClient
from tests.identity.commands import run
from tests.problems import problem

DRAFTS = "/v1/projects/default/drafts"
TEXT = "# Slices\n\nA slice is a named subset of the test cases. An approval lapses after 14 days.\n"


async def blob(api: ApiClient, data: bytes) -> str:
    headers = {**await api.role("author"), "content-type": "application/octet-stream"}
    digest = digest_of_bytes(data)
    answer = await api.put(f"/v1/projects/default/blobs/{digest}", content=data, headers=headers)
    assert answer.status_code == 204, answer.text
    return digest


@pytest.fixture
async def corpus(api: ApiClient) -> str:
    """A corpus of a text, and of a file that nobody reads here."""
    page = b"<html></html>"
    files = [
        {
            "path": "en/a.md",
            "digest": await blob(api, TEXT.encode()),
            "bytes": len(TEXT),
            "media_type": "text/markdown",
        },
        {"path": "b.html", "digest": await blob(api, page), "bytes": len(page), "media_type": "text/html"},
    ]
    made = await api.post(
        "/v1/projects/default/artifacts/corpus/handbook/versions",
        json={"manifest": {"schema": "sekisho.corpus/v1", "files": files, "licence": "CC0-1.0"}},
        headers=await api.role("author"),
    )
    assert made.status_code == 201, made.text
    return "corpus/handbook@latest"


async def work(api: ApiClient) -> None:
    job = await api.services.jobs.claim(["draft"], "worker-1")
    if job is not None:
        await api.services.drafting.execute(job)


async def worked(api: ApiClient, *words: str) -> Result:
    """A command that waits for its job, with a worker beside it."""
    command = asyncio.create_task(run(api, await api.token_for("author"), commands, *words))
    while not command.done():
        await work(api)
        await asyncio.sleep(0.02)
    return await command


async def service(api: ApiClient) -> dict[str, str]:
    """The headers of a service with an author's role."""
    identity = api.services.identity
    admin = await identity.authenticate(api.admin_token)
    with suppress(Conflict):
        await identity.create_principal(admin, "robot", PrincipalKind.SERVICE)
    await identity.grant_role(admin, "robot", "default", Role.AUTHOR)
    _, secret = await identity.issue_token(admin, "robot")
    return {"Authorization": f"Bearer {secret}"}


async def drafted(api: ApiClient, corpus: str) -> dict[str, Any]:
    started = await api.post(DRAFTS, json={"corpus": corpus, "size": 5}, headers=await api.role("author"))
    assert started.status_code == 202, started.text
    await work(api)
    job = (await api.get(f"{DRAFTS}/{started.json()['id']}", headers=await api.role("author"))).json()
    assert job["state"] == "done"
    return dict(job["result"])


async def test_only_a_person_accepts(api: ApiClient, corpus: str) -> None:
    """A service with an author's role may have drafts made; taking them into use is not for it."""
    found = await drafted(api, corpus)
    body = {"name": "questions", "content": found["content"], "licence": "CC0-1.0"}
    told = problem(await api.post(f"{DRAFTS}/accept", json=body, headers=await service(api)), 403, "forbidden")
    assert "only a person" in told["detail"]
    problem(await api.post(f"{DRAFTS}/accept", json=body, headers=await api.role("viewer")), 403, "forbidden")


async def test_what_cannot_be_drafted_or_accepted_is_refused(api: ApiClient, corpus: str) -> None:
    """An unknown writer, an unknown id, rows that nobody drafted, a row that is no case."""
    author = await api.role("author")
    wrong = await api.post(DRAFTS, json={"corpus": corpus, "model": "openai/x"}, headers=author)
    assert problem(wrong, 400, "invalid")["errors"][0]["path"] == "$.model"
    found = await drafted(api, corpus)
    plain = await blob(api, b'{"id": "a", "question": "Who?"}\n')
    broken = await blob(api, b'{"id": "a", "draft": "x"}\n')
    for body, path in (
        ({"content": found["content"], "only": ["nothing"]}, "$.only"),
        ({"content": plain}, "$.content"),
        ({"content": broken}, "line 1"),
    ):
        answer = await api.post(f"{DRAFTS}/accept", json={"name": "q", "licence": "CC0-1.0", **body}, headers=author)
        assert problem(answer, 400, "invalid")["errors"][0]["path"] == path


async def test_a_person_takes_drafts_into_use(api: ApiClient, corpus: str) -> None:
    """Another digest, no mark, the person as author; the ledger says who took which drafts, by whom they were."""
    found = await drafted(api, corpus)
    assert found["cases"] == 2
    assert found["left_out"] == {"count": 1, "first": ["b.html"]}
    author = await api.role("author")
    rows = (await api.get(f"/v1/projects/default/blobs/{found['content']}", headers=author)).content
    first = json.loads(rows.splitlines()[0])["id"]
    body = {"name": "questions", "content": found["content"], "licence": "CC0-1.0", "only": [first]}
    admin = await api.role("admin")  # whose token is in the ledger before
    made = await api.post(f"{DRAFTS}/accept", json=body, headers=author)
    assert made.status_code == 201, made.text
    version = (await api.get("/v1/projects/default/artifacts/dataset/questions/versions/latest", headers=author)).json()
    assert version["digest"] == made.json()["digest"]
    assert version["author"] == "author"
    assert "draft" not in version["manifest"]["fields"]
    assert version["manifest"]["cases"] == 1
    assert version["manifest"]["content"] != found["content"]
    entries = (await api.get("/v1/ledger/entries", params={"limit": 1}, headers=admin)).json()
    [entry] = entries["items"]
    assert (entry["kind"], entry["principal"]) == ("dataset.accepted", "author")
    assert entry["body"]["drafts"] == found["content"]
    assert sum(entry["body"]["by"].values()) == 1


async def test_commands_from_folder_to_dataset(api: ApiClient, tmp_path: Path) -> None:
    """A folder needs no server; the file's rows are marked, and accepted they are a dataset."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "a.md").write_text(TEXT)
    (folder / "table.csv").write_text("a,b\n1,2\n")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 is none")
    out = tmp_path / "drafts.jsonl"
    made = await worked(api, "dataset", "draft", str(folder), "--out", str(out), "--size", "5", "--json")
    assert made.exit_code == 0, made.output
    assert set(json.loads(made.stdout)["left_out"]) == {"table.csv", "broken.pdf"}
    assert json.loads(made.stdout)["by"] == {"builtin/cloze/1": 1, "builtin/definition/1": 1}
    assert all(json.loads(line)["draft"].startswith("builtin/") for line in out.read_text().splitlines())
    taken = await worked(api, "dataset", "accept", str(out), "--name", "questions", "--licence", "CC0-1.0")
    assert taken.exit_code == 0, taken.output
    assert "dataset/questions@v1" in taken.stdout


async def test_the_command_drafts_from_a_corpus_version(api: ApiClient, corpus: str, tmp_path: Path) -> None:
    """By the worker; what it left out is said. A writer that is no Ollama model is a usage error."""
    out = tmp_path / "drafts.jsonl"
    made = await worked(api, "dataset", "draft", corpus, "--out", str(out))
    assert made.exit_code == 0, made.output
    assert "left out b.html: " in made.stdout
    assert len(out.read_text().splitlines()) == 2
    wrong = await worked(api, "dataset", "draft", corpus, "--out", str(out), "--model", "gpt")
    assert wrong.exit_code == 2
