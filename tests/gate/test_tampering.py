"""Whoever edits the database moves no stage: what no signed decision bears out is not served, and shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text

from sekisho.kernel.references import Kind, Number, Reference
from sekisho.wiring.services import Services
from tests.api_client import ApiClient
from tests.gate.seeded import seed
from tests.problems import problem
from tests.registry.manifests import prompt, register

HERE = "/v1/projects/default"

TAMPERING: dict[str, tuple[str, Sequence[str]]] = {
    "the pointer alone": (
        "its last move put it elsewhere",
        ["UPDATE stage_pointers SET digest = :third WHERE stage = 'dev'"],
    ),
    "the pointer, back to what was allowed before": (
        "its last move put it elsewhere",
        ["UPDATE stage_pointers SET digest = :first, decision_id = :allowed, seq = 1 WHERE stage = 'dev'"],
    ),
    "pointer and move, under the decision about another version": (
        "is not about",
        [
            "UPDATE stage_pointers SET digest = :third WHERE stage = 'dev'",
            "UPDATE stage_moves SET to_digest = :third WHERE stage = 'dev' AND seq = 2",
        ],
    ),
    "a decision that nobody made": (
        "there is no signed decision made-up",
        [
            "UPDATE stage_pointers SET decision_id = 'made-up' WHERE stage = 'dev'",
            "UPDATE stage_moves SET decision_id = 'made-up' WHERE stage = 'dev' AND seq = 2",
        ],
    ),
    "the decision of a denial": (
        "is a deny",
        [
            "UPDATE stage_pointers SET digest = :third, decision_id = :denied WHERE stage = 'dev'",
            "UPDATE stage_moves SET to_digest = :third, decision_id = :denied WHERE stage = 'dev' AND seq = 2",
        ],
    ),
    "a denial whose statement was put in its place": (
        "is the statement of decision",
        [
            (
                "UPDATE decisions SET outcome = 'allow', digest = :third, envelope = "
                "(SELECT envelope FROM decisions WHERE id = :allowed) WHERE id = :denied"
            ),
            "UPDATE stage_pointers SET digest = :third, decision_id = :denied WHERE stage = 'dev'",
            "UPDATE stage_moves SET to_digest = :third, decision_id = :denied WHERE stage = 'dev' AND seq = 2",
        ],
    ),
    "the signed statement": (
        "does not fit the payload",
        ['UPDATE decisions SET envelope = replace(envelope, \'"payload":"ey\', \'"payload":"fy\')'],
    ),
    "an allow for another stage": (
        "is about staging",
        [
            "DELETE FROM stage_pointers WHERE stage = 'dev'",
            "UPDATE stage_moves SET stage = 'dev', seq = 3 WHERE stage = 'staging'",
            "UPDATE stage_pointers SET stage = 'dev', seq = 3 WHERE stage = 'staging'",
        ],
    ),
}


@pytest.fixture
async def known(api: ApiClient, services: Services) -> dict[str, str]:
    """Three versions: dev served the first and serves the second, the third was denied; the values of the SQL."""
    author = await services.identity.authenticate(await api.token_for("author"))
    digests = [
        (await register(services.registry, author, "prompt/ask", prompt(f"{n} {{{{ context }}}}"))).version.digest
        for n in (1, 2, 3)
    ]
    decisions = [await asked(api, number, "dev") for number in (1, 2)] + [await asked(api, 3, "production")]
    assert [decision["outcome"] for decision in decisions] == ["allow", "allow", "deny"]
    return {
        "first": digests[0],
        "third": digests[2],
        "allowed": decisions[0]["id"],
        "denied": decisions[2]["id"],
    }


async def asked(api: ApiClient, number: int, stage: str) -> dict[str, Any]:
    body = {"subject": f"prompt/ask@v{number}", "stage": stage}
    decision: dict[str, Any] = (
        await api.post(f"{HERE}/promotions", json=body, headers=await api.role("author"))
    ).json()["decision"]
    return decision


async def resolved(api: ApiClient, stage: str = "dev") -> Any:
    headers = await api.role("viewer")
    return await api.get(f"{HERE}/resolve/prompt/ask", params={"selector": stage}, headers=headers)


async def edit(services: Services, statements: Sequence[str], values: dict[str, str]) -> None:
    """What somebody with access to the database does by hand."""
    async with services.database.engine.begin() as connection:
        for statement in statements:
            used = {name: value for name, value in values.items() if f":{name}" in statement}
            await connection.execute(text(statement.replace('":"', '"\\:"')), used)


@pytest.mark.parametrize("case", TAMPERING)
async def test_an_edited_pointer_answers_503_and_readiness_is_red(
    api: ApiClient, services: Services, known: dict[str, str], case: str
) -> None:
    """Whatever row was edited, the stage is not served, the reason is told, and no other name of it leaks."""
    reason, statements = TAMPERING[case]
    await seed(services, Reference("default", Kind.PROMPT, "ask", Number(3)), "staging")
    await edit(services, statements, known)
    refused = problem(await resolved(api), 503, "unwarranted")
    assert reason in refused["detail"]
    ready = await api.get("/readyz")
    assert ready.status_code == 503
    assert set(ready.json()) == {"stage_pointers"}
    assert "ask" not in ready.json()["stage_pointers"]


async def test_what_was_remembered_is_looked_at_again_by_readiness(
    api: ApiClient, services: Services, known: dict[str, str]
) -> None:
    """All is well before; a checked pointer that somebody moves afterwards turns readiness red all the same."""
    assert (await resolved(api)).json()["number"] == 2
    assert (await api.get("/readyz")).status_code == 200
    await edit(services, TAMPERING["the pointer alone"][1], known)
    assert (await api.get("/readyz")).status_code == 503


async def test_pinned_references_are_answered_all_the_same(
    api: ApiClient, services: Services, known: dict[str, str]
) -> None:
    """A digest means what it means whatever a pointer says."""
    await edit(services, TAMPERING["the pointer alone"][1], known)
    assert (await resolved(api, known["third"])).json()["number"] == 3


async def test_a_promotion_mends_what_was_edited(api: ApiClient, services: Services, known: dict[str, str]) -> None:
    """A new decision about the stage puts its pointer where it may be."""
    await edit(services, TAMPERING["a decision that nobody made"][1], known)
    assert (await resolved(api)).status_code == 503
    assert (await asked(api, 1, "dev"))["outcome"] == "allow"
    assert (await resolved(api)).json()["number"] == 1
    assert (await api.get("/readyz")).status_code == 200
