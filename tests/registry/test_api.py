"""The registry's REST door."""

from __future__ import annotations

from typing import Any

import pytest

from sekisho.kernel.digests import digest_of_bytes
from tests.api_client import ApiClient
from tests.problems import problem
from tests.registry import manifests

BASE = "/v1/projects/default"
ASK = f"{BASE}/artifacts/prompt/ask"


@pytest.fixture
async def author(api: ApiClient) -> dict[str, str]:
    return await api.role("author")


async def registered(api: ApiClient, author: dict[str, str], template: str = "{{ context }}") -> dict[str, Any]:
    body = {"manifest": manifests.prompt(template), "registration": {"author": "Ada", "labels": {"team": "docs"}}}
    response = await api.post(f"{ASK}/versions", json=body, headers=author)
    assert response.status_code in {200, 201}, response.text
    made: dict[str, Any] = response.json()
    return made


async def test_without_a_token_nothing_is_told(api: ApiClient) -> None:
    """Every operation asks who is there."""
    for path in (f"{BASE}/artifacts", ASK, f"{BASE}/resolve/prompt/ask", f"{BASE}/blobs/{digest_of_bytes(b'x')}"):
        assert (await api.get(path)).status_code == 401


async def test_another_projects_names_answer_404(api: ApiClient, author: dict[str, str]) -> None:
    """A project that the caller has no role in, and one that does not exist, look the same."""
    for path in ("/v1/projects/nowhere/artifacts", "/v1/projects/nowhere/resolve/prompt/ask"):
        assert (await api.get(path, headers=author)).status_code == 404


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"manifest": manifests.prompt(colour="red")}, {"$.colour"}),
        ({"manifest": {}, "registration": {"who": "me"}, "extra": 1}, {"$.extra", "$.registration.who"}),
        ({"manifest": manifests.prompt("{{ ''.__class__ }}", variables={})}, {"$.messages[0].template"}),
        ({"manifest": manifests.prompt(), "registration": {"ci_run": "x"}}, {"$.registration.ci_run"}),
    ],
)
async def test_a_bad_manifest_is_refused_with_its_fields(
    api: ApiClient, author: dict[str, str], body: dict[str, Any], paths: set[str]
) -> None:
    """Problem details name each offending field, and nothing is registered."""
    response = await api.post(f"{ASK}/versions", json=body, headers=author)
    assert response.status_code == 400
    assert response.headers["content-type"].startswith("application/problem+json")
    assert {item["path"] for item in response.json()["errors"]} == paths
    assert (await api.get(ASK, headers=author)).status_code == 404


@pytest.mark.parametrize("tail", ["artifacts/thing/ask", "artifacts/prompt/ASK", "artifacts/prompt/ask/versions/12ab"])
async def test_a_reference_that_is_none_is_refused(api: ApiClient, author: dict[str, str], tail: str) -> None:
    """An unknown kind, a name with capitals, and a digest that is too short."""
    assert (await api.get(f"{BASE}/{tail}", headers=author)).status_code == 400


async def test_a_version_is_registered_listed_and_read(api: ApiClient, author: dict[str, str]) -> None:
    """New content answers 201, the same again 200; versions, registrations and filters tell of it."""
    first = await api.post(f"{ASK}/versions", json={"manifest": manifests.prompt()}, headers=author)
    assert (first.status_code, first.json()["new"]) == (201, True)
    again = await registered(api, author, "Context: {{ context }}")
    assert (again["new"], again["version"]["digest"]) == (False, first.json()["version"]["digest"])
    listed = (await api.get(f"{BASE}/artifacts?kind=prompt&label=team=docs&name_contains=as", headers=author)).json()
    assert [(item["name"], item["versions"], item["labels"]) for item in listed["items"]] == [
        ("ask", 1, {"team": "docs"})
    ]
    version = (await api.get(f"{ASK}/versions/v1", headers=author)).json()
    assert version["manifest"]["schema"] == "sekisho.prompt/v1"
    acts = (await api.get(f"{ASK}/versions/v1/registrations?limit=1", headers=author)).json()
    assert len(acts["items"]) == 1
    more = await api.get(f"{ASK}/versions/v1/registrations?cursor={acts['next_cursor']}", headers=author)
    assert [act["author"] for act in more.json()["items"]] in (["Ada"], [""])
    assert more.json()["next_cursor"] is None


async def test_what_changed_is_shown_both_ways(api: ApiClient, author: dict[str, str]) -> None:
    """Steps with JSON pointers, or a unified diff."""
    await registered(api, author)
    await registered(api, author, "More: {{ context }}")
    steps = (await api.get(f"{ASK}/diff?from=v1&to=v2", headers=author)).json()
    assert steps["changes"] == [
        {"op": "replace", "path": "/messages/0/template", "from": "{{ context }}", "to": "More: {{ context }}"}
    ]
    assert (steps["from"]["number"], steps["to"]["number"]) == (1, 2)
    text = (await api.get(f"{ASK}/diff?from=v1&to=v2&format=text", headers=author)).json()["text"]
    assert "+++ default/prompt/ask@v2" in text
    assert (await api.get(f"{ASK}/diff?from=v1&to=v2&format=html", headers=author)).status_code == 400


async def test_resolve_answers_its_own_etag_with_304(api: ApiClient, author: dict[str, str]) -> None:
    """The same ETag gives no body until the answer changes."""
    await registered(api, author)
    path = f"{BASE}/resolve/prompt/ask?selector=latest"
    first = await api.get(path, headers=author)
    etag = first.headers["etag"]
    assert first.json()["etag"] == etag.strip('"')
    for given in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await api.get(path, headers={**author, "If-None-Match": given})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    await registered(api, author, "More: {{ context }}")
    changed = await api.get(path, headers={**author, "If-None-Match": etag})
    assert (changed.status_code, changed.json()["number"]) == (200, 2)
    unknown = await api.get(f"{BASE}/resolve/prompt/ask?selector=prod", headers=author)
    assert unknown.status_code == 400
    assert "staging" in unknown.json()["detail"]


async def test_a_prompt_is_rendered(api: ApiClient, author: dict[str, str]) -> None:
    """Exactly the declared variables give messages; others are refused by name."""
    await registered(api, author)
    path = f"{ASK}/versions/latest/render"
    right = await api.post(path, json={"variables": {"context": "c"}}, headers=author)
    assert right.json() == {"messages": [{"role": "user", "content": "c"}]}
    wrong = await api.post(path, json={"variables": {"question": 1}}, headers=author)
    assert wrong.status_code == 400
    assert {item["path"] for item in wrong.json()["errors"]} == {"$.variables.context", "$.variables.question"}


async def test_blobs_are_put_asked_for_and_read(api: ApiClient, author: dict[str, str]) -> None:
    """Raw bytes under their digest; wrong bytes, too many and a viewer's are refused."""
    digest = digest_of_bytes(b"# A\n")
    path = f"{BASE}/blobs/{digest}"
    asked = {"digests": [digest]}
    missing = await api.post(f"{BASE}/blobs/missing", json=asked, headers=author)
    assert missing.json() == {"missing": [digest]}
    viewer = await api.role("viewer")
    assert (await api.put(path, content=b"# A\n", headers=viewer)).status_code == 403
    assert (await api.put(path, content=b"# B\n", headers=author)).status_code == 400
    limit = api.services.settings.max_file_bytes
    for size in (limit + 1, limit + 100_000):
        assert (await api.put(path, content=b"x" * size, headers=author)).status_code == 413
    assert (await api.put(path, content=b"# A\n", headers=author)).status_code == 204
    answer = await api.get(path, headers=viewer)
    assert (answer.content, answer.headers["x-content-type-options"]) == (b"# A\n", "nosniff")
    assert (await api.post(f"{BASE}/blobs/missing", json=asked, headers=author)).json() == {"missing": []}


async def test_archiving_is_undone_by_restoring(api: ApiClient, author: dict[str, str]) -> None:
    """An archived artifact answers and takes nothing new (410); restored, it does."""
    await registered(api, author)
    assert (await api.post(f"{ASK}/archive", headers=author)).status_code == 204
    refused = await api.post(f"{ASK}/versions", json={"manifest": manifests.prompt()}, headers=author)
    assert refused.status_code == 410
    assert (await api.post(f"{ASK}/restore", headers=author)).status_code == 204
    assert (await api.post(f"{ASK}/versions/v1/archive", headers=author)).status_code == 204
    assert (await api.get(f"{ASK}/versions/v1", headers=author)).json()["archived"]
    assert (await api.post(f"{ASK}/versions/v1/restore", headers=author)).status_code == 204


async def test_lineage_and_stages_are_told(api: ApiClient, author: dict[str, str]) -> None:
    """The graph of a version without pins is itself; stages are empty before a promotion."""
    made = await registered(api, author)
    graph = (await api.get(f"{ASK}/versions/v1/lineage?direction=down", headers=author)).json()
    assert (graph["root"], len(graph["nodes"]), graph["edges"]) == (made["version"]["digest"], 1, [])
    assert (await api.get(f"{ASK}/versions/v1/lineage?direction=sideways", headers=author)).status_code == 400
    assert (await api.get(f"{ASK}/stages", headers=author)).json() == {"pointers": [], "moves": []}


async def test_a_revoked_version_answers_410_at_its_stage(api: ApiClient, author: dict[str, str]) -> None:
    """Over HTTP: an author may not, an operator gets the list of what is touched, and the stage answers a problem."""
    await registered(api, author)
    promotion = {"subject": "prompt/ask@v1", "stage": "dev"}
    assert (await api.post(f"{BASE}/promotions", json=promotion, headers=author)).json()["applied"]
    path, body = f"{ASK}/versions/v1/revoke", {"reason": "it leaks"}
    assert (await api.post(path, json=body, headers=author)).status_code == 403
    operator = await api.role("operator")
    assert (await api.post(path, json={"reason": ""}, headers=operator)).status_code == 400
    answer = await api.post(path, json=body, headers=operator)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["version"]["revoked"], told["principal"], told["dependents"]) == (True, "operator", [])
    assert [(item["stage"], item["label"]) for item in told["serving"]] == [("dev", "prompt/ask")]
    refused = problem(await api.get(f"{BASE}/resolve/prompt/ask?selector=dev", headers=author), 410, "revoked")
    assert "it leaks" in refused["detail"]
    denied = (await api.post(f"{BASE}/promotions", json=promotion, headers=author)).json()
    assert "LIN-03" in denied["decision"]["blocking"]
