"""REST of identity."""

from __future__ import annotations

import pytest
from tests.api_client import ApiClient
from tests.problems import problem

EVERYONE = [("GET", "/v1/projects"), ("GET", "/v1/projects/default"), ("GET", "/v1/principals"), ("GET", "/v1/tokens"),
            ("GET", "/v1/whoami"), ("POST", "/v1/projects"), ("POST", "/v1/principals"), ("POST", "/v1/tokens"),
            ("DELETE", "/v1/tokens/x"), ("DELETE", "/v1/principals/a/roles/default/admin")]  # fmt: skip


@pytest.fixture
def admin(api: ApiClient) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.admin_token}"}


async def test_nothing_is_told_without_a_token(api: ApiClient) -> None:
    """Every operation asks who is asking."""
    for method, path in EVERYONE:
        answer = await api.request(method, path, json={} if method == "POST" else None)
        problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


BAD_BODIES: list[tuple[str, dict[str, object], str]] = [
    ("projects", {"name": "A"}, "$.project"),
    ("projects", {"name": "a", "extra": 1}, "$.extra"),
    ("projects", {}, "$.name"),
    ("principals", {"name": "a", "kind": "robot"}, "$.kind"),
    ("principals", {"name": "sekisho", "kind": "person"}, "$.name"),
    ("principals", {"name": "a", "kind": "person", "email": "nowhere"}, "$.email"),
    ("principals", {"name": "a", "kind": "person", "display": "a\u0007"}, "$.display"),
    ("tokens", {"scopes": ["everything"]}, "$.scopes[0]"),
    ("tokens", {"scopes": []}, "$.scopes"),
    ("tokens", {"expires_in_days": 366}, "$.expires_in_days"),
    ("principals/admin/roles", {"project": "default", "role": "king"}, "$.role"),
]


async def test_bad_bodies_name_the_field(api: ApiClient, admin: dict[str, str]) -> None:
    """Each offending field is named."""
    for path, body, place in BAD_BODIES:
        found = problem(await api.post(f"/v1/{path}", json=body, headers=admin), 400, "invalid")
        assert place in [error["path"] for error in found["errors"]], path


async def test_another_project_is_not_found(api: ApiClient, admin: dict[str, str]) -> None:
    """To whoever has no role in it, it might as well not exist."""
    await api.post("/v1/projects", json={"name": "secret"}, headers=admin)
    author = await api.role("author")
    for name in ("secret", "nowhere"):
        found = problem(await api.get(f"/v1/projects/{name}", headers=author), 404, "not-found")
        assert found["detail"] == f"there is no project {name}"
    assert [item["name"] for item in (await api.get("/v1/projects", headers=author)).json()["items"]] == ["default"]
    assert (await api.get("/v1/projects/secret", headers=admin)).json()["created_by"] == "admin"


async def test_who_is_not_admin_is_refused(api: ApiClient) -> None:
    """The refusal names the role that would do."""
    author = await api.role("author")
    found = problem(await api.post("/v1/projects", json={"name": "mine"}, headers=author), 403, "forbidden")
    assert "admin" in found["remedy"]
    problem(await api.post("/v1/tokens", json={"principal": "admin"}, headers=author), 403, "forbidden")
    problem(await api.get("/v1/principals", headers=author), 403, "forbidden")
    problem(await api.get("/v1/principals/admin", headers=author), 404, "not-found")


async def test_from_a_new_principal_to_its_end(api: ApiClient, admin: dict[str, str]) -> None:
    """Created, granted, let in, listed, revoked: each step acts on the next request."""
    made = await api.post("/v1/principals", json={"name": "alice", "kind": "person", "email": "a@b.org"}, headers=admin)
    assert (made.status_code, made.json()["created_by"], made.json()["roles"]) == (201, "admin", [])
    again = await api.post("/v1/principals", json={"name": "alice", "kind": "person"}, headers=admin)
    problem(again, 409, "conflict")
    granted = await api.post("/v1/principals/alice/roles", json={"project": "default", "role": "author"}, headers=admin)
    assert (granted.status_code, granted.json()["granted_by"]) == (201, "admin")
    issued = (await api.post("/v1/tokens", json={"principal": "alice"}, headers=admin)).json()
    alice = {"Authorization": f"Bearer {issued['secret']}"}
    me = (await api.get("/v1/whoami", headers=alice)).json()
    assert (me["principal"], me["email"], me["roles"]) == ("alice", "a@b.org", {"default": ["author"]})
    assert me["token"]["expires_at"] - me["token"]["issued_at"] == 90 * 86_400_000
    assert (await api.get("/v1/principals/alice", headers=alice)).json()["roles"][0]["role"] == "author"
    listed = (await api.get("/v1/tokens", params={"principal": "alice"}, headers=admin)).json()["items"]
    assert [item["id"] for item in listed] == [issued["token"]["id"]]
    assert issued["secret"] not in str(listed)
    assert (await api.delete("/v1/principals/alice/roles/default/author", headers=admin)).status_code == 204
    problem(await api.get("/v1/projects/default", headers=alice), 404, "not-found")
    problem(await api.delete("/v1/principals/alice/roles/default/author", headers=admin), 404, "not-found")
    assert (await api.delete(f"/v1/tokens/{issued['token']['id']}", headers=admin)).status_code == 204
    assert "revoked" in problem(await api.get("/v1/whoami", headers=alice), 401, "unauthenticated")["detail"]


async def test_a_narrow_token(api: ApiClient, admin: dict[str, str]) -> None:
    """A token limited to reading cannot create a project, though its holder may."""
    narrow = (await api.post("/v1/tokens", json={"scopes": ["read"], "expires_in_days": 1}, headers=admin)).json()
    headers = {"Authorization": f"Bearer {narrow['secret']}"}
    found = problem(await api.post("/v1/projects", json={"name": "more"}, headers=headers), 403, "forbidden")
    assert "limited to: read" in found["detail"]
    assert (await api.get("/v1/whoami", headers=headers)).json()["token"]["scopes"] == ["read"]


async def test_a_role_everywhere(api: ApiClient, admin: dict[str, str]) -> None:
    """The project * is granted and revoked like any other."""
    viewer = await api.role("viewer", project="*", name="auditor")
    assert (await api.get("/v1/projects/default", headers=viewer)).status_code == 200
    assert (await api.delete("/v1/principals/auditor/roles/*/viewer", headers=admin)).status_code == 204
    problem(await api.get("/v1/projects/default", headers=viewer), 404, "not-found")


async def test_principals_come_in_pages(api: ApiClient, admin: dict[str, str]) -> None:
    """Following next_cursor lists everyone once."""
    for name in ("bob", "carol", "dave"):
        await api.post("/v1/principals", json={"name": name, "kind": "service"}, headers=admin)
    first = (await api.get("/v1/principals?limit=2", headers=admin)).json()
    rest = await api.get("/v1/principals", params={"limit": 2, "cursor": first["next_cursor"]}, headers=admin)
    assert [item["name"] for item in first["items"] + rest.json()["items"]] == ["admin", "bob", "carol", "dave"]
