"""The REST door of indexing and of inference's models."""

from __future__ import annotations

from typing import Any

import pytest

from sekisho.inference import extractive
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.jobs import Job
from tests.api_client import ApiClient
from tests.indexing.embedders import HashedWords
from tests.problems import problem

TEXT = b"# Gate\n\nThe gate asks the policy engine.\n\n# Approval\n\nServices cannot approve.\n"
CHANGED = 1_772_366_400_000  # 2026-03-01T12:00:00Z
BUILD = {"name": "docs", "corpus": "corpus/handbook@latest", "retriever": {"mode": "hybrid", "k": 2}}


async def author(api: ApiClient) -> dict[str, str]:
    return await api.role("author")


async def put_corpus(api: ApiClient) -> None:
    headers = await author(api)
    digest = digest_of_bytes(TEXT)
    file: dict[str, Any] = {"path": "en/gate.md", "digest": digest, "bytes": len(TEXT), "media_type": "text/markdown"}
    file["time"] = CHANGED
    manifest = {"schema": "sekisho.corpus/v1", "files": [file], "licence": "Apache-2.0"}
    raw = {**headers, "content-type": "application/octet-stream"}
    put = await api.put(f"/v1/projects/default/blobs/{digest}", content=TEXT, headers=raw)
    assert put.status_code == 204, put.text
    made = await api.post(
        "/v1/projects/default/artifacts/corpus/handbook/versions", json={"manifest": manifest}, headers=headers
    )
    assert made.status_code == 201, made.text


async def work(api: ApiClient, kind: str) -> Job:
    """What the worker does."""
    indexing = api.services.indexing
    indexing.inference._embedders["minilm"] = HashedWords()
    job = await api.services.jobs.claim([kind], "worker-1")
    assert job is not None
    await getattr(indexing, kind)(job)
    return job


async def post(api: ApiClient, tail: str, body: dict[str, Any], status: int = 202) -> dict[str, Any]:
    response = await api.post(f"/v1/projects/default/{tail}", json=body, headers=await author(api))
    assert response.status_code == status, response.text
    return dict(response.json())


async def get(api: ApiClient, tail: str) -> dict[str, Any]:
    response = await api.get(f"/v1/projects/default/{tail}", headers=await author(api))
    assert response.status_code == 200, response.text
    return dict(response.json())


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"surprise": 1}, "$.surprise"),
        ({"retriever": {"mode": "magic"}}, "$.retriever.mode"),
        ({"chunker": {"max_tokens": 1}}, "$.chunker.max_tokens"),
        ({"embedder": "word2vec"}, "$.embedder"),
    ],
)
async def test_a_build_that_cannot_be_is_refused(api: ApiClient, change: dict[str, Any], path: str) -> None:
    """With the path of the offending field."""
    await put_corpus(api)
    response = await api.post("/v1/projects/default/builds", json={**BUILD, **change}, headers=await author(api))
    body = problem(response, 400, "invalid")
    assert path in [error["path"] for error in body["errors"]]


async def test_a_build_takes_a_role_that_registers(api: ApiClient) -> None:
    """No token, a viewer's token, and a stranger to the project."""
    await put_corpus(api)
    problem(await api.post("/v1/projects/default/builds", json=BUILD), 401, "unauthenticated")
    viewer = await api.role("viewer")
    problem(await api.post("/v1/projects/default/builds", json=BUILD, headers=viewer), 403, "forbidden")
    problem(await api.post("/v1/projects/secret/builds", json=BUILD, headers=viewer), 404, "not-found")


async def test_an_index_is_built_verified_and_searched(api: ApiClient) -> None:
    """Asked for through the API, done by a worker, read through the API."""
    await put_corpus(api)
    queued = await post(api, "builds", BUILD)
    assert queued["state"] == "queued"
    await work(api, "build")
    built = await get(api, f"builds/{queued['id']}")
    assert built["state"] == "done"
    assert built["progress"]["done"] == built["result"]["chunks"] == 2
    [record] = (await get(api, "builds"))["items"]
    assert record["digest"] == built["result"]["digest"]
    assert record["integrity"] == "verified"

    verification = await post(api, "verifications", {"index": built["result"]["reference"]})
    await work(api, "verify")
    verified = await get(api, f"verifications/{verification['id']}")
    assert verified["result"]["integrity"] == "verified"

    search = await post(api, "searches", {"index": "index/docs", "query": "Who cannot approve?", "k": 1})
    await work(api, "search")
    found = await get(api, f"searches/{search['id']}")
    assert [hit["heading"] for hit in found["result"]["hits"]] == ["Approval"]


async def test_a_search_is_limited_to_documents_of_a_licence_and_a_time(api: ApiClient) -> None:
    """The filter goes with the search; one that makes no sense is refused, naming the field."""
    await put_corpus(api)
    await post(api, "builds", BUILD)
    await work(api, "build")
    search = {"index": "index/docs", "query": "Who cannot approve?"}
    for only, found in (
        ({"licences": ["Apache-2.0"], "since": CHANGED, "until": CHANGED}, True),
        ({"licences": ["MIT"]}, False),
        ({"since": CHANGED + 1}, False),
    ):
        queued = await post(api, "searches", {**search, "filter": only})
        await work(api, "search")
        result = (await get(api, f"searches/{queued['id']}"))["result"]
        assert bool(result["hits"]) is found, only
    headers = await author(api)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "$.filter"),
        ({"since": 2, "until": 1}, "$.filter.until"),
        ({"since": "soon"}, "$.filter.since"),
    ]
    for asked, path in wrong:
        refused = await api.post("/v1/projects/default/searches", json={**search, "filter": asked}, headers=headers)
        assert path in [error["path"] for error in problem(refused, 400, "invalid")["errors"]], refused.text


async def test_a_queued_build_is_cancelled_at_once(api: ApiClient) -> None:
    """Nobody works on it yet, so it ends without a worker; another project does not see it."""
    await put_corpus(api)
    queued = await post(api, "builds", BUILD)
    cancelled = await post(api, f"builds/{queued['id']}/cancel", {}, status=200)
    assert cancelled["state"] == "cancelled"
    missing = await api.get(f"/v1/projects/default/searches/{queued['id']}", headers=await author(api))
    problem(missing, 404, "not-found")


async def test_models_are_listed(api: ApiClient) -> None:
    """A viewer sees what can answer and embed, with digests; a stranger sees no project."""
    response = await api.get("/v1/projects/default/models", headers=await api.role("viewer"))
    [builtin] = response.json()["items"]
    assert builtin["models"][0]["name"] == extractive.NAME
    assert builtin["models"][0]["digest"] == extractive.DIGEST
    problem(await api.get("/v1/projects/default/models"), 401, "unauthenticated")


async def test_a_corpus_is_profiled_by_a_worker(api: ApiClient) -> None:
    """A viewer asks and reads; what is no corpus is refused."""
    await put_corpus(api)
    viewer = await api.role("viewer")
    path = "/v1/projects/default/profiles"
    problem(await api.post(path, json={"corpus": "index/none"}, headers=viewer), 404, "not-found")
    queued = (await api.post(path, json={"corpus": "corpus/handbook"}, headers=viewer)).json()
    await work(api, "profile")
    done = await get(api, f"profiles/{queued['id']}")
    assert done["state"] == "done"
    assert done["result"]["title"] == "default/corpus/handbook@v1"
    assert done["result"]["documents"] == 1
    assert done["result"]["licences"] == [{"name": "Apache-2.0", "documents": 1, "bytes": len(TEXT)}]
    assert done["progress"]["done"] == 1
