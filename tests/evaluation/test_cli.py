"""Evaluation from the command line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from sekisho.cli.evaluation import commands
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.errors import NotFound
from tests.api_client import ApiClient
from tests.evaluation.fakes import VIEWER, World, rows
from tests.identity.commands import run


async def sekisho(door: ApiClient, *words: str) -> Result:
    return await run(door, await door.token_for("author"), commands, *words)


async def worked(world: World, door: ApiClient, *words: str) -> Result:
    """A command that waits for runs, with a worker beside it."""
    command = asyncio.create_task(sekisho(door, *words))
    while not command.done():
        job = await world.jobs.claim(["run", "replay"], "worker-1")
        if job is not None:
            await (world.evaluation.execute if job.kind == "run" else world.evaluation.execute_replay)(job)
        await asyncio.sleep(0.02)
    return await command


@pytest.fixture
def lock(world: World, tmp_path: Path, door: ApiClient) -> Path:
    """What `apply` would have written for the world's agent and suite."""
    names = {label: world.catalogue.names[label] for label in ("agent/docs", "suite/docs-retrieval")}
    versions = "".join(f"{json.dumps(label)} = {json.dumps(digest)}\n" for label, digest in sorted(names.items()))
    path = tmp_path / "sekisho.lock"
    path.write_text(f'schema = "sekisho.lock/v1"\nproject = "default"\n\n[versions]\n{versions}')
    return path


async def test_no_lock_and_no_selector_is_a_usage_error(door: ApiClient, tmp_path: Path) -> None:
    """Exit 2, and what to do about it."""
    found = await sekisho(door, "eval", "--lock", str(tmp_path / "none.lock"))
    assert found.exit_code == 2, found.output
    assert "apply" in found.stderr


async def test_eval_measures_what_the_lock_means(door: ApiClient, world: World, lock: Path) -> None:
    """Every agent of the lock by every suite of it, and a table at the end; then the run can be read."""
    found = await worked(world, door, "eval", "--lock", str(lock))
    assert found.exit_code == 0, found.output
    assert "recall@5" in found.stdout
    assert "50.0 %" in found.stdout
    page = await world.evaluation.runs(VIEWER, "default", limit=5)
    (only,) = page.items
    assert "en over ja" in (await sekisho(door, "run", "report", only.id)).stdout
    assert "finished" in (await sekisho(door, "run", "list")).stdout
    assert only.id in (await sekisho(door, "run", "show", only.id)).stdout


async def test_a_regression_exits_with_1(door: ApiClient, world: World) -> None:
    """`compare` fails a build where a metric got worse beyond doubt, and not the other way round."""
    good = await worked(world, door, "eval", "agent/docs@latest", "--suite", "suite/docs-retrieval@latest")
    world.index.texts = lambda _query: []
    bad = await worked(world, door, "eval", "agent/docs@latest", "--suite", "suite/docs-retrieval@latest")
    assert (good.exit_code, bad.exit_code) == (0, 0), bad.output
    ended = (await world.evaluation.runs(VIEWER, "default", limit=5)).items
    means = {item.id: item.summary["metrics"]["mrr"]["mean_bp"] for item in ended if item.summary}
    worse, better = sorted(means, key=means.__getitem__)
    regressed = await sekisho(door, "compare", better, worse)
    assert regressed.exit_code == 1
    assert "worse by" in regressed.stdout
    assert (await sekisho(door, "compare", worse, better)).exit_code == 0


async def test_recorded_answers_are_sent_and_scored(door: ApiClient, world: World, tmp_path: Path) -> None:
    """`--answers` puts the file and asks for a run of it, which says that it is imported."""
    file = tmp_path / "answers.jsonl"
    file.write_text("".join(json.dumps({"id": row["id"], "retrieved": row["gold"]}) + "\n" for row in rows()))
    words = ("eval", "agent/docs@latest", "--suite", "suite/docs-retrieval@latest", "--answers", str(file))
    content = file.read_bytes()
    world.catalogue.blobs[digest_of_bytes(content)] = content  # this world's catalogue is not the server's registry
    found = await worked(world, door, *words)
    assert found.exit_code == 0, found.output
    (only,) = (await world.evaluation.runs(VIEWER, "default", limit=5)).items
    assert only.origin.value == "imported"
    assert only.summary is not None
    assert only.summary["metrics"]["recall@5"]["mean_bp"] == 10_000


async def test_an_answers_file_for_other_cases_is_refused(door: ApiClient, world: World, tmp_path: Path) -> None:
    """Exit 2 and the line; nothing is queued."""
    file = tmp_path / "answers.jsonl"
    file.write_text('{"id": "nobody", "answer": "x"}\n')
    content = file.read_bytes()
    world.catalogue.blobs[digest_of_bytes(content)] = content
    words = ("eval", "agent/docs@latest", "--suite", "suite/docs-retrieval@latest", "--answers", str(file))
    found = await sekisho(door, *words)
    assert found.exit_code == 2, found.output
    assert "line 1" in found.stderr
    assert (await world.evaluation.runs(VIEWER, "default", limit=5)).items == ()


async def test_an_inconclusive_run_exits_with_3(door: ApiClient, world: World) -> None:
    """Nothing could be scored: neither passed nor failed."""
    world.catalogue.add_dataset([{"id": "a", "question": "question 0 in en", "slices": {"language": "en"}}])
    world.suite("bare")
    found = await worked(world, door, "eval", "agent/docs@latest", "--suite", "suite/bare@latest")
    assert found.exit_code == 3, found.output


async def test_the_suite_schema_is_printed(door: ApiClient) -> None:
    """JSON on standard output, for an editor."""
    found = await sekisho(door, "suite", "schema")
    assert json.loads(found.stdout[found.stdout.index("{") :])["$schema"].startswith("https://json-schema.org/")
    assert "ndcg@k" in (await sekisho(door, "scorers")).stdout


async def test_a_replay_says_by_its_exit_code_whether_the_bytes_are_the_same(door: ApiClient, world: World) -> None:
    """0 the same, 1 with the first difference named, 4 where it cannot be replayed."""
    await worked(world, door, "eval", "agent/docs@latest", "--suite", "suite/docs-retrieval@latest")
    (run,) = (await world.evaluation.runs(VIEWER, "default", limit=5)).items
    same = await worked(world, door, "run", "replay", run.id)
    assert same.exit_code == 0, same.output
    assert "the same bytes: 12 results" in same.stdout
    world.index.texts = lambda _query: []
    other = await worked(world, door, "run", "replay", run.id)
    assert other.exit_code == 1, other.output
    assert "case q-00-en" in other.stdout
    assert (await sekisho(door, "run", "replay", "nothing")).exit_code == 2

    async def gone(_project: str, _digest: str) -> Any:
        raise NotFound("the index is not built on this worker")

    world.evaluation.indexing.open = gone  # type: ignore[assignment]
    failed = await worked(world, door, "run", "replay", run.id)
    assert failed.exit_code == 4, failed.output
    assert "not built on this worker" in failed.stdout
