"""One caller's way through the API, which says what each operation really takes and gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.api_client import ApiClient
from tests.registry import manifests

from sekisho.kernel.digests import digest_of_bytes

HERE = "/v1/projects/default"
CASES = b"""\
{"id": "a", "question": "Why?", "gold": ["Because."], "slices": {"language": "en"}}
{"id": "b", "question": "How?", "gold": ["So."], "slices": {"language": "ja"}}
"""
SPARE = b"# Spare\n\nA page that goes.\n"
LABELS = b"""\
{"context": "The lock names digests.", "response": "The lock names digests.", "hallucinated": false}
{"context": "The lock names digests.", "response": "Zebras patented submarines.", "hallucinated": true}
"""
ACME = """\
package user.acme

# METADATA
# title: The agent is named well
# description: The agent's name has four letters or more.
# custom:
#   id: ACM-01
#   severity: low
#   kinds: [agent]
#   actions: [promote]
#   remedy: Give it a longer name.
#   frameworks: []
results["ACM-01"] := data.sekisho.report.finding(
	checks,
	data.sekisho.report.absent("it has no name", "a name", "name it"),
)

checks contains data.sekisho.report.check(
	{true: "passed", false: "failed"}[count(input.subject.name) >= 4],
	sprintf("it is called %s", [input.subject.name]),
	input.subject.name,
	"four letters or more",
	"give it a longer name",
)
"""
DRAFTS = b'{"id": "draft-1", "question": "What is a slice?", "gold": ["A slice is a subset."], "draft": "builtin"}\n'
CARD = {
    "intended_use": "Answers questions about the handbook.",
    "limitations": "Answers from the passages found, in English and Japanese.",
    "risks": "A wrong answer can mislead an operator; each cites its passage.",
    "affected_groups": "Operators, auditors and developers, in two languages.",
    "evaluation": "The suites that policy pins for production.",
    "contact": "docs@example.org",
}
ASSESSMENT = "A reader may act on a wrong answer: every answer is shown with its passages. Class: limited."


@dataclass
class Journey:
    """What was sent and answered, by operation: the first answer of each that succeeded."""

    api: ApiClient
    sent: dict[str, Any] = field(default_factory=dict)
    answered: dict[str, Any] = field(default_factory=dict)

    async def ask(self, operation: str, path: str, body: Any = None, *, by: str = "admin", **headers: str) -> Any:
        method = "GET" if body is None else "POST"
        token = self.api.admin_token if by == "admin" else await self.api.token_for(by)
        answer = await self.api.request(
            method, path, json=body or None, headers={"Authorization": f"Bearer {token}", **headers}
        )
        assert answer.is_success, f"{operation}: {answer.text}"
        if body:
            self.sent.setdefault(operation, body)
        if answer.content:
            self.answered.setdefault(operation, answer.json())
        return answer.json() if answer.content else None

    async def register(self, kind: str, manifest: dict[str, Any], name: str = "docs") -> str:
        body = {
            "manifest": manifest,
            "registration": {"author": "Ada <ada@example.org>", "commit": "6b91955", "labels": {"team": "docs"}},
        }
        path = f"{HERE}/artifacts/{kind}/{name}/versions"
        return str((await self.ask("register_version", path, body, by="author"))["version"]["digest"])


async def travel(api: ApiClient) -> Journey:
    """People, an agent, its card, an approval, a promotion, and everything that can be read of them."""
    journey = Journey(api)
    await _people(journey)
    await _agent(journey)
    await _jobs(journey)
    await _drafts(journey)
    await _promotion(journey)
    await _proofs(journey)
    await _policies(journey)
    return journey


async def _people(journey: Journey) -> None:
    ask = journey.ask
    await ask("healthz", "/healthz")
    await ask("readyz", "/readyz")
    await ask("create_project", "/v1/projects", {"name": "search"})
    await ask("list_projects", "/v1/projects")
    await ask("get_project", "/v1/projects/search")
    bob = {"name": "bob", "kind": "person", "display": "Bob", "email": "bob@example.org"}
    await ask("create_principal", "/v1/principals", bob)
    await ask("grant_role", "/v1/principals/bob/roles", {"project": "default", "role": "author"})
    await ask("get_principal", "/v1/principals/bob")
    await ask("list_principals", "/v1/principals")
    token = {"principal": "bob", "scopes": ["read", "promote"], "expires_in_days": 30}
    await ask("issue_token", "/v1/tokens", token)
    await ask("list_tokens", "/v1/tokens?principal=bob")
    await ask("whoami", "/v1/whoami", by="author")


async def _agent(journey: Journey) -> None:
    ask, api = journey.ask, journey.api
    page = digest_of_bytes(manifests.PAGE)
    await ask("missing_blobs", f"{HERE}/blobs/missing", {"digests": [page]}, by="author")
    headers = {**await api.role("author"), "content-type": "application/octet-stream"}
    for content in (manifests.PAGE, SPARE, CASES):
        await api.put(f"{HERE}/blobs/{digest_of_bytes(content)}", content=content, headers=headers)
    question = {"question": {"type": "string"}, "passages": {"type": "array"}}
    prompt = manifests.prompt("Answer from {{ passages }}: {{ question }}", variables=question)
    digests = {"prompt": await journey.register("prompt", prompt)}
    await journey.register("prompt", manifests.prompt("{{ passages }} {{ question }}", variables=question))
    parts = {"system": manifests.system(), "model": manifests.model(), "corpus": manifests.corpus()}
    for kind, manifest in parts.items():
        digests[kind] = await journey.register(kind, manifest)
    digests["index"] = await journey.register("index", manifests.index(digests["corpus"]))
    pins = {kind: digests[kind] for kind in ("system", "prompt", "index", "model")}
    await journey.register("agent", manifests.agent(pins))
    dataset = await journey.register("dataset", manifests.dataset(CASES, fields=["gold", "id", "question", "slices"]))
    await journey.register("suite", manifests.suite(dataset))
    prompts = f"{HERE}/artifacts/prompt/docs"
    await ask("list_artifacts", f"{HERE}/artifacts?kind=prompt")
    await ask("get_artifact", prompts)
    await ask("list_versions", f"{prompts}/versions")
    await ask("get_version", f"{prompts}/versions/v1")
    await ask("list_registrations", f"{prompts}/versions/v1/registrations")
    await ask("diff_versions", f"{prompts}/diff?from=v1&to=v2")
    await ask("get_lineage", f"{HERE}/artifacts/agent/docs/versions/v1/lineage")
    variables = {"question": "What is a stage?", "passages": ["A stage is a pointer that a promotion moves."]}
    await ask("render_prompt", f"{prompts}/versions/v1/render", {"variables": variables})
    await ask("list_available_models", f"{HERE}/models")


async def _jobs(journey: Journey) -> None:
    ask = journey.ask
    recipe = {"name": "docs", "corpus": "corpus/docs@latest", "retriever": {"mode": "hybrid", "k": 5}}
    build = await ask("start_build", f"{HERE}/builds", recipe, by="author")
    await ask("get_build", f"{HERE}/builds/{build['id']}")
    await ask("cancel_build", f"{HERE}/builds/{build['id']}/cancel", {})
    look = {"index": "index/docs@latest", "deep": {"sample": 50, "seed": 0}}
    verify = await ask("start_verification", f"{HERE}/verifications", look, by="author")
    await ask("get_verification", f"{HERE}/verifications/{verify['id']}")
    question = {"index": "index/docs@latest", "query": "Who may approve?", "k": 3, "why": True}
    beside = {"before": "index/docs@v1", "after": "index/docs@latest", "queries": "dataset/docs@latest", "k": 10}
    compare = await ask("start_index_comparison", f"{HERE}/index-comparisons", beside, by="author")
    await ask("get_index_comparison", f"{HERE}/index-comparisons/{compare['id']}")
    search = await ask("start_search", f"{HERE}/searches", question, by="author")
    await ask("get_search", f"{HERE}/searches/{search['id']}")
    look = await ask("start_profile", f"{HERE}/profiles", {"corpus": "corpus/docs@latest"}, by="author")
    await ask("get_profile", f"{HERE}/profiles/{look['id']}")
    measure = {"suite": "suite/docs@latest", "subject": "agent/docs@latest"}
    run = f"{HERE}/runs/{(await ask('start_run', f'{HERE}/runs', measure, by='author'))['id']}"
    await ask("get_run", run)
    await ask("list_runs", f"{HERE}/runs")
    await ask("list_cases", f"{run}/cases")
    await ask("cancel_run", f"{run}/cancel", {})
    await ask("list_builds", f"{HERE}/builds")
    await journey.register("corpus", manifests.corpus(SPARE), name="spare")
    gone = {"corpus": "corpus/spare", "document": "en/a.md", "reason": "Request 17 under Article 17 of the GDPR."}
    erasure = await ask("erase_document", f"{HERE}/erasures", gone, by="operator")
    await ask("get_erasure", f"{HERE}/erasures/{erasure['job_id']}")
    leak = {"subject": "agent/docs@latest", "dataset": "dataset/docs@latest"}
    check = await ask("check_overlap", f"{HERE}/overlaps", leak, by="author")
    await ask("get_overlap_check", f"{HERE}/overlaps/{check['id']}")
    await ask("list_overlaps", f"{HERE}/overlaps?subject=agent/docs@latest")
    labels = digest_of_bytes(LABELS)
    headers = {**await journey.api.role("author"), "content-type": "application/octet-stream"}
    await journey.api.put(f"{HERE}/blobs/{labels}", content=LABELS, headers=headers)
    trial = await ask("qualify_judge", f"{HERE}/qualifications", {"judge": "grounding", "labels": labels}, by="author")
    await ask("get_qualification", f"{HERE}/qualifications/{trial['id']}")
    await ask("list_qualifications", f"{HERE}/qualifications")
    await ask("cancel_qualification", f"{HERE}/qualifications/{trial['id']}/cancel", {})


async def _drafts(journey: Journey) -> None:
    ask, api = journey.ask, journey.api
    draft = await ask("start_draft", f"{HERE}/drafts", {"corpus": "corpus/docs@latest", "size": 20}, by="author")
    await ask("get_draft", f"{HERE}/drafts/{draft['id']}")
    content = digest_of_bytes(DRAFTS)
    headers = {**await api.role("author"), "content-type": "application/octet-stream"}
    await api.put(f"{HERE}/blobs/{content}", content=DRAFTS, headers=headers)
    taken = {"name": "drafted", "content": content, "licence": "Apache-2.0", "message": "Read them one by one."}
    await ask("accept_drafts", f"{HERE}/drafts/accept", taken, by="author")


async def _promotion(journey: Journey) -> None:
    ask = journey.ask
    await ask("add_card", f"{HERE}/cards", {"subject": "system/docs@latest", "card": CARD}, by="author")
    await ask("list_cards", f"{HERE}/cards?subject=system/docs@latest")
    assessed = {"subject": "system/docs@latest", "type": "risk-assessment", "document": ASSESSMENT, "days": 180}
    document = await ask("attest", f"{HERE}/attested", assessed, by="approver")
    await ask("list_attested", f"{HERE}/attested?subject=system/docs@latest")
    await ask("withdraw_attested", f"{HERE}/attested/{document['id']}/withdraw", {}, by="approver")
    await ask("scan_licences", f"{HERE}/licence-scans", {"subject": "agent/docs@latest"}, by="author")
    await ask("list_licence_scans", f"{HERE}/licence-scans?subject=agent/docs@latest")
    wanted = {"subject": "agent/docs@v1", "stage": "dev"}
    evidence = await ask("show_evidence", f"{HERE}/evidence?subject=agent/docs@v1&stage=dev")
    await ask("approve", f"{HERE}/approvals", {**wanted, "evidence_hash": evidence["hash"]}, by="approver")
    made = await ask("promote", f"{HERE}/promotions", wanted, by="author", **{"Idempotency-Key": "ci-17"})
    await ask("roll_back", f"{HERE}/rollbacks", {**wanted, "dry_run": True}, by="operator")
    decision = f"{HERE}/decisions/{made['decision']['id']}"
    await ask("show_decision", decision)
    await ask("list_decisions", f"{HERE}/decisions")
    await ask("show_attestation", f"{decision}/attestation")
    await ask("show_gate_input", f"{decision}/input")
    await ask("show_policy", "/v1/policy")
    await ask("get_stages", f"{HERE}/artifacts/agent/docs/stages")
    await ask("resolve", f"{HERE}/resolve/agent/docs?selector=dev")
    waiver = {**wanted, "stage": "production", "rule": "DOC-01", "reason": "the card is with the lawyers", "days": 7}
    granted = await ask("waive", f"{HERE}/waivers", waiver, by="approver")
    await ask("list_waivers", f"{HERE}/waivers?subject=agent/docs@v1")
    await ask("withdraw_waiver", f"{HERE}/waivers/{granted['id']}/withdraw", {}, by="approver")
    glass = {"reason": "the vendor is down", "hours": 4}
    broken = {"subject": "prompt/docs@v1", "stage": "production", "break_glass": glass}
    await ask("promote", f"{HERE}/promotions", broken, by="breakglass")
    leak = {"reason": "it answers with another tenant's data"}
    await ask("revoke_version", f"{HERE}/artifacts/prompt/docs/versions/v1/revoke", leak, by="operator")


async def _proofs(journey: Journey) -> None:
    ask = journey.ask
    await ask("list_keys", "/v1/keys")
    await ask("get_checkpoint", "/v1/ledger/checkpoint")
    await ask("list_ledger_entries", "/v1/ledger/entries?limit=2")
    await ask("get_ledger_entry", "/v1/ledger/entries/3")
    await ask("prove_inclusion", "/v1/ledger/entries/3/proof")
    await ask("prove_consistency", "/v1/ledger/consistency?first=3&second=7")
    await ask("verify_ledger", "/v1/ledger/verify", {})
    await ask("list_checkpoint_pushes", "/v1/ledger/pushes")
    await ask("list_decision_log_findings", "/v1/policy/decision-logs")


async def _policies(journey: Journey) -> None:
    ask, api = journey.ask, journey.api
    one, two = [await api.role("policy_owner", project="*", name=name) for name in ("olivia", "oscar")]
    content = {"files": {"user/acme.rego": ACME}}
    await ask("publish_policy", "/v1/policies", {"policy": "acme", "content": content, "message": "names"}, **one)
    await ask("list_policies", "/v1/policies")
    await ask("compare_policies", "/v1/policies/acme/difference?from=sekisho")
    await ask("preview_activation", "/v1/policies/acme/flips", **one)
    await ask("start_shadow", "/v1/policy/shadow", {"policy": "acme@v1"}, **one)
    await ask("report_shadow", "/v1/policy/shadow", **one)
    await ask("stop_shadow", "/v1/policy/shadow/stop", {}, **one)
    wanted = {"policy": "acme@v1", "reason": "agents are named well"}
    path = "/v1/policy/activations"
    first = await ask("propose_activation", path, wanted, **one)
    await ask("withdraw_activation", f"{path}/{first['id']}/withdraw", {}, **one)
    again = await ask("propose_activation", path, wanted, **one)
    await ask("show_activation", f"{path}/{again['id']}", **two)
    await ask("approve_activation", f"{path}/{again['id']}/approve", {"report": again["report_digest"]}, **two)
    await ask("list_activations", path, **two)


def steps(value: Any, place: str = "$") -> Iterator[str]:
    """Where in a JSON value there are fields, whatever their values."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{place}.{name}"
            yield from steps(inner, f"{place}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from steps(inner, f"{place}[]")
