"""Comparing two index versions, through the queue, the API and the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from sekisho.cli.indexing import commands
from sekisho.evaluation.index_comparison_text import comparison_markdown
from sekisho.evaluation.reports.neutral import markdown as inert
from sekisho.kernel.digests import digest_of_bytes
from tests.api_client import ApiClient
from tests.identity.commands import run
from tests.indexing.embedders import HashedWords
from tests.problems import problem

DOCUMENTS = {
    "gate.md": "# Gate\n\nThe gate asks the policy engine.\n",
    "approval.md": "# Approval\n\nServices cannot approve.\n",
    "ledger.md": "# Ledger\n\nThe ledger is append only.\n",
}
QUESTIONS: list[dict[str, Any]] = [
    {"id": "gate", "question": "What does the gate ask?", "gold": ["asks the policy engine"]},
    {"id": "approve", "question": "Can services approve?", "gold": ["Services cannot approve"]},
    {"id": "ledger", "question": "Is the ledger append only?", "gold": ["ledger is append only"]},
    {"id": "open", "question": "What about lemons?"},
]
COMPARISONS = "/v1/projects/default/index-comparisons"


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


async def blob(api: ApiClient, data: bytes) -> str:
    headers = {**await api.role("author"), "content-type": "application/octet-stream"}
    digest = digest_of_bytes(data)
    answer = await api.put(f"/v1/projects/default/blobs/{digest}", content=data, headers=headers)
    assert answer.status_code == 204, answer.text
    return digest


async def built(api: ApiClient, documents: dict[str, str]) -> str:
    """An index over these documents, by its digest."""
    headers = await api.role("author")
    files = [
        {"path": path, "digest": await blob(api, text.encode()), "bytes": len(text), "media_type": "text/markdown"}
        for path, text in documents.items()
    ]
    manifest = {"schema": "sekisho.corpus/v1", "files": files, "licence": "CC0-1.0"}
    made = await api.post(
        "/v1/projects/default/artifacts/corpus/handbook/versions", json={"manifest": manifest}, headers=headers
    )
    assert made.status_code == 201, made.text
    build = {"name": "docs", "corpus": "corpus/handbook@latest", "retriever": {"mode": "dense", "k": 2}}
    started = (await api.post("/v1/projects/default/builds", json=build, headers=headers)).json()
    api.services.indexing.inference._embedders["minilm"] = HashedWords()
    job = await api.services.jobs.claim(["build"], "worker-1")
    assert job is not None
    await api.services.indexing.build(job)
    done = (await api.get(f"/v1/projects/default/builds/{started['id']}", headers=headers)).json()
    return str(done["result"]["digest"])


@pytest.fixture
async def versions(api: ApiClient) -> tuple[str, str]:
    """Of the second the answer to one question is gone."""
    kept = {path: text for path, text in DOCUMENTS.items() if path != "ledger.md"}
    return await built(api, DOCUMENTS), await built(api, kept)


async def dataset(api: ApiClient) -> None:
    content = lines(QUESTIONS)
    manifest = {
        "schema": "sekisho.dataset/v1", "content": await blob(api, content), "cases": len(QUESTIONS),
        "fields": ["gold", "id", "question"], "licence": "CC0-1.0",
    }  # fmt: skip
    made = await api.post(
        "/v1/projects/default/artifacts/dataset/questions/versions",
        json={"manifest": manifest},
        headers=await api.role("author"),
    )
    assert made.status_code == 201, made.text


async def compared(api: ApiClient, **body: Any) -> dict[str, Any]:
    headers = await api.role("author")
    started = await api.post(COMPARISONS, json=body, headers=headers)
    assert started.status_code == 202, started.text
    await work(api)
    job = (await api.get(f"{COMPARISONS}/{started.json()['id']}", headers=headers)).json()
    assert job["state"] == "done"
    return dict(job["result"])


async def work(api: ApiClient) -> bool:
    job = await api.services.jobs.claim(["compare"], "worker-1")
    if job is not None:
        await api.services.index_comparison.execute(job)
    return job is not None


async def test_what_cannot_be_compared_is_refused(api: ApiClient, versions: tuple[str, str]) -> None:
    """Two sets of questions, no index, rows that are no questions, a role that may not."""
    before, after = versions
    both = {"before": before, "after": after}
    author = await api.role("author")
    bad = await blob(api, b'{"id": "x"}\n')
    for body, path in (
        ({**both, "queries": "dataset/a", "queries_blob": bad}, "$.queries_blob"),
        ({**both, "queries_blob": bad}, "line 1"),
        ({"before": before, "after": "corpus/handbook"}, "$.after"),
        ({**both, "k": 0}, "$.k"),
    ):
        told = problem(await api.post(COMPARISONS, json=body, headers=author), 400, "invalid")
        assert path in [error["path"] for error in told["errors"]]
    problem(await api.post(COMPARISONS, json=both, headers=await api.role("viewer")), 403, "forbidden")


async def test_questions_show_what_an_edit_costs(api: ApiClient, versions: tuple[str, str]) -> None:
    """A lost document: its question's metric falls, the overlap says how much of the answers is the same."""
    await dataset(api)
    before, after = versions
    found = await compared(api, before=before, after=after, queries="dataset/questions", k=2)
    assert found["documents"]["removed"]["first"] == ["ledger.md"]
    retrieval = found["retrieval"]
    assert (retrieval["questions"], retrieval["judged"], retrieval["k"]) == (4, 3, 2)
    assert retrieval["queries"] == "default/dataset/questions@v1"
    recall = retrieval["metrics"]["recall@1"]
    assert (recall["before_bp"], recall["after_bp"], recall["n"]) == (10_000, 6667, 3)
    assert recall["low_bp"] <= recall["diff_bp"] == -3333 <= recall["high_bp"]
    assert [one["case"] for one in recall["worsened"]] == ["ledger"]
    assert "ledger" in [one["case"] for one in retrieval["most_changed"]]
    assert retrieval["overlap"]["mean_bp"] < 10_000
    text = comparison_markdown(found)
    assert f"| {inert('recall@1')} | 1.0000 | 0.6667 |" in text
    assert "Documents removed: ledger.md." in text


async def test_without_questions_only_contents_are_compared(api: ApiClient, versions: tuple[str, str]) -> None:
    """Nothing is asked of the vectors; an index beside itself is the same."""
    found = await compared(api, before=versions[0], after=versions[0])
    assert "retrieval" not in found
    assert found["chunks"]["kept"] == 3


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
async def test_the_command_writes_each_format(
    api: ApiClient, versions: tuple[str, str], tmp_path: Path, form: str
) -> None:
    """Questions from a file; each format names the metric and both of its values."""
    file = tmp_path / "questions.jsonl"
    file.write_bytes(lines(QUESTIONS))
    result = await worked(api, "index", "compare", *versions, "--queries", str(file), "--format", form)
    assert result.exit_code == 0, result.output
    if form == "json":
        recall = json.loads(result.stdout)["retrieval"]["metrics"]["recall@1"]
        assert (recall["before_bp"], recall["after_bp"]) == (10_000, 6667)
    else:
        assert (inert("recall@1") if form == "markdown" else "recall@1") in result.stdout
        assert "0.6667" in result.stdout


async def worked(api: ApiClient, *words: str) -> Result:
    """A command that waits for its job, with a worker beside it."""
    command = asyncio.create_task(run(api, await api.token_for("author"), commands, *words))
    while not command.done():
        await work(api)
        await asyncio.sleep(0.02)
    return await command
