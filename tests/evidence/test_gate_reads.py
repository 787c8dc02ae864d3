"""What the gate makes of attested documents: they count while their giver holds the role, and lapse approvals."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api_client import ApiClient
from tests.registry.manifests import register_agent

from sekisho.identity.types import Role

HERE = "/v1/projects/default"
ABOUT = {"subject": "system/docs@v1", "type": "risk-assessment", "document": "Low.", "days": 30}


@pytest.fixture
async def author(api: ApiClient) -> dict[str, str]:
    """Who has registered an agent of limited risk."""
    actor = await api.services.identity.authenticate(await api.token_for("author", name="alice"))
    await register_agent(api.services.registry, actor)
    return await api.role("author", name="alice")


async def assessed(api: ApiClient, headers: dict[str, str]) -> dict[str, Any]:
    """What DOC-03 says of the agent at production now."""
    body = {"subject": "agent/docs@v1", "stage": "production", "dry_run": True}
    answer = (await api.post(f"{HERE}/promotions", json=body, headers=headers)).json()
    (found,) = [rule for rule in answer["decision"]["rules"] if rule["id"] == "DOC-03"]
    return dict(found)


async def test_it_counts_while_its_giver_holds_the_role(api: ApiClient, author: dict[str, str]) -> None:
    """Missing, then there, then lapsed with the role it was given in; the remedy names the command."""
    before = await assessed(api, author)
    assert before["status"] == "missing"
    assert "--type risk-assessment --file risk-assessment.md --days 90" in before["remedy"]
    await api.post(f"{HERE}/attested", json=ABOUT, headers=await api.role("approver", name="bob"))
    stands = await assessed(api, author)
    assert stands["status"] == "passed"
    assert "was attested by bob as approver and stands for 30 days more" in stands["message"]
    identity = api.services.identity
    admin = await identity.authenticate(api.admin_token)
    await identity.grant_role(admin, "bob", "default", Role.OPERATOR)
    await identity.revoke_role(admin, "bob", "default", Role.APPROVER)
    lapsed = await assessed(api, author)
    assert (lapsed["status"], lapsed["blocking"]) == ("missing", True)
    assert "bob, who is no approver any more" in lapsed["message"]


async def test_a_withdrawn_one_does_not_bring_its_elder_back(api: ApiClient, author: dict[str, str]) -> None:
    """What the newer one replaced stays replaced."""
    bob = await api.role("approver", name="bob")
    await api.post(f"{HERE}/attested", json=ABOUT, headers=bob)
    api.services.clock.advance(1)  # type: ignore[attr-defined]
    newer = (await api.post(f"{HERE}/attested", json={**ABOUT, "document": "High."}, headers=bob)).json()
    await api.post(f"{HERE}/attested/{newer['id']}/withdraw", headers=bob)
    found = await assessed(api, author)
    assert found["status"] == "missing"
    assert "was withdrawn" in found["message"]


async def test_it_expires_by_itself(api: ApiClient, author: dict[str, str]) -> None:
    """On the day that was said."""
    await api.post(f"{HERE}/attested", json=ABOUT, headers=await api.role("approver", name="bob"))
    api.services.clock.advance(30 * 86_400_000)  # type: ignore[attr-defined]
    assert "has expired" in (await assessed(api, await api.role("operator", name="olga")))["message"]


async def test_a_new_document_lapses_an_approval(api: ApiClient, author: dict[str, str]) -> None:
    """The approver said yes to other evidence."""
    query = {"subject": "agent/docs@v1", "stage": "production"}
    viewer = await api.role("viewer")
    before = (await api.get(f"{HERE}/evidence", params=query, headers=viewer)).json()["hash"]
    await api.post(f"{HERE}/attested", json=ABOUT, headers=await api.role("approver", name="bob"))
    after = (await api.get(f"{HERE}/evidence", params=query, headers=viewer)).json()["hash"]
    scanned = await api.post(f"{HERE}/licence-scans", json={"subject": "agent/docs@v1"}, headers=author)
    assert scanned.status_code == 200
    last = (await api.get(f"{HERE}/evidence", params=query, headers=viewer)).json()["hash"]
    assert len({before, after, last}) == 3
