"""Every table that the log speaks of, with the witness that holds it to the log."""

from __future__ import annotations

from collections.abc import Iterable

from sekisho.evaluation.judges.witness import Qualifications
from sekisho.evaluation.witness import Runs
from sekisho.evidence.overlap.witness import OverlapChecks
from sekisho.evidence.witness import AttestedDocuments, Cards, LicenceScans
from sekisho.gate.decision_logs.witness import OpaLogLines, OpaQuestions
from sekisho.gate.governing.witness import Activations, PublishedPolicies, ShadowFindings, Shadows
from sekisho.gate.witness import Decisions, GivenApprovals, GivenWaivers, Promotions
from sekisho.identity.witness import Principals, Roles, Tokens
from sekisho.indexing.witness import IndexBuilds, IndexChunks
from sekisho.ledger.pushing.witness import CheckpointPushes
from sekisho.ledger.signing import PublicKey
from sekisho.ledger.witness import Witness
from sekisho.registry.witness import Blobs, Moves, Registrations, Revocations, Stages, Versions


def witnesses(keys: Iterable[PublicKey]) -> tuple[Witness, ...]:
    """`keys` are those that decisions of this server may be signed with."""
    decisions = Decisions({key.keyid: key for key in keys})
    identity, registry = (
        (Principals(), Roles(), Tokens()),
        (Versions(), Registrations(), Blobs(), Revocations(), Stages(), Moves()),
    )
    measured = (IndexBuilds(), IndexChunks(), Runs(), Qualifications())
    evidence = (Cards(), AttestedDocuments(), LicenceScans(), OverlapChecks())
    gate = (decisions, Promotions(), GivenApprovals(), GivenWaivers())
    governing = (PublishedPolicies(), Activations(), Shadows(), ShadowFindings())
    seen = (OpaQuestions(), OpaLogLines(), CheckpointPushes())
    return (*identity, *registry, *measured, *evidence, *gate, *governing, *seen)
