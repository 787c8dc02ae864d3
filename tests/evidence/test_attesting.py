"""Attested documents: a person's word, in a role that policy names, for a time."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api_client import ApiClient
from tests.ledger.by_hand import problems_after
from tests.problems import problem
from tests.registry.manifests import PAGE, corpus, put, register, system

from sekisho.identity.types import Action, PrincipalKind, Role

HERE = "/v1/projects/default"
ATTESTED = f"{HERE}/attested"
DAY = 86_400_000
CONFIRMED = "The vendor wrote to us on 3 May.\n\nSPDX-License-Identifier: Apache-2.0\n"


@pytest.fixture
async def bob(api: ApiClient) -> dict[str, str]:
    """An approver's headers; alice has registered a system and a corpus."""
    alice = await api.services.identity.authenticate(await api.token_for("author", name="alice"))
    await put(api.services.registry, alice, PAGE)
    await register(api.services.registry, alice, "system/docs", system())
    await register(api.services.registry, alice, "corpus/docs", corpus())
    return await api.role("approver", name="bob")


async def attest(api: ApiClient, headers: dict[str, str], **changes: Any) -> Any:
    body = {"subject": "system/docs@latest", "type": "risk-assessment", "document": "Low.", "days": 30}
    return await api.post(ATTESTED, json={**body, **changes}, headers=headers)


async def listed(api: ApiClient, subject: str = "system/docs@latest") -> list[dict[str, Any]]:
    found = await api.get(ATTESTED, params={"subject": subject}, headers=await api.role("viewer"))
    items: list[dict[str, Any]] = found.json()["items"]
    return items


async def test_without_the_named_role_nothing_is_attested(api: ApiClient, bob: dict[str, str]) -> None:
    """Policy names the roles for each type; an author has none of them, and is told which would do."""
    body = problem(await attest(api, await api.role("author", name="alice")), 403, "forbidden")
    assert "approver" in body["remedy"]
    assert await listed(api) == []


async def test_a_service_gives_nobodys_word(api: ApiClient, bob: dict[str, str]) -> None:
    """Not even one with a role that policy names."""
    identity = api.services.identity
    admin = await identity.authenticate(api.admin_token)
    await identity.create_principal(admin, "robot", PrincipalKind.SERVICE)
    await identity.grant_role(admin, "robot", "default", Role.OPERATOR)
    _, secret = await identity.issue_token(admin, "robot")
    about = {"subject": "corpus/docs@latest", "type": "licence", "document": CONFIRMED}
    refused = await attest(api, {"Authorization": f"Bearer {secret}"}, **about)
    assert "only a person" in problem(refused, 403, "forbidden")["detail"]


async def test_a_token_limited_to_reading_attests_nothing(api: ApiClient, bob: dict[str, str]) -> None:
    """A leaked token of a reader gives nobody's word."""
    identity = api.services.identity
    admin = await identity.authenticate(api.admin_token)
    _, secret = await identity.issue_token(admin, "bob", [Action.READ])
    problem(await attest(api, {"Authorization": f"Bearer {secret}"}), 403, "forbidden")


@pytest.mark.parametrize(
    ("changes", "path", "mend"),
    [
        pytest.param({"type": "horoscope"}, "$.type", "risk-assessment", id="an unknown type"),
        pytest.param({"subject": "corpus/docs@latest"}, "$.subject", "system", id="about another kind"),
        pytest.param({"days": 366}, "$.days", "365", id="for too long"),
        pytest.param({"days": 0}, "$.days", "", id="for no time"),
        pytest.param({"document": " \n"}, "$.document", "characters", id="blank"),
        pytest.param({"document": "a\x00b"}, "$", "", id="with NUL"),
        pytest.param(
            {"subject": "corpus/docs@latest", "type": "licence"}, "$.document", "SPDX", id="a licence unnamed"
        ),
        pytest.param(
            {"subject": "corpus/docs@latest", "type": "licence", "document": "SPDX-License-Identifier: Mine"},
            "$.document", "spdx.org", id="a licence that is none",
        ),
    ],
)  # fmt: skip
async def test_what_cannot_be_attested_is_refused(
    api: ApiClient, bob: dict[str, str], changes: dict[str, Any], path: str, mend: str
) -> None:
    """Each offending place is named with what would do, and nothing is kept."""
    body = problem(await attest(api, bob, **changes), 400, "invalid")
    assert any(error["path"].startswith(path) and mend in error["message"] for error in body["errors"])
    assert await listed(api) == []


async def test_it_is_kept_with_its_role_and_its_end(api: ApiClient, bob: dict[str, str]) -> None:
    """Who, in which role, about which digest, until when; and the ledger has its digest."""
    made = (await attest(api, bob)).json()
    assert (made["principal"], made["role"], made["state"]) == ("bob", "approver", "standing")
    assert made["expires_at"] - made["created_at"] == 30 * DAY
    entries = await api.get("/v1/ledger/entries", params={"kind": "evidence.attested"}, headers=bob)
    (entry,) = entries.json()["items"]
    assert entry["body"]["document"] == made["id"]
    assert "Low" not in str(entry)


async def test_it_expires_and_a_newer_one_comes_first(api: ApiClient, bob: dict[str, str]) -> None:
    """Time ends it; a newer one of its type takes its place, and both are kept."""
    first = (await attest(api, bob, days=1)).json()
    api.services.clock.advance(DAY)  # type: ignore[attr-defined]
    second = (await attest(api, bob, document="Still low.")).json()
    assert [(item["id"], item["state"]) for item in await listed(api)] == [
        (second["id"], "standing"),
        (first["id"], "expired"),
    ]


async def test_it_is_withdrawn_once(api: ApiClient, bob: dict[str, str]) -> None:
    """By whoever may attest it or operates; an author may not, and withdrawing again changes nothing."""
    made = (await attest(api, bob)).json()
    path = f"{ATTESTED}/{made['id']}/withdraw"
    problem(await api.post(path, headers=await api.role("author", name="alice")), 403, "forbidden")
    taken = (await api.post(path, headers=await api.role("operator", name="olga"))).json()
    assert (taken["state"], taken["withdrawn_by"]) == ("withdrawn", "olga")
    again = (await api.post(path, headers=bob)).json()
    assert again["withdrawn_by"] == "olga"
    entries = await api.get("/v1/ledger/entries", params={"kind": "evidence.withdrawn"}, headers=bob)
    assert len(entries.json()["items"]) == 1
    problem(await api.post(f"{ATTESTED}/none/withdraw", headers=bob), 404, "not-found")


async def test_it_is_about_one_version(api: ApiClient, bob: dict[str, str]) -> None:
    """Change the system, and the document about the old one says nothing of the new; an archived one takes none."""
    await attest(api, bob)
    alice = await api.services.identity.authenticate(await api.token_for("author", name="alice"))
    await register(api.services.registry, alice, "system/docs", system(purpose="Something else"))
    assert await listed(api, "system/docs@v2") == []
    archive = f"{HERE}/artifacts/system/docs/versions/v2/archive"
    done = await api.post(archive, headers=await api.role("author", name="alice"))
    assert done.status_code == 204, done.text
    problem(await attest(api, bob, subject="system/docs@v2"), 410, "archived")


async def test_a_confirmed_licence_is_read_from_its_line(api: ApiClient, bob: dict[str, str]) -> None:
    """The document says in a line which licence it is, in SPDX's words."""
    made = await attest(api, bob, subject="corpus/docs@latest", type="licence", document=CONFIRMED)
    assert made.json()["licence"] == "Apache-2.0"


@pytest.mark.parametrize(
    ("statement", "problem_named"),
    [
        ("UPDATE attested_documents SET document = 'High.'", "content is"),
        ("UPDATE attested_documents SET expires_at = expires_at + 1", "expires_at is"),
        ("UPDATE attested_documents SET role = 'admin'", "role is 'admin'"),
        ("UPDATE attested_documents SET principal = 'mallory'", "principal is 'mallory'"),
        ("UPDATE attested_documents SET withdrawn_at = 1, withdrawn_by = 'bob'", "withdrawn_by is 'bob'"),
        ("DELETE FROM attested_documents", "is gone"),
    ],
)
async def test_a_document_edited_in_sql_is_found_out(
    api: ApiClient, bob: dict[str, str], statement: str, problem_named: str
) -> None:
    """`ledger verify` holds every document to what the ledger says of it."""
    await attest(api, bob)
    found = await problems_after(api.services.ledger, statement)
    assert any("attested document" in one and problem_named in one for one in found), found
