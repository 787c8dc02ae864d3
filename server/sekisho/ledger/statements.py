"""The in-toto statement about a decision, and the proof of it offline. Pure: no server, no database, no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from sekisho.kernel.clock import from_epoch_ms, iso
from sekisho.kernel.digests import digest_of_bytes, is_digest
from sekisho.kernel.errors import IntegrityFailed, Invalid
from sekisho.kernel.json import decode_json
from sekisho.kernel.references import DEFAULT_PROJECT, DigestPrefix, parse_reference
from sekisho.ledger import merkle
from sekisho.ledger.audit import open_checkpoint
from sekisho.ledger.signing import STATEMENT_TYPE, PublicKey, load_public_key, signer_of
from sekisho.ledger.types import ATTESTATION, DECISION_MADE, Checkpoint, Entry, entry_of

IN_TOTO: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "https://sekisho.dev/decision/v1"

Outcome = Literal["allow", "deny", "error", "override"]


class RuleStatus(msgspec.Struct, frozen=True):
    """How one rule came out; `waived` is a flag on what did not pass."""

    id: str
    status: Literal["passed", "failed", "inconclusive", "missing", "not_applicable"]
    waived: bool = False


class PolicyUsed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which policy decided, by digest, and which engine ran it; the version is absent where none answered."""

    digest: str
    engine: str
    engine_version: str | None = None


class Sha256(msgspec.Struct, frozen=True):
    sha256: str


class Subject(msgspec.Struct, frozen=True):
    name: str
    digest: Sha256


class WaiverUsed(msgspec.Struct, frozen=True):
    """A person's exception that a decision rested on; past `expires_at` (epoch milliseconds) it counts no more."""

    id: str
    rule: str
    principal: str
    expires_at: int


class Overrode(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an ``override`` set aside, and for how long: past `until` (RFC 3339) the stage may not serve the subject.

    `reason` is the digest of the decision's id and the words, which may name people. `returns_to` is the digest that
    the stage serves again then unless policy allows the subject; absent where it served nothing before.
    """

    until: str
    reason: str
    rules: list[str]
    returns_to: str | None = None


class Decided(msgspec.Struct, frozen=True):
    """The predicate. As in-toto asks, fields that a later version adds are passed over.

    `dependencies` are the versions that the same decision moves along with the subject; absent where it moves none.
    `override` is there exactly where the outcome is ``override``, `waivers` where rules were waived.
    """

    decision_id: str
    outcome: Outcome
    action: str
    stage: str
    policy: PolicyUsed
    input_digest: str
    rules: list[RuleStatus]
    requester: str
    approvers: list[str]
    time: str
    dependencies: list[Subject] | msgspec.UnsetType = msgspec.UNSET
    override: Overrode | msgspec.UnsetType = msgspec.UNSET
    waivers: list[WaiverUsed] | msgspec.UnsetType = msgspec.UNSET


class Statement(msgspec.Struct, frozen=True, rename={"type_": "_type", "predicate_type": "predicateType"}):
    type_: Literal["https://in-toto.io/Statement/v1"]
    subject: list[Subject]
    predicate_type: Literal["https://sekisho.dev/decision/v1"]
    predicate: Decided


class Inclusion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    size: int
    hashes: list[str]


class Attestation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file that `sekisho verify` reads."""

    envelope: dict[str, Any]
    entry: dict[str, Any]
    inclusion: Inclusion
    checkpoint: dict[str, Any]


@dataclass(frozen=True, slots=True)
class VerifiedDecision:
    """What an attestation proves: this decision, about these bytes, at this place of the log, signed by `keyid`.

    `checkpoint_keyid` is another where the signing key was replaced between the decision and the checkpoint after it.
    """

    subject: str
    digest: str
    decision: Decided
    statement_digest: str
    entry: Entry
    checkpoint: Checkpoint
    keyid: str
    checkpoint_keyid: str

    @property
    def allowed(self) -> bool:
        return self.decision.outcome == "allow"

    def as_json(self) -> dict[str, Any]:
        """For a program that reads what `sekisho verify --json` prints."""
        return {
            "authentic": True,
            "subject": self.subject,
            "digest": self.digest,
            **msgspec.to_builtins(self.decision),
            "statement": self.statement_digest,
            "ledger": {"origin": self.checkpoint.origin, "seq": self.entry.seq, "size": self.checkpoint.size},
            "keyid": self.keyid,
            "checkpoint_keyid": self.checkpoint_keyid,
        }

    def require(self, *, project: str = DEFAULT_PROJECT, subject: str | None = None, stage: str | None = None) -> None:
        """Raises `IntegrityFailed` where the decision is about something else than the caller demands.

        `subject` is a digest, a name (``[project/]kind/name``, in `project` where it names none), or both
        (``kind/name@sha256:…``).
        """
        if subject is not None:
            self._require_subject(subject, project)
        if stage is not None and stage != self.decision.stage:
            raise IntegrityFailed(f"the decision is about the stage {self.decision.stage}, not {stage}")

    def _require_subject(self, subject: str, project: str) -> None:
        name, digest = None, subject
        if not is_digest(subject):
            reference = parse_reference(subject, project=project)
            name = f"{reference.project}/{reference.label}"
            if reference.selector is not None and not isinstance(reference.selector, DigestPrefix):
                raise Invalid(
                    f"{subject!r} means something only a server knows",
                    remedy="give a name without a selector, or one with @sha256:<digest>; --stage names the stage",
                )
            digest = "" if reference.selector is None else f"sha256:{reference.selector.hex}"
        if name is not None and name != self.subject:
            raise IntegrityFailed(f"the decision is about {self.subject}, not {name}")
        if not self.digest.startswith(digest):
            raise IntegrityFailed(f"the decision is about {self.digest}, not {digest}")


def decision_statement(
    *, subject: str, digest: str, decision_id: str, outcome: Outcome, action: str, stage: str, policy: PolicyUsed,
    input_digest: str, rules: Sequence[RuleStatus], requester: str, approvers: Sequence[str], time: int,
    dependencies: Sequence[tuple[str, str]] = (), override: Overrode | None = None,
    waivers: Sequence[WaiverUsed] = (),
) -> dict[str, Any]:  # fmt: skip
    """The statement to sign. `subject` is ``project/kind/name``, `digest` its version's, `time` epoch milliseconds.

    `dependencies` are name and digest of each version that moves along.
    """
    along = [_subject(name, found) for name, found in dependencies]
    statement = Statement(
        type_="https://in-toto.io/Statement/v1",
        subject=[_subject(subject, digest)],
        predicate_type="https://sekisho.dev/decision/v1",
        predicate=Decided(
            decision_id=decision_id, outcome=outcome, action=action, stage=stage, policy=policy,
            input_digest=input_digest, rules=list(rules), requester=requester, approvers=list(approvers),
            time=iso(from_epoch_ms(time)), dependencies=along or msgspec.UNSET,
            override=override or msgspec.UNSET, waivers=list(waivers) or msgspec.UNSET,
        ),
    )  # fmt: skip
    return dict(msgspec.to_builtins(statement))


def _subject(name: str, digest: str) -> Subject:
    return Subject(name, Sha256(digest.removeprefix("sha256:")))


def verify_attestation(file: bytes, public_pem: str, *further_pems: str) -> VerifiedDecision:
    """Prove an attestation file with nothing but the public key, or the several that the server has had.

    Each signature must be by one of them. In turn: the signature over the statement, the statement's form, that the
    ledger entry names this very statement and subject, the checkpoint's signature, and the entry's inclusion under
    the checkpoint. Raises `IntegrityFailed` saying which of them does not hold, `Invalid` where a key is none.
    """
    keys = _by_keyid(load_public_key(pem) for pem in (public_pem, *further_pems))
    attestation = _read(file)
    key = signer_of(attestation.envelope, keys)
    payload = key.verify(attestation.envelope, STATEMENT_TYPE)
    statement = _statement(payload)
    entry = _entry(attestation.entry)
    subject, digest = statement.subject[0].name, f"sha256:{statement.subject[0].digest.sha256}"
    _require_about(entry, digest_of_bytes(payload), digest, subject)
    sealed_by = signer_of(attestation.checkpoint, keys)
    checkpoint = open_checkpoint(attestation.checkpoint, {sealed_by.keyid: sealed_by})
    _require_included(entry, attestation.inclusion, checkpoint)
    return VerifiedDecision(
        subject, digest, statement.predicate, digest_of_bytes(payload), entry, checkpoint, key.keyid, sealed_by.keyid
    )


def signed_statement(envelope: Mapping[str, Any], keys: Iterable[PublicKey]) -> Statement:
    """The statement in a decision's envelope, once its signature by one of the keys is proven.

    Raises `IntegrityFailed`. It says nothing of the ledger: `verify_attestation` does.
    """
    key = signer_of(envelope, _by_keyid(keys))
    return _statement(key.verify(envelope, STATEMENT_TYPE))


def kept_checkpoint(file: bytes, *keys: PublicKey) -> Checkpoint:
    """A checkpoint as `sekisho ledger checkpoint --json` prints it, or its envelope. Raises `IntegrityFailed`."""
    try:
        content = decode_json(file)
    except Invalid as error:
        raise IntegrityFailed("the kept checkpoint is not JSON") from error
    envelope = content.get("envelope", content) if isinstance(content, dict) else content
    return open_checkpoint(envelope, _by_keyid(keys))


def kept_checkpoints(file: bytes, *keys: PublicKey) -> tuple[Checkpoint, ...]:
    """One such checkpoint, or one a line, as `sekisho ledger checkpoint --out` keeps them. Raises `IntegrityFailed`."""
    lines = [line for line in file.splitlines() if line.strip()]
    if all(line.lstrip().startswith(b"{") and line.rstrip().endswith(b"}") for line in lines) and lines:
        return tuple(kept_checkpoint(line, *keys) for line in lines)
    return (kept_checkpoint(file, *keys),)


def verify_growth(former: Checkpoint, current: Any, proof: Mapping[str, Any], *keys: PublicKey) -> None:
    """That the log under the checkpoint envelope `current` begins with the log that `former` signed.

    `proof` is the server's consistency proof. Raises `IntegrityFailed` where the log was cut short, rewritten, or
    replaced by another.
    """
    now = open_checkpoint(current, _by_keyid(keys))
    if now.origin != former.origin:
        raise IntegrityFailed(f"the server's log is now {now.origin}; the kept checkpoint is of {former.origin}")
    if now.size < former.size:
        raise IntegrityFailed(f"the log was cut short: it has {now.size} entries and had {former.size}")
    try:
        hashes = [merkle.raw(value) for value in proof["hashes"]]
        roots = merkle.raw(former.root), merkle.raw(now.root)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityFailed(f"the consistency proof cannot be read: {error}") from error
    if not merkle.verify_consistency(former.size, now.size, *roots, hashes):
        raise IntegrityFailed(f"the first {former.size} entries are not those that the kept checkpoint signed")


def _by_keyid(keys: Iterable[PublicKey]) -> dict[str, PublicKey]:
    return {key.keyid: key for key in keys}


def _read(file: bytes) -> Attestation:
    try:
        return msgspec.convert(decode_json(file), Attestation)
    except Invalid as error:
        places = "; ".join(f"{field.path}: {field.message}" for field in error.fields)
        raise IntegrityFailed(f"the attestation file is damaged: {places}") from error
    except msgspec.ValidationError as error:
        raise IntegrityFailed(f"the file is not an attestation: {error}") from error


def _statement(payload: bytes) -> Statement:
    try:
        statement = msgspec.convert(decode_json(payload), Statement)
    except (Invalid, msgspec.ValidationError) as error:
        raise IntegrityFailed(f"what is signed is not a decision's statement: {error}") from error
    if len(statement.subject) != 1 or not is_digest(f"sha256:{statement.subject[0].digest.sha256}"):
        raise IntegrityFailed("the statement does not have exactly one subject with a sha256 digest")
    return statement


def _entry(content: dict[str, Any]) -> Entry:
    try:
        entry = entry_of(content)
    except ValueError as error:
        raise IntegrityFailed(f"the attestation's ledger entry is damaged: {error}") from error
    return entry


def _require_about(entry: Entry, statement: str, digest: str, subject: str) -> None:
    if entry.kind != DECISION_MADE:
        raise IntegrityFailed(f"ledger entry {entry.seq} records {entry.kind}, not a decision")
    if entry.body.get(ATTESTATION) != statement:
        raise IntegrityFailed(f"ledger entry {entry.seq} names another statement than the signed one")
    if entry.subject != digest or not subject.startswith(f"{entry.project}/"):
        raise IntegrityFailed(f"ledger entry {entry.seq} is about another subject than the signed statement")


def _require_included(entry: Entry, inclusion: Inclusion, checkpoint: Checkpoint) -> None:
    if inclusion.size != checkpoint.size:
        raise IntegrityFailed(
            f"the inclusion proof is for {inclusion.size} entries, the checkpoint for {checkpoint.size}"
        )
    try:
        hashes, root = [merkle.raw(value) for value in inclusion.hashes], merkle.raw(checkpoint.root)
        leaf = entry.leaf()
    except (ValueError, Invalid) as error:
        raise IntegrityFailed(f"the inclusion proof cannot be read: {error}") from error
    if not merkle.verify_inclusion(leaf, entry.seq, checkpoint.size, hashes, root):
        raise IntegrityFailed(f"ledger entry {entry.seq} is not under the signed checkpoint of size {checkpoint.size}")
