"""A policy that cannot be relied on is not published, and that somebody tried is an entry of the ledger."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from sekisho.gate.governing.publishing import REFUSED, Publishing
from sekisho.identity.types import Actor
from sekisho.kernel.errors import Invalid
from sekisho.wiring.services import Services
from tests.api_client import ApiClient
from tests.gate.governing.policies import HEAD, LONG_NAMES, acme, owner
from tests.gate.governing.test_linting import LOOP
from tests.gate.inputs import shipped_policies
from tests.problems import problem

Content = dict[str, Any]


def holding(files: dict[str, str]) -> Content:
    """The shipped policy with these files, whatever they hold."""
    content: Content = copy.deepcopy(dict(shipped_policies().content))
    content["files"] = {**content["files"], **files}
    return content


FAULTS: dict[str, tuple[Callable[[], Content], str]] = {
    "does not compile": (
        lambda: holding({"user/acme.rego": HEAD + "checks contains data.sekisho.report.check(\n"}),
        "does not compile",
    ),
    "allows on empty": (
        lambda: holding({"sekisho/gate.rego": 'package sekisho.gate\n\ndecision := {"allow": true}\n'}),
        "was changed",
    ),
    "a rule id twice": (
        lambda: holding({"user/a.rego": HEAD + LONG_NAMES, "user/b.rego": HEAD + LONG_NAMES}),
        "is written in user/a.rego too",
    ),
    "touches our packages": (
        lambda: holding({"user/acme.rego": HEAD.replace("package user.acme", "package sekisho.gate") + LONG_NAMES}),
        "is of user.<name>",
    ),
    "a forbidden built-in": (
        lambda: holding({"user/acme.rego": HEAD + 'checks contains http.send({"url": "x"})\n'}),
        "http.send is not in the dialect",
    ),
    "no policy at all": (lambda: {**holding({}), "files": {"a.rego": ""}}, "names no package"),
}


@pytest.fixture
async def olivia(services: Services) -> Actor:
    return await owner(services, "olivia")


async def test_each_is_refused_with_its_fault_and_kept_as_an_entry(
    api: ApiClient, services: Services, olivia: Actor
) -> None:
    """By REST: the file, what is wrong with it and what shows it locally; nothing is published."""
    _, secret = await services.identity.issue_token(olivia, "olivia")
    headers = {"Authorization": f"Bearer {secret}"}
    for content, fault in FAULTS.values():
        body = {"policy": "acme", "content": content()}
        refused = await api.post("/v1/policies", json=body, headers=headers)
        assert fault in str(problem(refused, 400, "invalid")["errors"])
    entries = (await services.ledger.entries(olivia, kind=REFUSED, newest_first=False)).items
    assert [(entry.principal, entry.body["policy"]) for entry in entries] == [("olivia", "acme")] * len(FAULTS)
    for entry, (_, fault) in zip(entries, FAULTS.values(), strict=True):
        assert fault in str(entry.body)
    async with services.database.read() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM policies WHERE name = 'acme'")) == 0
    assert (await services.ledger.verify(olivia)).problems == ()


async def test_one_that_loops_is_stopped_and_kept_as_an_entry(services: Services, olivia: Actor) -> None:
    """Its trial takes too long."""
    publishing = Publishing(services.database, services.clock, services.ledger, seconds=1)
    with pytest.raises(Invalid, match="took over 1 s and was stopped"):
        await publishing.publish(olivia, "acme", acme(LOOP).content, message="")
    (entry,) = (await services.ledger.entries(olivia, kind=REFUSED)).items
    assert "took over 1 s and was stopped" in str(entry.body["faults"])
