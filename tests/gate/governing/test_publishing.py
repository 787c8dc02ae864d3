"""Publishing: for owners, once and for good."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from sqlalchemy import text

from sekisho.gate.governing.publishing import PUBLISHED
from sekisho.gate.governing.types import SHIPPED
from sekisho.identity.types import Actor
from sekisho.kernel.errors import Conflict, Forbidden, IntegrityFailed, Invalid, NotFound
from sekisho.wiring.services import Services
from tests.api_client import ApiClient
from tests.gate.governing.policies import LONG_NAMES, TEST, acme, first_admin, with_files
from tests.gate.inputs import shipped_policies


async def test_publishing_takes_the_role_and_no_admin_has_it(services: Services, olivia: Actor) -> None:
    """An admin may give it to people, not use it."""
    admin = await first_admin(services)
    with pytest.raises(Forbidden, match="may not govern in every project"):
        await services.publishing.publish(admin, "acme", acme().content, message="")
    published, new = await services.publishing.publish(olivia, "acme", acme().content, message="ours")
    assert (published.label, published.published_by, new) == ("acme@v1", "olivia", True)


async def test_the_same_content_is_the_same_version(services: Services, olivia: Actor) -> None:
    """Published again it is known; another is the next; a number that was taken by other bytes is refused."""
    publish = services.publishing.publish
    first, _ = await publish(olivia, "acme", acme().content, message="")
    again, new = await publish(olivia, "acme@v1", acme().content, message="other words")
    assert (again, new) == (first, False)
    other = acme(LONG_NAMES.replace(">= 4", ">= 5")).content
    for label in ("acme@v1", "acme@v3"):
        with pytest.raises(Conflict, match="immutable"):
            await publish(olivia, label, other, message="")
    second, _ = await publish(olivia, "acme@v2", other, message="")
    assert [one.label for one in await services.publishing.page(olivia, "acme")] == ["acme@v2", "acme@v1"]
    assert second.base == first.base
    difference = await services.publishing.difference(olivia, "acme@v1", "acme")
    assert list(difference["files"]) == ["user/acme.rego"]
    with pytest.raises(NotFound):
        await services.publishing.one(olivia, "acme@v3")


@pytest.mark.parametrize("name", [SHIPPED, "folder", "Acme", "", "a/b", "acme@", "acme@v0", "acme@latest"])
async def test_a_name_that_cannot_be_used_is_refused(services: Services, olivia: Actor, name: str) -> None:
    """Sekisho's own names are its own."""
    with pytest.raises(Invalid):
        await services.publishing.publish(olivia, name, acme().content, message="")


async def test_an_unsound_policy_is_not_published(services: Services, olivia: Actor) -> None:
    """The server lints and tries it itself; nothing of it is kept."""
    changed = with_files({"sekisho/waivers.rego": "package sekisho.waivers\n\ncovers(_) := true\n"})
    for policies, fault in (
        (changed, "was changed"),
        (acme("checks contains data.sekisho.report.check(\n"), "does not compile"),
        (acme(test=TEST.replace('"passed"', '"failed"')), "test_a_long_name_passes"),
    ):
        with pytest.raises(Invalid) as caught:
            await services.publishing.publish(olivia, "acme", policies.content, message="")
        assert fault in str(caught.value)
    assert [one.name for one in await services.publishing.page(olivia)] == [SHIPPED]


async def test_what_ships_is_published_and_in_force_in_a_new_database(services: Services, olivia: Actor) -> None:
    """By the server itself, with an entry for each; publishing and activating are in the ledger."""
    digest = shipped_policies().digest
    assert (await services.policy_now()).digest == digest
    page = await services.ledger.entries(olivia, project="*", subject=digest)
    assert sorted(entry.kind for entry in page.items) == ["policy.activated", PUBLISHED]
    assert {entry.principal for entry in page.items} == {"sekisho"}
    assert (await services.ledger.verify(olivia)).problems == ()


async def test_bytes_that_were_changed_in_the_database_are_refused(services: Services, olivia: Actor) -> None:
    """Where they are in force readyz is red, and the audit names the row."""
    await services.publishing.publish(olivia, "acme", acme().content, message="")
    content: dict[str, Any] = copy.deepcopy(shipped_policies().content)
    content["data"]["parameters"]["stages"]["production"]["mode"] = "off"
    async with services.database.write() as tx:
        for name in ("acme", SHIPPED):
            await tx.execute(
                text("UPDATE policies SET content = :content WHERE name = :name"),
                {"content": json.dumps(content), "name": name},
            )
    with pytest.raises(IntegrityFailed, match="cannot be trusted"):
        await services.publishing.one(olivia, "acme@v1")
    with pytest.raises(IntegrityFailed, match="cannot be trusted"):
        await services.activating.preview(olivia, "acme@v1")
    assert "cannot be trusted" in (await services.readiness.problems())["policy"]
    problems = (await services.ledger.verify(olivia)).problems
    assert sum("published policy" in problem for problem in problems) == 2


async def test_a_package_alone_rests_on_what_ships(services: Services, olivia: Actor) -> None:
    """Rules of Sekisho and data that are not given are those that ship: the same version as the whole folder."""
    whole = acme()
    own = {path: whole.files[path].decode() for path in whole.own_files}
    tests = {"user/acme_test.rego": TEST}
    published, _ = await services.publishing.publish(olivia, "acme", {"files": own, "tests": tests}, message="")
    assert published.digest == whole.digest
    lone = {"sekisho/gate.rego": "package sekisho.gate"}
    wrong: list[dict[str, Any]] = [{}, {"files": []}, {"files": lone, "tests": {}}]
    for content in wrong:
        with pytest.raises(Invalid, match="not whole"):
            await services.publishing.publish(olivia, "acme", content, message="")


async def test_rest_publishes_and_shows(api: ApiClient, olivia: Actor) -> None:
    """201 for a new version, 200 for a known one, 400 with every fault, and the content as it was sent."""
    _, secret = await api.services.identity.issue_token(olivia, "olivia")
    headers = {"Authorization": f"Bearer {secret}"}
    body = {"policy": "acme", "content": acme().content, "message": "ours"}
    assert (await api.post("/v1/policies", json=body)).status_code == 401
    assert (await api.post("/v1/policies", json=body, headers=await api.role("author"))).status_code == 403
    for status in (201, 200):
        answer = await api.post("/v1/policies", json=body, headers=headers)
        assert answer.status_code == status, answer.text
    unsound = {**body, "content": acme("checks contains http.send({})\n").content}
    refused = await api.post("/v1/policies", json=unsound, headers=headers)
    assert refused.status_code == 400
    assert "http.send" in refused.json()["errors"][0]["message"]
    viewer = await api.role("viewer")
    shown = (await api.get("/v1/policies/acme@v1", headers=viewer)).json()
    assert shown["content"] == acme().content
    listed = (await api.get("/v1/policies", headers=viewer)).json()["items"]
    assert [item["policy"] for item in listed] == ["acme@v1", "sekisho@v1"]
    found = await api.get("/v1/policies/acme/difference", params={"from": "sekisho"}, headers=viewer)
    assert list(found.json()["rules"]["added"]) == ["ACM-01"]
