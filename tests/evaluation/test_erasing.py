"""Erasing a document: nothing of its words is left in the project, and the ledger still verifies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from sekisho.evaluation.erasing import commitment_of
from sekisho.inference.store import ModelCallStore
from sekisho.inference.types import Kept
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.database import Base
from sekisho.kernel.digests import digest_of, digest_of_bytes
from sekisho.kernel.errors import Revoked
from sekisho.worker.process import handlers
from tests.api_client import ApiClient
from tests.indexing.embedders import HashedWords
from tests.problems import problem

HERE = "/v1/projects/{}"
SECRET = b"# Ada\n\nThe zanzibarium of Ada Lovelace is kept in drawer nineteen.\n"
WORD = "zanzibarium"
OTHER = b"# Gate\n\nThe gate asks the policy engine.\n"
CASES = b'{"id": "a", "question": "Who asks the engine?", "gold": ["The gate asks the policy engine."]}\n'
QUOTING = (
    b'{"id": "a", "question": "Where?", "gold": ["The zanzibarium of Ada Lovelace is kept in drawer nineteen."]}\n'
)


class Office:
    """What an author does in a project, and what its worker does."""

    def __init__(self, api: ApiClient, project: str = "default") -> None:
        self.api, self.project, self.here = api, project, HERE.format(project)
        api.services.indexing.inference._embedders["minilm"] = HashedWords()

    async def headers(self, role: str = "author") -> dict[str, str]:
        return await self.api.role(role, project=self.project, name=f"{role}-{self.project}")

    async def post(self, tail: str, body: dict[str, Any]) -> Any:
        answer = await self.api.post(f"{self.here}/{tail}", json=body, headers=await self.headers())
        assert answer.is_success, answer.text
        return answer.json()

    async def get(self, tail: str) -> Any:
        answer = await self.api.get(f"{self.here}/{tail}", headers=await self.headers())
        assert answer.is_success, answer.text
        return answer.json()

    async def put(self, data: bytes) -> str:
        digest = digest_of_bytes(data)
        raw = {**await self.headers(), "content-type": "application/octet-stream"}
        answer = await self.api.put(f"{self.here}/blobs/{digest}", content=data, headers=raw)
        assert answer.is_success, answer.text
        return digest

    async def register(self, kind: str, name: str, **manifest: Any) -> str:
        body = {"manifest": {"schema": f"sekisho.{kind}/v1", **manifest}}
        return str((await self.post(f"artifacts/{kind}/{name}/versions", body))["version"]["digest"])

    async def corpus(self, documents: dict[str, bytes], name: str = "people") -> str:
        files = [
            {"path": path, "digest": await self.put(data), "bytes": len(data), "media_type": "text/markdown"}
            for path, data in documents.items()
        ]
        return await self.register("corpus", name, files=files, licence="MIT")

    async def dataset(self, name: str, cases: bytes) -> str:
        fields = sorted(json.loads(cases))
        content = await self.put(cases)
        return await self.register("dataset", name, content=content, cases=1, fields=fields, licence="MIT")

    async def build(self, corpus: str, mode: str = "hybrid") -> str:
        job = await self.post("builds", {"name": "people", "corpus": corpus, "retriever": {"mode": mode, "k": 2}})
        await self.work("build")
        return str((await self.get(f"builds/{job['id']}"))["result"]["digest"])

    async def work(self, kind: str) -> None:
        services = self.api.services
        job = await services.jobs.claim([kind], "worker-1")
        assert job is not None
        await handlers(services)[kind](job)

    async def erase(self, document: str = "ada.md", *, with_datasets: bool = False) -> Any:
        body = {"corpus": "corpus/people", "document": document, "reason": "request 17", "with_datasets": with_datasets}
        answer = await self.api.post(f"{self.here}/erasures", json=body, headers=await self.headers("operator"))
        assert answer.status_code == 202, answer.text
        return answer.json()


@pytest.fixture
def office(api: ApiClient) -> Office:
    return Office(api)


async def everything(api: ApiClient) -> str:
    """Every row of every table, as text; bytes too."""
    found = []
    async with api.services.database.read() as tx:
        for table in Base.metadata.sorted_tables:
            found += [f"{table.name} {tuple(row)!r}" for row in (await tx.execute(select(table))).all()]
    return "\n".join(line for line in found if WORD in line)


def files_with_it(folder: Path) -> list[str]:
    """Names of files of the worker's stores that have the word in their bytes."""
    places = [path for name in ("chroma", "bm25") for path in (folder / name).rglob("*") if path.is_file()]
    return [path.name for path in places if WORD.encode() in path.read_bytes()]


async def world(office: Office) -> dict[str, str]:
    """A corpus with a secret, an index of it that was searched and measured, and a cached call about it."""
    corpus = await office.corpus({"ada.md": SECRET, "gate.md": OTHER})
    index = await office.build(corpus)
    search = await office.post("searches", {"index": "index/people", "query": "What is in drawer nineteen?"})
    await office.work("search")
    dataset = await office.dataset("questions", CASES)
    suite = await office.register(
        "suite", "finding", dataset=dataset, target="retrieval", scorers=[{"name": "recall", "params": {"k": 2}}]
    )
    run = await office.post("runs", {"suite": f"suite/finding@{suite}", "subject": f"index/people@{index}"})
    await office.work("run")
    services = office.api.services
    async with services.database.write() as tx:
        answer = {"text": f"The {WORD} is in drawer nineteen.", "tokens_in": 1, "tokens_out": 1, "latency_ms": 1}
        call = Kept(digest_of("a call"), digest_of("a model"), {**answer, "finish": "stop"})
        await ModelCallStore(tx).insert_if_absent([call], epoch_ms(services.clock.now()))
    return {"corpus": corpus, "index": index, "search": search["id"], "run": run["id"]}


async def test_an_author_may_not_erase(office: Office) -> None:
    """It takes an operator or an administrator; what is not there is told."""
    await office.corpus({"ada.md": SECRET})
    body = {"corpus": "corpus/people", "document": "ada.md", "reason": "request 17"}
    path = f"{office.here}/erasures"
    problem(await office.api.post(path, json=body, headers=await office.headers()), 403, "forbidden")
    operator = await office.headers("operator")
    absent = {**body, "document": "bob.md"}
    problem(await office.api.post(path, json=absent, headers=operator), 404, "not-found")
    problem(await office.api.post(path, json={**body, "corpus": "index/people"}, headers=operator), 400, "invalid")


async def test_nothing_of_an_erased_document_is_left(office: Office) -> None:
    """Not in a row of any table, nor in a file of the vector and term stores."""
    api = office.api
    there = await world(office)
    before = await everything(api)
    assert {line.split()[0] for line in before.splitlines()} == {"blobs", "case_results", "jobs", "model_calls"}
    folder = api.services.settings.data_dir
    assert files_with_it(folder)
    done = await office.erase()
    await office.work("erase")
    assert await everything(api) == ""
    assert files_with_it(folder) == []
    assert not [path for path in (folder / "chroma").iterdir() if path.is_dir()]  # no vectors either
    result = (await office.api.get(f"{office.here}/erasures/{done['job_id']}", headers=await office.headers())).json()
    assert result["state"] == "done"
    assert result["result"] == {
        "indexes": 1, "kept_for_other_projects": 0, "runs": 1, "cases": 1, "answer_files": 0, "model_calls": 1,
        "searches": 1, "drafts": 0,
    }  # fmt: skip
    for label in (f"corpus/people/versions/{there['corpus']}", f"index/people/versions/{there['index']}"):
        assert (await office.get(f"artifacts/{label}"))["revoked"] is True
    run = await office.get(f"runs/{there['run']}")
    assert (run["state"], run.get("summary")) == ("cancelled", None)
    assert "erased" in run["reason"]
    assert (await office.get("builds"))["items"] == []


async def test_the_ledger_keeps_a_commitment_that_only_the_salt_opens(office: Office) -> None:
    """It verifies, names no document, and with the salt anybody sees what the commitment is to."""
    await world(office)
    done = await office.erase()
    await office.work("erase")
    services = office.api.services
    admin = await services.identity.authenticate(office.api.admin_token)
    assert (await services.ledger.verify(admin)).problems == ()
    entries = (await services.ledger.entries(admin, newest_first=True, limit=2)).items
    assert [entry.kind for entry in entries] == ["document.erasure_done", "document.erased"]
    assert entries[1].body["commitment"] == done["commitment"]
    assert "ada.md" not in json.dumps([dict(entry.body) for entry in entries])
    assert done["salt"] not in json.dumps([dict(entry.body) for entry in entries])
    opened = commitment_of(done["salt"], "default", "people", "ada.md", [digest_of_bytes(SECRET)])
    assert opened == done["commitment"]


async def test_an_erased_document_does_not_come_back(office: Office) -> None:
    """Neither by putting its bytes again, nor by registering or building what had it; the rest does."""
    corpus = await office.corpus({"ada.md": SECRET, "gate.md": OTHER})
    await office.erase()
    await office.put(SECRET)
    blob = await office.api.get(f"{office.here}/blobs/{digest_of_bytes(SECRET)}", headers=await office.headers())
    problem(blob, 404, "not-found")
    file = {"path": "ada.md", "digest": digest_of_bytes(SECRET), "bytes": len(SECRET), "media_type": "text/plain"}
    manifest = {"schema": "sekisho.corpus/v1", "files": [file], "licence": "MIT"}
    again = await office.api.post(
        f"{office.here}/artifacts/corpus/again/versions", json={"manifest": manifest}, headers=await office.headers()
    )
    assert "was erased" in problem(again, 400, "invalid")["errors"][0]["message"]
    assert "PUT" not in again.text  # to put it again would be no help
    await office.post("builds", {"name": "people", "corpus": corpus, "retriever": {"mode": "dense"}})
    with pytest.raises(Exception, match="erased"):
        await office.work("build")
    assert await office.corpus({"gate.md": OTHER})


async def test_every_text_that_the_document_ever_had_is_erased(office: Office) -> None:
    """Also of older versions, and of corpora under other names that hold the same text."""
    old = await office.corpus({"ada.md": b"An older text of Ada.", "gate.md": OTHER})
    new = await office.corpus({"ada.md": SECRET, "gate.md": OTHER})
    copy = await office.corpus({"copied.md": SECRET}, name="copies")
    apart = await office.corpus({"gate.md": OTHER}, name="apart")
    done = await office.erase()
    assert set(done["texts"]) == {digest_of_bytes(SECRET), digest_of_bytes(b"An older text of Ada.")}
    revoked = {
        digest: (await office.get(f"artifacts/corpus/{name}/versions/{digest}"))["revoked"]
        for name, digest in (("people", old), ("people", new), ("copies", copy), ("apart", apart))
    }
    assert revoked == {old: True, new: True, copy: True, apart: False}


async def test_another_projects_copy_stays_its_own(office: Office) -> None:
    """The same index stands in both projects and shares a collection: it goes with the last of them."""
    api = office.api
    admin = {"Authorization": f"Bearer {api.admin_token}"}
    assert (await api.post("/v1/projects", json={"name": "second"}, headers=admin)).is_success
    second = Office(api, "second")
    for one in (office, second):
        await one.build(await one.corpus({"ada.md": SECRET, "gate.md": OTHER}))
    await office.erase()
    await office.work("erase")
    search = await second.post("searches", {"index": "index/people", "query": "drawer nineteen"})
    await second.work("search")
    hits = (await second.get(f"searches/{search['id']}"))["result"]["hits"]
    assert any(WORD in hit["text"] for hit in hits)
    await second.erase()
    await second.work("erase")
    assert await everything(api) == ""
    assert files_with_it(api.services.settings.data_dir) == []


async def test_a_run_that_waits_is_stopped_first(office: Office) -> None:
    """It would read an index that is no more."""
    there = await world(office)
    run = await office.post("runs", {"suite": "suite/finding@latest", "subject": f"index/people@{there['index']}"})
    await office.erase()
    await office.work("erase")
    assert (await office.get(f"runs/{run['id']}"))["state"] == "cancelled"
    assert await office.api.services.jobs.claim(["run"], "worker-1") is None


async def test_a_dataset_that_quotes_the_document_is_named(office: Office) -> None:
    """Policy may pin it, so a person decides about it."""
    await office.corpus({"ada.md": SECRET})
    await office.dataset("quoting", QUOTING)
    await office.dataset("other", CASES)
    done = await office.erase()
    assert (done["quoted_by"], done["datasets"]) == (["default/dataset/quoting@v1"], [])
    assert WORD in await everything(office.api)


async def test_datasets_that_quote_it_go_too_where_that_was_asked_for(office: Office) -> None:
    """Their cases are blanked and they are revoked, with the rows of all runs over them; others stay."""
    await world(office)
    quoting = await office.dataset("quoting", QUOTING)
    assert await office.dataset("again", QUOTING) == quoting
    apart = await office.corpus({"gate.md": OTHER}, name="apart")
    job = await office.post("builds", {"name": "apart", "corpus": apart, "retriever": {"mode": "bm25", "k": 2}})
    await office.work("build")
    other = (await office.get(f"builds/{job['id']}"))["result"]["digest"]
    suite = await office.register(
        "suite", "quoting", dataset=quoting, target="retrieval", scorers=[{"name": "recall", "params": {"k": 2}}]
    )
    run = await office.post("runs", {"suite": f"suite/quoting@{suite}", "subject": f"index/apart@{other}"})
    await office.work("run")
    done = await office.erase(with_datasets=True)
    assert (done["quoted_by"], done["datasets"]) == ([], ["default/dataset/again@v1", "default/dataset/quoting@v1"])
    await office.work("erase")
    assert await everything(office.api) == ""
    assert (await office.get(f"runs/{run['id']}"))["state"] == "cancelled"
    for name, revoked in (("quoting", True), ("again", True), ("questions", False)):
        assert (await office.get(f"artifacts/dataset/{name}/versions/latest"))["revoked"] is revoked, name
    assert (await office.get(f"artifacts/index/apart/versions/{other}"))["revoked"] is False


async def test_datasets_named_by_an_erasure_can_go_afterwards(office: Office) -> None:
    """A person decides about them when the text to look for is gone already."""
    await office.corpus({"ada.md": SECRET})
    await office.dataset("quoting", QUOTING)
    await office.erase()
    await office.work("erase")
    done = await office.erase(with_datasets=True)
    await office.work("erase")
    assert done["datasets"] == ["default/dataset/quoting@v1"]
    assert await everything(office.api) == ""


async def test_an_erased_index_is_said_to_be_revoked(office: Office) -> None:
    """A search of it is not told to build it again."""
    index = await office.build(await office.corpus({"ada.md": SECRET}))
    await office.erase()
    await office.work("erase")
    await office.post("searches", {"index": index, "query": "Who?"})
    with pytest.raises(Revoked, match="is revoked"):
        await office.work("search")


async def test_drafts_answers_and_comparisons_of_it_go_as_well(office: Office) -> None:
    """What was proposed from the corpus, recorded of its index, or found by a comparison holds its words too."""
    corpus = await office.corpus({"ada.md": SECRET, "gate.md": OTHER})
    index = await office.build(corpus)
    await office.post("drafts", {"corpus": "corpus/people", "size": 5})
    await office.work("draft")
    other = await office.build(corpus, "bm25")
    await office.post("index-comparisons", {"before": f"index/people@{index}", "after": f"index/people@{other}"})
    await office.work("compare")
    dataset = await office.dataset("questions", CASES)
    suite = await office.register(
        "suite", "finding", dataset=dataset, target="retrieval", scorers=[{"name": "recall", "params": {"k": 2}}]
    )
    recorded = {"id": "a", "answer": f"The {WORD}.", "retrieved": [SECRET.decode()]}
    answers = await office.put(json.dumps(recorded).encode())
    asked = {"suite": f"suite/finding@{suite}", "subject": f"index/people@{index}", "answers": answers}
    await office.post("runs", asked)
    await office.work("run")
    assert {line.split()[0] for line in (await everything(office.api)).splitlines()} >= {"blobs", "case_results"}
    done = await office.erase()
    await office.work("erase")
    assert await everything(office.api) == ""
    result = (await office.get(f"erasures/{done['job_id']}"))["result"]
    assert (result["drafts"], result["answer_files"], result["searches"]) == (1, 1, 1)


async def test_erasing_again_is_harmless(office: Office) -> None:
    """A job that failed half way is asked for again."""
    await world(office)
    await office.erase()
    await office.work("erase")
    await office.erase()
    await office.work("erase")
    assert await everything(office.api) == ""
