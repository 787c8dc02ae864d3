"""The gate over HTTP: one application, the shipped policy, the embedded engine."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from sekisho.gate.explaining.formats import MEDIA_TYPES
from sekisho.gate.explaining.text import explain_text
from sekisho.identity.types import PrincipalKind, Role
from sekisho.kernel.references import parse_reference
from sekisho.registry.types import Provenance
from tests.api_client import ApiClient
from tests.problems import problem
from tests.registry.manifests import register_agent

PROMOTIONS = "/v1/projects/default/promotions"
WAIVERS = "/v1/projects/default/waivers"


@pytest.fixture
async def agent(api: ApiClient) -> dict[str, str]:
    """An agent that nobody evaluated, registered by alice."""
    author = await api.services.identity.authenticate(await api.token_for("author", name="alice"))
    return await register_agent(api.services.registry, author)


async def promote(api: ApiClient, digest: str, stage: str = "staging", **options: Any) -> dict[str, Any]:
    """Ask as alice; gives status and body."""
    headers = {**await api.role("author", name="alice"), **options.pop("headers", {})}
    body = {"subject": f"agent/docs@{digest}", "stage": stage, **options}
    response = await api.post(PROMOTIONS, json=body, headers=headers)
    return {"status": response.status_code, **response.json()}


async def test_without_a_token_nothing_is_asked(api: ApiClient) -> None:
    """401, and how to send one."""
    response = await api.post(PROMOTIONS, json={"subject": "agent/docs@v1", "stage": "staging"})
    assert "Bearer" in problem(response, 401, "unauthenticated")["remedy"]


async def test_an_agent_that_nobody_evaluated_is_denied_with_remedies(api: ApiClient, agent: dict[str, str]) -> None:
    """The evidence is missing: each rule says so with the command that mends it, and the pointer stays."""
    answer = await promote(api, agent["agent"])
    assert answer["status"] == 201
    assert answer["applied"] is False
    decision = answer["decision"]
    assert decision["outcome"] == "deny"
    rules = {rule["id"]: rule for rule in decision["rules"]}
    assert rules["LIN-01"]["status"] == "passed"
    assert rules["EVA-01"]["status"] == "missing"
    assert rules["EVA-01"]["title"]
    assert all(rule["remedy"] for rule in decision["rules"] if rule["blocking"])
    assert {rule["id"] for rule in decision["rules"] if rule["blocking"]} == set(decision["blocking"])
    resolved = await api.get(
        "/v1/projects/default/resolve/agent/docs",
        params={"selector": "staging"},
        headers=await api.role("viewer"),
    )
    problem(resolved, 404, "not-found")


async def test_a_decision_is_kept_with_its_input_and_attestation(api: ApiClient, agent: dict[str, str]) -> None:
    """All three can be read back by whoever may read the project."""
    decision = (await promote(api, agent["agent"]))["decision"]
    viewer = await api.role("viewer")
    base = f"/v1/projects/default/decisions/{decision['id']}"
    assert (await api.get(base, headers=viewer)).json() == decision
    document = (await api.get(f"{base}/input", headers=viewer)).json()
    assert document["subject"]["digest"] == agent["agent"]
    attestation = (await api.get(f"{base}/attestation", headers=viewer)).json()
    assert set(attestation) == {"envelope", "entry", "inclusion", "checkpoint"}
    listed = (await api.get("/v1/projects/default/decisions", headers=viewer)).json()
    assert [item["id"] for item in listed["items"]] == [decision["id"]]


async def test_a_decision_is_explained_in_every_format(api: ApiClient, agent: dict[str, str]) -> None:
    """Each has its media type and names what blocks; an unknown format is refused, a foreign decision not found."""
    decision = (await promote(api, agent["agent"]))["decision"]
    viewer = await api.role("viewer")
    path = f"/v1/projects/default/decisions/{decision['id']}/explanation"
    refused = problem(await api.get(path, params={"format": "pdf"}, headers=viewer), 400, "invalid")
    assert refused["errors"][0]["path"] == "$.format"
    for form, media_type in MEDIA_TYPES.items():
        answer = await api.get(path, params={"format": form}, headers=viewer)
        assert answer.headers["content-type"].startswith(media_type)
        assert all(rule in answer.text for rule in decision["blocking"])
    problem(await api.get(path.replace(decision["id"], "none"), headers=viewer), 404, "not-found")


async def test_the_same_key_gives_the_same_decision(api: ApiClient, agent: dict[str, str]) -> None:
    """201 the first time, 200 the second; another request under the key is a conflict."""
    headers = {"Idempotency-Key": "ci-17"}
    first = await promote(api, agent["agent"], headers=headers)
    again = await promote(api, agent["agent"], headers=headers)
    assert (first["status"], again["status"]) == (201, 200)
    assert first["decision"]["id"] == again["decision"]["id"]
    other = await promote(api, agent["agent"], "production", headers=headers)
    assert other["status"] == 409
    long = await promote(api, agent["agent"], headers={"Idempotency-Key": "k" * 129})
    assert long["status"] == 400


async def test_a_dry_run_is_not_kept(api: ApiClient, agent: dict[str, str]) -> None:
    """It answers 200, and no decision of it is found."""
    answer = await promote(api, agent["agent"], dry_run=True)
    assert (answer["status"], answer["dry_run"], answer["id"]) == (200, True, None)
    listed = await api.get("/v1/projects/default/decisions", headers=await api.role("viewer"))
    assert listed.json()["items"] == []


async def test_production_cannot_be_entered_directly(api: ApiClient, agent: dict[str, str]) -> None:
    """The rule of stage order fails, and says where to go first."""
    rules = {rule["id"]: rule for rule in (await promote(api, agent["agent"], "production"))["decision"]["rules"]}
    assert rules["LIN-06"]["status"] == "failed"
    assert "--to staging" in rules["LIN-06"]["remedy"]


async def test_an_approval_is_given_and_refused_over_http(api: ApiClient, agent: dict[str, str]) -> None:
    """Bob may, alice (the author) may not, and a stale evidence hash is a conflict that names the right one."""
    subject = f"agent/docs@{agent['agent']}"
    bob = await api.role("approver", name="bob")
    query = {"subject": subject, "stage": "production"}
    seen = (await api.get("/v1/projects/default/evidence", params=query, headers=bob)).json()
    body = {"subject": subject, "stage": "production", "evidence_hash": seen["hash"]}
    alice = await api.role("approver", name="alice")
    refused = await api.post("/v1/projects/default/approvals", json=body, headers=alice)
    assert "alice is the author" in problem(refused, 403, "forbidden")["detail"]
    stale = {**body, "evidence_hash": "sha256:" + "0" * 64}
    conflict = await api.post("/v1/projects/default/approvals", json=stale, headers=bob)
    assert seen["hash"] in problem(conflict, 409, "conflict")["detail"]
    given = await api.post("/v1/projects/default/approvals", json=body, headers=bob)
    assert given.status_code == 201
    rules = {rule["id"]: rule for rule in (await promote(api, agent["agent"], "production"))["decision"]["rules"]}
    assert rules["OVS-01"]["status"] == "passed"


async def test_the_shipped_policy_says_what_it_is(api: ApiClient) -> None:
    """Digest, parameters and at least fourteen rules over the six families that the gate began with."""
    policy = (await api.get("/v1/policy", headers=await api.role("viewer"))).json()
    assert policy["digest"] == api.services.policy.digest
    families = {rule["id"][:3] for rule in policy["rules"]}
    assert {"LIN", "EVA", "FAI", "DOC", "OVS", "LIC"} <= families
    assert len(policy["rules"]) >= 14


async def test_the_bundle_answers_304_to_its_etag(api: ApiClient) -> None:
    """An OPA server asks again and again; only a new revision is sent."""
    first = await api.get("/v1/policy/bundle")
    assert first.status_code == 200
    again = await api.get("/v1/policy/bundle", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_second_account_of_an_admin_does_not_approve(api: ApiClient, agent: dict[str, str]) -> None:
    """Over HTTP too: whoever registered a part cannot let a person he created say yes."""
    identity, registry = api.services.identity, api.services.registry
    admin = await identity.authenticate(api.admin_token)
    version = await registry.one(admin, parse_reference("agent/docs@latest"))
    await registry.register(
        admin, "default", version.kind, version.name, dict(version.manifest), Provenance(author="admin")
    )
    await identity.create_principal(admin, "second", PrincipalKind.PERSON)
    await identity.grant_role(admin, "second", "default", Role.APPROVER)
    _, secret = await identity.issue_token(admin, "second")
    headers = {"Authorization": f"Bearer {secret}"}
    query = {"subject": "agent/docs@latest", "stage": "production"}
    seen = (await api.get("/v1/projects/default/evidence", params=query, headers=headers)).json()
    body = {**query, "evidence_hash": seen["hash"]}
    refused = await api.post("/v1/projects/default/approvals", json=body, headers=headers)
    assert "second was created by admin" in problem(refused, 403, "forbidden")["detail"]


async def test_a_waived_rule_shows_as_waived(api: ApiClient, agent: dict[str, str]) -> None:
    """By the shipped policy: DOC-01 blocks, bob waives it, and decision and attestation say so until he withdraws."""
    subject = f"agent/docs@{agent['agent']}"
    bob, viewer = await api.role("approver", name="bob"), await api.role("viewer")
    body = {"subject": subject, "stage": "production", "rule": "DOC-01", "reason": "with the lawyers", "days": 7}
    assert "DOC-01" in (await promote(api, agent["agent"], "production"))["decision"]["blocking"]
    alice = await api.role("author", name="alice")
    problem(await api.post(WAIVERS, json=body, headers=alice), 403, "forbidden")
    wrong = problem(await api.post(WAIVERS, json={**body, "rule": "OVS-01"}, headers=bob), 400, "invalid")
    assert "DOC-01" in wrong["errors"][0]["message"]
    granted = await api.post(WAIVERS, json=body, headers=bob)
    assert (granted.status_code, granted.json()["state"]) == (201, "standing")
    decision = (await promote(api, agent["agent"], "production"))["decision"]
    rule = next(rule for rule in decision["rules"] if rule["id"] == "DOC-01")
    assert (rule["status"], rule["waived"], rule["blocking"]) == ("missing", True, False)
    assert "~ DOC-01" in explain_text(decision)
    signed = await api.get(f"/v1/projects/default/decisions/{decision['id']}/attestation", headers=viewer)
    payload = json.loads(base64.b64decode(signed.json()["envelope"]["payload"]))
    assert {"id": "DOC-01", "status": "missing", "waived": True} in payload["predicate"]["rules"]
    listed = (await api.get(WAIVERS, params={"subject": subject}, headers=viewer)).json()
    assert [item["reason"] for item in listed["items"]] == ["with the lawyers"]
    ended = await api.post(f"{WAIVERS}/{granted.json()['id']}/withdraw", headers=bob)
    assert (ended.status_code, ended.json()["state"]) == (200, "withdrawn")
    assert "DOC-01" in (await promote(api, agent["agent"], "production"))["decision"]["blocking"]


async def test_an_agent_moves_with_what_it_is_made_from(api: ApiClient, agent: dict[str, str]) -> None:
    """The answer names each part, whose stage then answers; a roll-back knows no such wish."""
    answer = await promote(api, agent["agent"], "dev", with_dependencies=True)
    assert answer["applied"] is True
    named = {item["subject"].split("/")[0]: item["digest"] for item in answer["decision"]["dependencies"]}
    assert named == {kind: digest for kind, digest in agent.items() if kind != "agent"}
    assert "together with corpus/docs@v1" in explain_text(answer["decision"])
    viewer = await api.role("viewer")
    for kind, digest in agent.items():
        resolved = await api.get(f"/v1/projects/default/resolve/{kind}/docs?selector=dev", headers=viewer)
        assert (resolved.json()["digest"], resolved.json()["decision_id"]) == (digest, answer["decision"]["id"])
    body = {"subject": "agent/docs@v1", "stage": "dev", "with_dependencies": True}
    refused = await api.post("/v1/projects/default/rollbacks", json=body, headers=await api.role("operator"))
    problem(refused, 400, "invalid")
