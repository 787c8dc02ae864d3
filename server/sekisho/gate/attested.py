"""From cards, attested documents and licence scans to what policy reads of them. Pure."""

from __future__ import annotations

from sekisho.evidence.attesting import content_of
from sekisho.evidence.spdx import alternatives
from sekisho.evidence.types import Attested, Card, LicenceScan
from sekisho.gate.evidence_types import AttestedEvidence, CardEvidence, CardFields, LicenceEvidence, LicenceFinding


def card_evidence(card: Card) -> CardEvidence:
    return CardEvidence(
        id=card.id,
        subject=card.subject,
        origin="attested",
        principal=card.principal,
        created_at=card.created_at,
        fields=CardFields(**card.document.filled()),
    )


def document_evidence(attested: Attested, *, has_role: bool) -> AttestedEvidence:
    return AttestedEvidence(
        id=attested.id,
        type=attested.type,
        subject=attested.subject,
        origin="attested",
        principal=attested.principal,
        role=attested.role,
        has_role=has_role,
        at=attested.created_at,
        expires_at=attested.expires_at,
        withdrawn=attested.withdrawn_at is not None,
        content=content_of(attested),
        licence=alternatives(attested.licence),
    )


def scan_evidence(scan: LicenceScan) -> LicenceEvidence:
    """A scan by this server is measured: it read the bytes itself."""
    return LicenceEvidence(
        id=scan.id,
        subject=scan.subject,
        origin="measured",
        scanner=scan.scanner,
        at=scan.created_at,
        findings=tuple(
            LicenceFinding(
                source=one.source, place=one.place, said=one.said, alternatives=one.alternatives, count=one.count
            )
            for one in scan.findings
        ),
    )
