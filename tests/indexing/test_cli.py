"""Looking at indexes from the command line: verify one or all, search and why."""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import Result

from sekisho.cli.indexing import commands
from sekisho.indexing.types import RRF_K
from tests.api_client import ApiClient
from tests.identity.commands import run
from tests.indexing.tampering import raw_collection, rewrite
from tests.indexing.test_api import BUILD, get, post, put_corpus, work


async def worked(api: ApiClient, *words: str) -> Result:
    """A command that waits for its jobs, with a worker beside it."""
    command = asyncio.create_task(run(api, await api.token_for("author"), commands, *words))
    while not command.done():
        job = await api.services.jobs.claim(["build", "verify", "search"], "worker-1")
        if job is not None:
            await getattr(api.services.indexing, job.kind)(job)
        await asyncio.sleep(0.02)
    return await command


@pytest.fixture
async def digest(api: ApiClient) -> str:
    """An index of two chunks."""
    await put_corpus(api)
    queued = await post(api, "builds", BUILD)
    await work(api, "build")
    job = await api.services.jobs.one("default", queued["id"])
    assert job.result is not None
    return str(job.result["digest"])


def spoil(api: ApiClient, digest: str) -> str:
    """Rewrite a chunk behind Sekisho's back; gives its id."""
    collection = raw_collection(api.services.indexing.vectors, digest)
    [victim] = collection.get(limit=1)["ids"]
    rewrite(collection, victim)
    return str(victim)


async def test_the_help_says_the_damping_that_is_used(api: ApiClient) -> None:
    """The figure is the one that a recipe without one gets."""
    found = await run(api, await api.token_for("author"), commands, "index", "build", "--help")
    assert f"[default: {RRF_K}]" in " ".join(found.output.split())


async def test_a_build_is_cancelled_by_the_id_that_it_is_told_by(api: ApiClient) -> None:
    """Also when the terminal that began it is gone; one that is over cannot be ended any more."""
    await put_corpus(api)
    queued = await post(api, "builds", BUILD)
    token = await api.token_for("author")
    ended = await run(api, token, commands, "index", "cancel", queued["id"])
    assert ended.exit_code == 0
    assert f"build {queued['id']} is cancelled" in ended.output
    assert (await get(api, f"builds/{queued['id']}"))["state"] == "cancelled"
    unknown = await run(api, token, commands, "index", "cancel", "none")
    assert unknown.exit_code == 2


async def test_a_build_tells_its_id(api: ApiClient) -> None:
    """On standard error, so that it can be ended from elsewhere."""
    await put_corpus(api)
    built = await worked(api, "index", "build", "docs", "--corpus", str(BUILD["corpus"]), "--retriever", "bm25")
    assert built.exit_code == 0, built.output
    [job] = [line for line in built.stderr.splitlines() if line.startswith("build ")]
    assert len(job.split()[1]) == 36


async def test_a_version_of_another_kind_is_told_which_is_wanted(api: ApiClient) -> None:
    """By the kind's own name."""
    await put_corpus(api)
    found = await run(api, await api.token_for("author"), commands, "index", "verify", "corpus/handbook@latest")
    assert found.exit_code == 2
    assert "name one of kind index" in found.output


async def test_one_index_or_all(api: ApiClient) -> None:
    """Neither, or both, is a usage error."""
    for words in ((), ("index/docs", "--all")):
        result = await worked(api, "index", "verify", *words)
        assert result.exit_code == 2
        assert "--all" in result.output


async def test_drift_of_any_index_is_exit_code_1(api: ApiClient, digest: str) -> None:
    """All of them are looked at, each is said; one that drifted decides the exit code."""
    sound = await worked(api, "index", "verify", "--all", "--deep")
    assert sound.exit_code == 0, sound.output
    assert "2 embedded again" in " ".join(sound.stdout.split())
    victim = spoil(api, digest)
    drifted = await worked(api, "index", "verify", "--all", "--json")
    assert drifted.exit_code == 1
    [item] = json.loads(drifted.stdout)["items"]
    assert item["drift"]["altered_chunks"] == [victim]
    told = await worked(api, "index", "verify", "index/docs")
    assert told.exit_code == 1
    assert victim in told.stdout


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--path-prefix", "en/", "--language", "en", "--licence", "Apache-2.0"), True),
        (("--since", "2026-03-01", "--until", "2026-03-01"), True),
        (("--since", "2026-03-02"), False),
        (("--until", "2026-02-28"), False),
        (("--licence", "MIT", "--licence", "GPL-3.0-only"), False),
        (("--path-prefix", "ja/"), False),
    ],
)
async def test_a_search_is_limited_by_its_options(
    api: ApiClient, digest: str, words: tuple[str, ...], found: bool
) -> None:
    """The document changed on the first of March and is under its corpus's licence."""
    result = await worked(api, "index", "search", digest, "Who cannot approve?", *words, "--json")
    assert result.exit_code == 0, result.output
    assert bool(json.loads(result.stdout)["hits"]) is found


async def test_a_built_index_keeps_the_filter_of_its_options(api: ApiClient, digest: str) -> None:
    """In its manifest, so it is another index, and every search of it is limited; what makes no sense is refused."""
    only = ("--licence", "MIT", "--licence", "Apache-2.0", "--since", "2026-01-01")
    built = await worked(api, "index", "build", "part", "--corpus", "corpus/handbook", *only, "--json")
    assert built.exit_code == 0, built.output
    other = json.loads(built.stdout)["digest"]
    assert other != digest
    shown = await get(api, f"artifacts/index/part/versions/{other}")
    assert shown["manifest"]["retriever"]["filter"] == {
        "licences": ["Apache-2.0", "MIT"], "since": 1_767_225_600_000,
    }  # fmt: skip
    upside = ("--since", "2026-02-01", "--until", "2026-01-01")
    refused = await worked(api, "index", "build", "part", "--corpus", "corpus/handbook", *upside)
    assert refused.exit_code == 2
    assert "$.retriever.filter.until" in refused.output


async def test_a_search_says_why(api: ApiClient, digest: str) -> None:
    """Ranks and scores by vectors and by terms, and the terms in common."""
    result = await worked(api, "index", "search", digest, "Who cannot approve?", "--why")
    assert result.exit_code == 0, result.output
    assert "by vectors: rank 1, cosine" in result.stdout
    assert "by terms: rank 1, BM25" in result.stdout
    assert "approve" in result.stdout
