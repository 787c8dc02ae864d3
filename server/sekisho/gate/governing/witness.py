"""Published policies, activations, shadows and what these found, held to the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from sekisho.gate.governing.publishing import PUBLISHED
from sekisho.gate.governing.shadowing import JUDGED
from sekisho.gate.governing.standing import ACTIVATED
from sekisho.gate.governing.store import ActivationStore, PolicyStore, ShadowStore
from sekisho.identity.types import SYSTEM
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import canonical_json, digest_of, digest_of_bytes
from sekisho.ledger.types import Entry
from sekisho.ledger.witness import Facts, Moment, Standing


class PublishedPolicies:
    """The content is taken the digest of anew."""

    what = "published policy"
    kinds = frozenset({PUBLISHED})

    def told(self, entry: Entry, standing: Standing) -> None:
        body = entry.body
        content = body["content"]
        standing[body["policy"]] = {
            "digest": entry.subject,
            "content": content,
            "content_digest": content,
            "base": body["base"],
            "origin": body["origin"],
            "message": body["message"],
            "published_by": entry.principal,
            "published_at": Moment(entry.time),
        }

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for published, content in PolicyStore(tx).each():
            yield (
                published.label,
                {
                    "digest": published.digest,
                    "content": digest_of(content),
                    "content_digest": published.content_digest,
                    "base": published.base,
                    "origin": published.origin.value,
                    "message": published.message,
                    "published_by": published.published_by,
                    "published_at": published.published_at,
                },
            )


class Activations:
    """A proposal, then its withdrawal or the second owner's approval; what was signed is compared byte for byte."""

    what = "policy activation"
    kinds = frozenset({"policy.proposed", "policy.withdrawn", ACTIVATED})

    def told(self, entry: Entry, standing: Standing) -> None:
        body = entry.body
        known = dict(standing.get(body["activation"], {}))
        known |= {"policy": body["policy"], "digest": entry.subject, "reason": body["reason"]}
        known |= {"accepted": body["accepted"], "report": body["report"], "report_digest": body["report"]}
        if entry.kind == "policy.withdrawn":
            known |= {"withdrawn_by": entry.principal, "withdrawn_at": Moment(entry.time)}
        else:
            known["from"] = body["from"]
        if entry.kind == "policy.proposed":
            known |= {"proposed_by": entry.principal, "proposed_at": Moment(entry.time)}
            known |= {"seq": None, "approved_by": "", "withdrawn_by": "", "signed": None}
        if entry.kind == ACTIVATED:
            first = entry.principal == SYSTEM
            known |= {"seq": body["seq"], "approved_by": "" if first else entry.principal}
            known |= {"approved_at": Moment(entry.time), "proposed_by": body["proposed_by"]}
            known["signed"] = body["attestation"]
        standing[body["activation"]] = known

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for one in ActivationStore(tx).each():
            signed: Any = None if one.envelope is None else digest_of_bytes(canonical_json(one.signed()))
            yield (
                one.id,
                {
                    "policy": one.label,
                    "digest": one.digest,
                    "reason": one.reason,
                    "accepted": one.accepted or "",
                    "report": digest_of(one.report),
                    "report_digest": one.report_digest,
                    "from": one.from_digest or "",
                    "proposed_by": one.proposed_by,
                    "proposed_at": one.proposed_at,
                    "approved_by": one.approved_by or "",
                    "approved_at": one.approved_at,
                    "withdrawn_by": one.withdrawn_by or "",
                    "withdrawn_at": one.withdrawn_at,
                    "seq": one.seq,
                    "signed": signed,
                },
            )


class Shadows:
    what = "policy shadow"
    kinds = frozenset({"policy.shadow_started", "policy.shadow_stopped"})

    def told(self, entry: Entry, standing: Standing) -> None:
        body = entry.body
        known = {"policy": body["policy"], "digest": entry.subject}
        if entry.kind == "policy.shadow_started":
            known |= {"started_by": entry.principal, "started_at": Moment(entry.time), "stopped_by": None}
        else:
            known = {**standing[body["shadow"]], "stopped_by": entry.principal, "stopped_at": Moment(entry.time)}
        standing[body["shadow"]] = known

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for one in ShadowStore(tx).each():
            yield (
                one.id,
                {
                    "policy": one.label,
                    "digest": one.digest,
                    "started_by": one.started_by,
                    "started_at": one.started_at,
                    "stopped_by": one.stopped_by,
                    "stopped_at": one.stopped_at,
                },
            )


class ShadowFindings:
    """The digest of all that a finding says is taken anew."""

    what = "finding of a policy shadow"
    kinds = frozenset({JUDGED})

    def told(self, entry: Entry, standing: Standing) -> None:
        for decision, content in entry.body["findings"].items():
            standing[f"{entry.body['shadow']} {decision}"] = {"content": content}

    async def rows(self, tx: Transaction) -> AsyncIterator[tuple[str, Facts]]:
        async for one in ShadowStore(tx).each_finding():
            yield f"{one.shadow_id} {one.decision_id}", {"content": one.content_digest}
