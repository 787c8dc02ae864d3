"""Whoever has the database in hand and changes a row that the log speaks of is found out, table by table."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.api_client import ApiClient
from tests.http.journey import travel
from tests.ledger.by_hand import problems_after

from sekisho.gate.decision_logs.types import PATH
from sekisho.ledger.pushing.targets import FileTarget

FORGED = "'sha256:" + "0" * 64 + "'"
BY_HAND = {
    "an author's words": ("UPDATE registrations SET author = 'Mallory'", "author is"),
    "a registration's commit": ("UPDATE registrations SET \"commit\" = 'other'", "commit is 'other'"),
    "a registration's hand": ("UPDATE registrations SET principal = 'mallory'", "principal is 'mallory'"),
    "a back-dated registration": ("UPDATE registrations SET created_at = created_at - 86400000", "created_at is"),
    "a removed registration": ("DELETE FROM registrations", "registration"),
    "a registration's message": ("UPDATE registrations SET message = 'other'", "said is"),
    "a registration's CI run": ("UPDATE registrations SET ci_run = 'other'", "said is"),
    "a registration's labels": ("UPDATE registrations SET labels = '{}'", "said is"),
    "an edge that leads elsewhere": (f"UPDATE edges SET to_digest = {FORGED} WHERE role = 'model'", "edges_as_named"),
    "a removed edge": ("DELETE FROM edges WHERE role = 'corpus'", "edges_as_named is False"),
    "an edge that nobody named": (
        f"INSERT INTO edges SELECT project, from_digest, 'index', {FORGED} FROM edges WHERE role = 'model'",
        "edges_as_named is False",
    ),
    "a file": (
        "UPDATE blobs SET data = (SELECT o.data FROM blobs o WHERE o.digest <> blobs.digest AND o.size > 0 LIMIT 1)",
        "edited is",
    ),
    "a file cut short": ("UPDATE blobs SET data = substr(data, 1, 1) WHERE size > 1", "edited is"),
    "a manifest": ("UPDATE versions SET manifest = replace(manifest, 'limited', 'minimal')", "manifest is"),
    "a version's number": ("UPDATE versions SET number = number + 7", "is gone"),
    "an archived version": ("UPDATE versions SET archived_at = 1", "archived is True"),
    "a pointer": ("UPDATE stage_pointers SET decision_id = 'none'", "decision is 'none'"),
    "a removed pointer": ("DELETE FROM stage_pointers", "is gone"),
    "a back-dated move": ("UPDATE stage_moves SET moved_at = 1", "moved_at is 1"),
    "a removed move": ("DELETE FROM stage_moves", "is gone"),
    "a decision's outcome": ("UPDATE decisions SET outcome = 'deny'", "outcome is 'deny'"),
    "a decision's input": ("UPDATE decisions SET input = replace(input, 'promote', 'rollback')", "input is"),
    "a decision's number": ("UPDATE decisions SET number = number + 1", "as_judged is False"),
    "a decision's engine": ("UPDATE decisions SET engine = 'none'", "as_signed is False"),
    "a rule's words": ("UPDATE decisions SET answer = replace(answer, 'message\":\"', 'message\":\"no ')", "answer is"),
    "an input that is none": ("UPDATE decisions SET input = '{'", "decision: a row does not read back"),
    "an outcome that is none": ("UPDATE decisions SET outcome = 'fine'", "decision: a row does not read back"),
    "a decision's signature": ("UPDATE decisions SET envelope = '{}'", "attestation is None"),
    "a back-dated decision": ("UPDATE decisions SET decided_at = decided_at - 60000", "as_signed is False"),
    "an override's end": ("UPDATE decisions SET override = replace(override, '00}', '01}')", "as_signed is False"),
    "an override's reason": ("UPDATE decisions SET override = replace(override, 'vendor', 'us')", "as_signed is False"),
    "an override that was none": ("UPDATE decisions SET override = NULL", "as_signed is False"),
    "a removed decision": ("DELETE FROM decisions", "is gone"),
    "a promotion's requester": ("UPDATE promotions SET requester = 'mallory'", "requester is 'mallory'"),
    "a promotion that was not": ("UPDATE promotions SET applied = NOT applied", "applied is"),
    "an approval's giver": ("UPDATE approvals SET principal = 'mallory'", "principal is 'mallory'"),
    "an approval's evidence": (f"UPDATE approvals SET evidence_hash = {FORGED}", "evidence is"),
    "a removed approval": ("DELETE FROM approvals", "is gone"),
    "an approval's life": ("UPDATE approvals SET expires_at = expires_at + 1", "expires_at is"),
    "an approval's token": ("UPDATE approvals SET token_id = 'other'", "token is"),
    "a waiver's rule": ("UPDATE waivers SET rule = 'OPS-01'", "rule is 'OPS-01'"),
    "a waiver's giver": ("UPDATE waivers SET principal = 'mallory'", "principal is 'mallory'"),
    "a waiver's life": ("UPDATE waivers SET expires_at = expires_at + 1", "expires_at is"),
    "a waiver's reason": ("UPDATE waivers SET reason = 'other'", "reason is"),
    "a withdrawal undone": ("UPDATE waivers SET withdrawn_at = NULL, withdrawn_by = NULL", "withdrawn_by is None"),
    "a removed waiver": ("DELETE FROM waivers", "is gone"),
    "a waiver nobody gave": (
        (
            "INSERT INTO waivers SELECT 'made-up', project, principal, kind, name, digest, number, stage, 'LIC-01', "
            "reason, token_id, created_at, expires_at, NULL, NULL FROM waivers LIMIT 1"
        ),
        "waiver made-up: no entry of the ledger made it",
    ),
    "a revocation's reason": ("UPDATE revocations SET reason = 'other'", "reason is"),
    "a revocation's hand": ("UPDATE revocations SET principal = 'mallory'", "principal is 'mallory'"),
    "a removed revocation": ("DELETE FROM revocations", "is gone"),
    "a revocation nobody made": (
        (
            "INSERT INTO revocations "
            "SELECT 'made-up', project, 'other', reason, principal, created_at FROM revocations LIMIT 1"
        ),
        "revocation made-up: no entry of the ledger made it",
    ),
    "a card": ("UPDATE cards SET document = replace(document, 'wrong', 'right')", "content is"),
    "a card's subject": (f"UPDATE cards SET subject = {FORGED}", "subject is"),
    "an attested document": ("UPDATE attested_documents SET document = 'no risk'", "content is"),
    "a withdrawal taken back": ("UPDATE attested_documents SET withdrawn_at = NULL", "withdrawn_at is None"),
    "a licence scan": ("UPDATE licence_scans SET findings = replace(findings, 'MIT', 'ISC')", "content is"),
    "a removed scan": ("DELETE FROM licence_scans", "is gone"),
    "a run's origin": ("UPDATE runs SET origin = 'imported'", "origin is 'imported'"),
    "a result that nobody measured": (f"UPDATE runs SET final_digest = {FORGED}", "final_digest is"),
    "a principal's creator": ("UPDATE principals SET created_by = NULL WHERE name <> 'admin'", "created_by is"),
    "a principal's kind": ("UPDATE principals SET kind = 'service'", "kind is 'service'"),
    "a role nobody granted": (
        "INSERT INTO roles SELECT name, '*', 'approver', name, 1 FROM principals WHERE name = 'admin'",
        "no entry of the ledger made it",
    ),
    "a role taken away": ("DELETE FROM roles WHERE principal <> 'admin'", "is gone"),
    "a token's life": ("UPDATE tokens SET expires_at = expires_at + 1", "expires_at is"),
    "a token's scopes": ("UPDATE tokens SET scopes = '[\"read\"]'", "scopes is"),
    "a revoked token": ("UPDATE tokens SET revoked_at = 1", "revoked is True"),
    "a policy's rule": ("UPDATE policies SET content = replace(content, 'four letters', 'no letters')", "content is"),
    "a policy's publisher": ("UPDATE policies SET published_by = 'mallory'", "published_by is 'mallory'"),
    "a removed policy": ("DELETE FROM policies WHERE name = 'acme'", "is gone"),
    "an activation's second owner": ("UPDATE policy_activations SET approved_by = 'eve'", "approved_by is 'eve'"),
    "an activation's flips": ("UPDATE policy_activations SET report = replace(report, 'same', 'none')", "report is"),
    "an activation undone": ("UPDATE policy_activations SET seq = NULL WHERE seq > 1", "seq is None"),
    "a removed activation": ("DELETE FROM policy_activations WHERE seq > 1", "is gone"),
    "a shadow's end": ("UPDATE policy_shadows SET stopped_by = 'mallory'", "stopped_by is 'mallory'"),
    "a shadow's verdict": ("UPDATE policy_shadow_findings SET outcome = 'error'", "content is"),
    "a removed finding": ("DELETE FROM policy_shadow_findings", "finding of a policy shadow"),
    "a finding nobody made": (
        (
            "INSERT INTO policy_shadow_findings SELECT shadow_id, 'made-up', subject, stage, decided, outcome, answer, "
            "error, took_ms, judged_at FROM policy_shadow_findings LIMIT 1"
        ),
        "made-up: no entry of the ledger made it",
    ),
    "what OPA answered": (f"UPDATE opa_questions SET answer_digest = {FORGED}", "answer is"),
    "a back-dated question": ("UPDATE opa_questions SET asked_at = 1", "asked_at is 1"),
    "a removed question": ("DELETE FROM opa_questions", "is gone"),
    "a line of OPA's log": ("UPDATE opa_log_lines SET line = '{}'", "content is"),
    "what the line says was answered": (f"UPDATE opa_log_lines SET answer_digest = {FORGED}", "content is"),
    "a removed line": ("DELETE FROM opa_log_lines", "is gone"),
    "a checkpoint that was pushed": (f"UPDATE checkpoint_pushes SET root = {FORGED}", "root is"),
    "a failure made a success": ("UPDATE checkpoint_pushes SET error = NULL WHERE error <> ''", "error is None"),
    "a removed push": ("DELETE FROM checkpoint_pushes", "is gone"),
    "an entry that leaves its row": ("DELETE FROM ledger_entries WHERE kind = 'card.attested'", "is missing"),
}  # fmt: skip


async def _ask_opa(api: ApiClient) -> None:
    """A question that OPA answered, and the line of its log about it."""
    logs = replace(api.services.decision_logs, token="t" * 32)
    await logs.asked("one", {"subject": "agent/docs"}, {"allow": True}, "sha256:" + "7" * 64)
    line = {"decision_id": "one", "path": PATH, "input": {"subject": "agent/docs"}, "result": {"allow": True}}
    await logs.take(gzip.compress(json.dumps([line]).encode()), "gzip")


async def _push(api: ApiClient, folder: Path) -> None:
    """A checkpoint that one place took and another did not."""
    targets = (FileTarget(folder / "kept.jsonl"), FileTarget(folder / "absent" / "kept.jsonl"))
    assert len(await replace(api.services.pushing, targets=targets).push_due()) == 1


async def _shadow(api: ApiClient) -> None:
    """Another policy that judged one decision alongside."""
    owner = await api.role("policy_owner", project="*", name="olivia")
    assert (await api.post("/v1/policy/shadow", json={"policy": "sekisho@v1"}, headers=owner)).is_success
    asked = {"subject": "agent/docs@v1", "stage": "dev"}
    path = "/v1/projects/default/promotions"
    assert (await api.post(path, json=asked, headers=await api.role("author"))).is_success
    await api.services.shadowing.settled()
    assert (await api.post("/v1/policy/shadow/stop", headers=owner)).is_success


@pytest.fixture
async def travelled(api: ApiClient, tmp_path: Path) -> ApiClient:
    """A server on which everything was done once."""
    await travel(api)
    await _shadow(api)
    await _ask_opa(api)
    await _push(api, tmp_path)
    return api


async def test_every_table_is_held_to_the_log(travelled: ApiClient) -> None:
    """What was done through the API holds; any change by hand is named, whichever row it is in."""
    ledger, database = travelled.services.ledger, travelled.services.database
    async with database.read() as tx:
        assert (await ledger.verify_in(tx)).problems == ()
    unseen = []
    for what, (statement, problem) in BY_HAND.items():
        found = await problems_after(ledger, statement)
        unseen += [] if any(problem in one for one in found) else [(what, found)]
    assert unseen == []
