"""Revoking: what is taken out of use stays out, under every name, with all that is made from it."""

from __future__ import annotations

import json

import pytest

from sekisho.identity.types import Actor, Role
from sekisho.kernel.errors import Conflict, Forbidden, Invalid, Revoked
from sekisho.kernel.references import parse_reference
from sekisho.registry.service import Registry
from sekisho.registry.types import Version
from tests.registry import manifests
from tests.registry.conftest import actor
from tests.registry.manifests import register, register_agent

WHY = "it leaks another tenant's data"
OPERATOR = actor(Role.OPERATOR, name="olga")


async def serve(registry: Registry, reference: str, stage: str = "production") -> Version:
    """Let the stage serve the version."""
    version = await registry.one(OPERATOR, parse_reference(reference))
    async with registry.database.write() as tx:
        await registry.move_pointer(
            tx, version=version, stage=stage, expected=None, decision_id="decision-1", principal="olga"
        )
    return version


async def test_an_author_may_not_revoke(registry: Registry, author: Actor) -> None:
    """It takes an operator, or an admin; and a reason, and a selector."""
    await register(registry, author, "prompt/ask", manifests.prompt())
    with pytest.raises(Forbidden, match="may not operate"):
        await registry.revoke(author, parse_reference("prompt/ask@v1"), WHY)
    for reference, reason in (("prompt/ask@v1", "  "), ("prompt/ask@v1", "x" * 2001), ("prompt/ask", WHY)):
        with pytest.raises(Invalid):
            await registry.revoke(OPERATOR, parse_reference(reference), reason)
    assert not (await registry.one(author, parse_reference("prompt/ask@v1"))).revoked


async def test_a_revocation_lists_dependents_and_stages(registry: Registry, author: Actor) -> None:
    """From the corpus to the index and the agent, and the stage that serves the agent; once in the ledger."""
    digests = await register_agent(registry, author)
    await serve(registry, "agent/docs@v1")
    for _ in range(2):
        fallout = await registry.revoke(OPERATOR, parse_reference("corpus/docs@v1"), WHY)
    assert fallout.version.revoked
    assert [version.digest for version in fallout.dependents] == [digests["index"], digests["agent"]]
    assert [(item.stage, item.label) for item in fallout.serving] == [("production", "agent/docs")]
    entries = await registry.ledger.entries(actor(Role.ADMIN, project="*"), kind="version.revoked")
    (entry,) = entries.items
    assert (entry.subject, entry.principal) == (digests["corpus"], "olga")
    assert WHY not in json.dumps(entry.body)


async def test_a_stage_that_serves_what_was_made_from_it_answers_nothing(registry: Registry, author: Actor) -> None:
    """Also where the answer was remembered; the error names the culprit, the reason and a remedy. Digests answer."""
    await register_agent(registry, author)
    version = await serve(registry, "agent/docs@v1")
    asked = parse_reference("agent/docs@production")
    await registry.resolve(author, asked)
    await registry.revoke(OPERATOR, parse_reference("prompt/docs@v1"), WHY)
    with pytest.raises(Revoked, match=f"production of agent/docs serves v1.*prompt/docs v1.*{WHY}") as refused:
        await registry.resolve(author, asked)
    assert "sekisho rollback agent/docs" in (refused.value.remedy or "")
    body = json.loads((await registry.resolve(author, parse_reference(f"agent/docs@{version.digest}"))).body)
    assert body["revoked"] is False
    assert json.loads((await registry.resolve(author, parse_reference("prompt/docs@v1"))).body)["revoked"] is True


async def test_the_same_bytes_do_not_come_back_under_any_name(registry: Registry, author: Actor) -> None:
    """A second name is revoked with the first, a third is refused, and nothing new is made from them."""
    made = await register(registry, author, "prompt/ask", manifests.prompt())
    await register(registry, author, "prompt/other", manifests.prompt())
    await registry.revoke(OPERATOR, parse_reference("prompt/ask@v1"), WHY)
    assert (await registry.one(author, parse_reference("prompt/other@v1"))).revoked
    for name in ("prompt/ask", "prompt/third"):
        with pytest.raises(Revoked, match=WHY):
            await register(registry, author, name, manifests.prompt())
    async with registry.database.read() as tx:
        closure = await registry.closure(tx, "default", made.version.digest)
    assert closure.nodes[made.version.digest].revoked
    await registry.archive(author, parse_reference("prompt/ask@v1"))
    await registry.restore(author, parse_reference("prompt/ask@v1"))
    assert (await registry.one(author, parse_reference("prompt/ask@v1"))).revoked


async def test_a_revoked_version_is_not_served_anew(registry: Registry, author: Actor) -> None:
    """What was revoked between the decision and the move does not move."""
    await register(registry, author, "prompt/ask", manifests.prompt())
    await registry.revoke(OPERATOR, parse_reference("prompt/ask@v1"), WHY)
    with pytest.raises(Conflict, match="revoked"):
        await serve(registry, "prompt/ask@v1")


async def test_other_versions_of_the_name_stay_in_use(registry: Registry, author: Actor) -> None:
    """Revoking v1 says nothing of v2, and a stage that serves v2 answers."""
    for template in ("1 {{ context }}", "2 {{ context }}"):
        await register(registry, author, "prompt/ask", manifests.prompt(template))
    await serve(registry, "prompt/ask@v2")
    fallout = await registry.revoke(OPERATOR, parse_reference("prompt/ask@v1"), WHY)
    assert (fallout.dependents, fallout.serving) == ((), ())
    assert json.loads((await registry.resolve(author, parse_reference("prompt/ask@production"))).body)["number"] == 2
