"""Licence scans: the server reads the bytes itself, and keeps what it found."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api_client import ApiClient
from tests.ledger.by_hand import problems_after
from tests.problems import problem
from tests.registry.manifests import PAGE, corpus, dataset, put, register, register_agent

from sekisho.kernel.digests import digest_of_bytes

SCANS = "/v1/projects/default/licence-scans"
TAGGED = b"---\nlicense: CC-BY-NC-4.0\n---\n# A page\n"
ROWS = b'{"id": "a", "question": "Why?", "language": "en", "license": "ODbL-1.0"}\n'


@pytest.fixture
async def author(api: ApiClient) -> dict[str, str]:
    """Who has registered an agent and all that it is made of."""
    actor = await api.services.identity.authenticate(await api.token_for("author"))
    await register_agent(api.services.registry, actor)
    return await api.role("author")


async def scan(api: ApiClient, headers: dict[str, str], subject: str = "agent/docs@latest") -> dict[str, Any]:
    answer = await api.post(SCANS, json={"subject": subject}, headers=headers)
    assert answer.status_code == 200, answer.text
    return {item["subject"]: item for item in answer.json()["items"]}


async def test_a_viewer_does_not_scan(api: ApiClient, author: dict[str, str]) -> None:
    """What is measured is asked for by whoever may evaluate."""
    problem(
        await api.post(SCANS, json={"subject": "agent/docs@v1"}, headers=await api.role("viewer")), 403, "forbidden"
    )


async def test_every_licensed_part_of_the_closure_is_scanned(api: ApiClient, author: dict[str, str]) -> None:
    """Manifests, and what came with the model and the embedder; bound to each part's digest."""
    found = await scan(api, author)
    assert set(found) == {"corpus/docs", "index/docs", "model/docs"}
    said = {label: {(one["source"], one["said"]) for one in item["findings"]} for label, item in found.items()}
    assert said["corpus/docs"] == {("manifest", "CC-BY-4.0")}
    assert said["model/docs"] == {("manifest", "Apache-2.0"), ("package", "Apache-2.0")}
    assert all(item["origin"] == "measured" for item in found.values())
    listed = await api.get(SCANS, params={"subject": "agent/docs@v1"}, headers=await api.role("viewer"))
    assert {item["id"] for item in listed.json()["items"]} == {item["id"] for item in found.values()}


async def test_scanning_again_keeps_nothing_twice(api: ApiClient, author: dict[str, str]) -> None:
    """The bytes are the same, and so is what was found."""
    first = await scan(api, author)
    api.services.clock.advance(1)  # type: ignore[attr-defined]
    second = await scan(api, author)
    assert {label: item["id"] for label, item in second.items()} == {label: item["id"] for label, item in first.items()}


async def test_documents_and_rows_are_read(api: ApiClient, author: dict[str, str]) -> None:
    """What a page or a row says of itself stands beside what the manifest declares."""
    actor = await api.services.identity.authenticate(await api.token_for("author"))
    await put(api.services.registry, actor, TAGGED, ROWS)
    await register(api.services.registry, actor, "corpus/tagged", corpus(TAGGED))
    fields = ["id", "language", "license", "question"]
    await register(api.services.registry, actor, "dataset/rows", dataset(ROWS, cases=1, fields=fields))
    pages = (await scan(api, author, "corpus/tagged@v1"))["corpus/tagged"]["findings"]
    rows = (await scan(api, author, "dataset/rows@v1"))["dataset/rows"]["findings"]
    assert {"source": "document", "place": "en/a.md", "said": "CC-BY-NC-4.0", "count": 1,
            "alternatives": [["CC-BY-NC-4.0"]]} in pages  # fmt: skip
    assert [(one["place"], one["said"]) for one in rows if one["source"] == "document"] == [("line 1", "ODbL-1.0")]


async def test_the_gate_reads_what_was_scanned(api: ApiClient, author: dict[str, str]) -> None:
    """Unscanned, LIC-01 says so and how to mend it; scanned, it passes; a page under another licence fails it."""

    async def lic(subject: str) -> dict[str, Any]:
        body = {"subject": subject, "stage": "staging", "dry_run": True}
        answer = (await api.post("/v1/projects/default/promotions", json=body, headers=author)).json()
        (found,) = [rule for rule in answer["decision"]["rules"] if rule["id"] == "LIC-01"]
        return dict(found)

    before = await lic("agent/docs@v1")
    assert before["status"] == "missing"
    assert "sekisho licence scan default/agent/docs@sha256:" in before["remedy"]
    await scan(api, author)
    assert (await lic("agent/docs@v1"))["status"] == "passed"
    actor = await api.services.identity.authenticate(await api.token_for("author"))
    await put(api.services.registry, actor, TAGGED)
    await register(api.services.registry, actor, "corpus/tagged", corpus(TAGGED))
    await scan(api, author, "corpus/tagged@v1")
    after = await lic("corpus/tagged@v1")
    assert (after["status"], after["observed"]) == ("failed", "CC-BY-NC-4.0")


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE licence_scans SET findings = replace(findings, 'CC-BY-4.0', 'CC0-1.0')", "content is"),
        (f"UPDATE licence_scans SET subject = '{digest_of_bytes(PAGE)}'", "subject is"),
        ("DELETE FROM licence_scans", "is gone"),
    ],
)
async def test_a_scan_edited_in_sql_is_found_out(
    api: ApiClient, author: dict[str, str], statement: str, named: str
) -> None:
    """`ledger verify` holds every scan to what the ledger says of it."""
    await scan(api, author)
    found = await problems_after(api.services.ledger, statement)
    assert any("licence scan" in one and named in one for one in found), found
