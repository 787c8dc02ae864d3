"""Cards: attested about a system, by somebody, once for all."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api_client import ApiClient
from tests.problems import problem
from tests.registry.manifests import prompt, register, system

CARDS = "/v1/projects/default/cards"
WHOLE = dict.fromkeys(
    ("intended_use", "limitations", "risks", "affected_groups", "evaluation", "contact"), "Said with care."
)


@pytest.fixture
async def headers(api: ApiClient) -> dict[str, str]:
    """An author, who has registered a system and a prompt."""
    actor = await api.services.identity.authenticate(await api.token_for("author", name="alice"))
    await register(api.services.registry, actor, "system/docs", system())
    await register(api.services.registry, actor, "prompt/docs", prompt())
    return await api.role("author", name="alice")


async def add(
    api: ApiClient, headers: dict[str, str], card: dict[str, Any], subject: str = "system/docs@latest"
) -> Any:
    return await api.post(CARDS, json={"subject": subject, "card": card}, headers=headers)


async def test_a_viewer_may_not_attest(api: ApiClient, headers: dict[str, str]) -> None:
    """A card is somebody's word, and takes a role."""
    problem(await add(api, await api.role("viewer"), WHOLE), 403, "forbidden")


async def test_a_card_about_anything_but_a_system_is_refused(api: ApiClient, headers: dict[str, str]) -> None:
    """Agents and prompts belong to a system; the card binds to that."""
    body = problem(await add(api, headers, WHOLE, "prompt/docs@latest"), 400, "invalid")
    assert body["errors"][0]["path"] == "$.subject"


@pytest.mark.parametrize(
    ("card", "path"),
    [
        pytest.param({}, "$.card.intended_use", id="empty"),
        pytest.param(dict.fromkeys(WHOLE, "  \n"), "$.card.intended_use", id="blank"),
        pytest.param({**WHOLE, "licence": "MIT"}, "$.card.licence", id="an unknown part"),
        pytest.param({**WHOLE, "risks": 3}, "$.card.risks", id="not a text"),
    ],
)
async def test_a_card_that_says_nothing_or_too_much_is_refused(
    api: ApiClient, headers: dict[str, str], card: dict[str, Any], path: str
) -> None:
    """Each offending part is named, and nothing is kept."""
    body = problem(await add(api, headers, card), 400, "invalid")
    assert path in [error["path"] for error in body["errors"]]
    listed = await api.get(CARDS, params={"subject": "system/docs@latest"}, headers=headers)
    assert listed.json()["items"] == []


async def test_the_newest_card_comes_first_and_both_are_kept(api: ApiClient, headers: dict[str, str]) -> None:
    """A newer card takes the older one's place without erasing it; the ledger has both."""
    first = (await add(api, headers, WHOLE)).json()
    api.services.clock.advance(1)  # type: ignore[attr-defined]
    second = (await add(api, headers, {**WHOLE, "contact": ""})).json()
    assert first["principal"] == "alice"
    assert second["filled"]["contact"] is False
    listed = await api.get(CARDS, params={"subject": "system/docs@latest"}, headers=headers)
    assert [card["id"] for card in listed.json()["items"]] == [second["id"], first["id"]]
    entries = await api.get("/v1/ledger/entries", params={"kind": "card.attested"}, headers=headers)
    assert {entry["body"]["card"] for entry in entries.json()["items"]} == {first["id"], second["id"]}


async def test_a_card_is_about_one_version(api: ApiClient, headers: dict[str, str]) -> None:
    """Change the system, and the card about the old one says nothing of the new."""
    await add(api, headers, WHOLE)
    actor = await api.services.identity.authenticate(await api.token_for("author", name="alice"))
    await register(api.services.registry, actor, "system/docs", system(purpose="Something else"))
    listed = await api.get(CARDS, params={"subject": "system/docs@v2"}, headers=headers)
    assert listed.json()["items"] == []
