"""Attestations, proven with nothing but the public key."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ledger.attested import DIGEST, SUBJECT, as_file, decide, statement
from tests.ledger.entries import append

from sekisho.kernel.errors import IntegrityFailed, Invalid
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import STATEMENT_TYPE, load_or_create_signer
from sekisho.ledger.statements import kept_checkpoint, verify_attestation, verify_growth
from sekisho.ledger.types import ATTESTATION, DECISION_MADE, Reader


@pytest.fixture
async def attestation(ledger: Ledger) -> dict[str, Any]:
    """An allowing decision among other entries."""
    await append(ledger, 3)
    return await decide(ledger, statement())


@pytest.mark.parametrize("file", [b"", b"{", b"[]", b"{}", b"\xff", b"null", b'{"envelope":{},"envelope":{}}'])
def test_a_file_that_is_no_attestation(ledger: Ledger, file: bytes) -> None:
    """Any other file is an integrity failure that says so."""
    with pytest.raises(IntegrityFailed, match="attestation"):
        verify_attestation(file, ledger.signer.public_pem)


async def test_an_authentic_decision(ledger: Ledger, attestation: dict[str, Any]) -> None:
    """What is signed comes out as it went in."""
    found = verify_attestation(as_file(attestation), ledger.signer.public_pem)
    assert (found.subject, found.digest, found.allowed) == (SUBJECT, DIGEST, True)
    assert (found.decision.stage, found.decision.requester, found.decision.approvers) == ("production", "ci", ["bob"])
    assert [(rule.id, rule.status, rule.waived) for rule in found.decision.rules] == [
        ("LIN-001", "passed", False),
        ("EVA-002", "failed", True),
    ]
    assert (found.entry.seq, found.keyid) == (3, ledger.signer.keyid)
    assert found.as_json()["outcome"] == "allow"


async def test_the_same_decision_gives_the_same_file(ledger: Ledger, attestation: dict[str, Any]) -> None:
    """However the log has grown since, and the older file still verifies."""
    await append(ledger, 5)
    again = await ledger.attestation(attestation["envelope"], 3)
    assert json.loads(json.dumps(again)) == attestation
    verify_attestation(as_file(again), ledger.signer.public_pem)


async def test_a_key_replaced_before_the_covering_checkpoint(ledger: Ledger, everyone: Reader, tmp_path: Path) -> None:
    """Decision by the former key, checkpoint by the new one: both are needed, both are named, a stranger's is not."""
    await append(ledger)
    kept = await ledger.checkpoint(everyone)
    envelope, named = ledger.attest(statement())
    fresh = load_or_create_signer(tmp_path / "signing.pem")
    rotated = Ledger(ledger.database, ledger.clock, fresh, (ledger.signer.public,))
    async with ledger.database.write() as tx:
        entry = await ledger.append(
            tx, kind=DECISION_MADE, project="default", principal="ci", subject=DIGEST, body={ATTESTATION: named}
        )
    file = as_file(json.loads(json.dumps(await rotated.attestation(envelope, entry.seq))))
    old, new = ledger.signer.public_pem, fresh.public_pem
    for pems in ((old, new), (new, old)):
        found = verify_attestation(file, *pems)
        assert (found.keyid, found.checkpoint_keyid) == (ledger.signer.keyid, fresh.keyid)
        assert found.as_json()["checkpoint_keyid"] == fresh.keyid
    stranger = load_or_create_signer(tmp_path / "stranger.pem").public_pem
    for wrong in ((old,), (new,), (old, stranger), (new, stranger)):
        with pytest.raises(IntegrityFailed, match="not by"):
            verify_attestation(file, *wrong)
    keys = (ledger.signer.public, fresh.public)
    now = await rotated.checkpoint(everyone)
    proof = {"hashes": list((await rotated.consistency(everyone, kept.size, now.size)).hashes)}
    verify_growth(kept_checkpoint(json.dumps(kept.envelope).encode(), *keys), now.envelope, proof, *keys)


@pytest.mark.parametrize("outcome", ["deny", "error", "override"])
async def test_another_outcome_is_authentic_too(ledger: Ledger, outcome: Any) -> None:
    """It verifies, and says that it does not allow."""
    found = verify_attestation(as_file(await decide(ledger, statement(outcome))), ledger.signer.public_pem)
    assert (found.decision.outcome, found.allowed) == (outcome, False)


def test_a_statement_has_the_in_toto_form() -> None:
    """Type, subject, predicate type and the predicate's fields are those of the published form."""
    made = statement()
    assert made["_type"] == "https://in-toto.io/Statement/v1"
    assert made["subject"] == [{"name": SUBJECT, "digest": {"sha256": "ab" * 32}}]
    assert made["predicateType"] == "https://sekisho.dev/decision/v1"
    assert made["predicate"]["policy"] == {
        "digest": "sha256:" + "cd" * 32,
        "engine": "regorus",
        "engine_version": "0.9.1",
    }
    assert made["predicate"]["time"].endswith("Z")


FORGED: dict[str, tuple[dict[str, Any], str]] = {
    "a signed statement of another form": ({"predicate": {}}, "not a decision's statement"),
    "another predicate": ({"predicateType": "https://slsa.dev/provenance/v1"}, "not a decision's statement"),
    "no subject": ({"subject": []}, "exactly one subject"),
    "two subjects": ({"subject": [{"name": "a", "digest": {"sha256": "0" * 64}}] * 2}, "exactly one subject"),
    "a subject without a whole digest": ({"subject": [{"name": "a", "digest": {"sha256": "00"}}]}, "exactly one"),
}


@pytest.mark.parametrize("what", FORGED)
async def test_a_signed_payload_that_is_no_decision(ledger: Ledger, what: str) -> None:
    """A good signature over something else proves nothing."""
    changes, reason = FORGED[what]
    file = as_file(await decide(ledger, {**statement(), **changes}))
    with pytest.raises(IntegrityFailed, match=reason):
        verify_attestation(file, ledger.signer.public_pem)


async def test_an_entry_about_something_else(ledger: Ledger) -> None:
    """The ledger entry must be a decision's, name this statement, and be about the same subject."""
    other = "sha256:" + "0" * 64
    for file, reason in (
        (await decide(ledger, statement(), kind="card.filed"), "records card.filed"),
        (await decide(ledger, statement(), named=other), "names another statement"),
        (await decide(ledger, statement(), subject=other), "another subject"),
        (await decide(ledger, statement(), project="elsewhere"), "another subject"),
    ):
        with pytest.raises(IntegrityFailed, match=reason):
            verify_attestation(as_file(file), ledger.signer.public_pem)


async def test_parts_of_two_attestations_do_not_mix(ledger: Ledger, attestation: dict[str, Any]) -> None:
    """A denial cannot be dressed with an allow's envelope, entry, proof or checkpoint."""
    denied = await decide(ledger, statement("deny"))
    for part in ("envelope", "entry", "inclusion", "checkpoint"):
        with pytest.raises(IntegrityFailed):
            verify_attestation(as_file({**denied, part: attestation[part]}), ledger.signer.public_pem)


CHANGED: dict[str, tuple[Any, str]] = {
    "an entry's field": (lambda a: a["entry"].update(principal="eve"), "not under the signed checkpoint"),
    "an entry's extra field": (lambda a: a["entry"].update(extra=1), "ledger entry is damaged"),
    "an entry's missing field": (lambda a: a["entry"].pop("kind"), "ledger entry is damaged"),
    "an entry's place": (lambda a: a["entry"].update(seq=2), "not under the signed checkpoint"),
    "an entry's unhashable number": (lambda a: a["entry"].update(time=2**60), "proof cannot be read"),
    "the proof's size": (lambda a: a["inclusion"].update(size=9), "for 9 entries"),
    "the proof's hashes": (lambda a: a["inclusion"]["hashes"].reverse(), "not under the signed checkpoint"),
    "a hash that is none": (lambda a: a["inclusion"].update(hashes=["x"]), "proof cannot be read"),
    "the checkpoint": (lambda a: a["checkpoint"].update(payload=base64.b64encode(b"{}").decode()), "does not fit"),
    "the checkpoint's type": (lambda a: a["checkpoint"].update(payloadType=STATEMENT_TYPE), "payload is"),
    "an extra part": (lambda a: a.update(extra={}), "not an attestation"),
    "a missing part": (lambda a: a.pop("entry"), "not an attestation"),
}


@pytest.mark.parametrize("what", CHANGED)
async def test_a_changed_attestation(ledger: Ledger, attestation: dict[str, Any], what: str) -> None:
    """Each change is an integrity failure that names what does not hold."""
    change, reason = CHANGED[what]
    change(attestation)
    with pytest.raises(IntegrityFailed, match=reason):
        verify_attestation(as_file(attestation), ledger.signer.public_pem)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(min_value=0), byte=st.integers(0, 255))
def test_no_changed_byte_tells_another_story(
    ledger: Ledger, attestation: dict[str, Any], place: int, byte: int
) -> None:
    """A file with any byte replaced is refused, or still proves the very same decision."""
    file = bytearray(as_file(attestation))
    file[place % len(file)] = byte
    whole = verify_attestation(as_file(attestation), ledger.signer.public_pem)
    try:
        found = verify_attestation(bytes(file), ledger.signer.public_pem)
    except IntegrityFailed:
        return
    assert (found.decision, found.digest, found.entry) == (whole.decision, whole.digest, whole.entry)


async def test_what_a_caller_may_demand(ledger: Ledger, attestation: dict[str, Any]) -> None:
    """Name, digest, both, and stage are compared with what is signed."""
    found = verify_attestation(as_file(attestation), ledger.signer.public_pem)
    for subject in ("agent/docs-assistant", SUBJECT, DIGEST, f"agent/docs-assistant@{DIGEST}", f"{SUBJECT}@{'ab' * 6}"):
        found.require(subject=subject, stage="production")
    for subject in ("agent/other", "other/agent/docs-assistant", "sha256:" + "0" * 64, f"{SUBJECT}@{'00' * 6}"):
        with pytest.raises(IntegrityFailed, match="not"):
            found.require(subject=subject)
    with pytest.raises(IntegrityFailed, match="stage production, not staging"):
        found.require(stage="staging")
    for subject in ("agent/docs-assistant@production", "agent/docs-assistant@latest", "nonsense"):
        with pytest.raises(Invalid):
            found.require(subject=subject)
    with pytest.raises(IntegrityFailed, match="not elsewhere"):
        found.require(project="elsewhere", subject="agent/docs-assistant")


async def test_a_log_that_only_grew(ledger: Ledger, everyone: Reader) -> None:
    """A kept checkpoint, as the command prints it or its bare envelope, is proven to be the beginning of the log."""
    await append(ledger, 3)
    kept = await ledger.checkpoint(everyone)
    await append(ledger, 4)
    now = await ledger.checkpoint(everyone)
    proof = {"hashes": list((await ledger.consistency(everyone, kept.size, now.size)).hashes)}
    for file in ({**kept.content(), "envelope": kept.envelope}, kept.envelope):
        former = kept_checkpoint(json.dumps(file).encode(), ledger.signer.public)
        verify_growth(former, now.envelope, proof, ledger.signer.public)
    with pytest.raises(IntegrityFailed, match="are not those"):
        verify_growth(former, now.envelope, {"hashes": []}, ledger.signer.public)
    with pytest.raises(IntegrityFailed, match="cannot be read"):
        verify_growth(former, now.envelope, {}, ledger.signer.public)
    with pytest.raises(IntegrityFailed, match="cut short"):
        verify_growth(now, kept.envelope, proof, ledger.signer.public)


@pytest.mark.parametrize("file", [b"", b"[]", b"{}", b'{"envelope": 1}'])
def test_a_kept_checkpoint_that_is_none(ledger: Ledger, file: bytes) -> None:
    """Any other file is refused as such."""
    with pytest.raises(IntegrityFailed):
        kept_checkpoint(file, ledger.signer.public)
