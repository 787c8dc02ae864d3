"""REST of the gate."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Controller, MediaType, Response, get, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from sekisho.gate.approvals import Approvals
from sekisho.gate.bundle import Bundle
from sekisho.gate.decision_logs.api import controllers as decision_logs
from sekisho.gate.explaining.formats import MEDIA_TYPES, Format, format_of, rendered
from sekisho.gate.explaining.shape import decision_json
from sekisho.gate.governing.api import controllers as governing
from sekisho.gate.governing.standing import PolicyInForce
from sekisho.gate.overrides.types import BreakGlass
from sekisho.gate.policies import PolicySet
from sekisho.gate.records import Approval
from sekisho.gate.service import Gate, Promoted
from sekisho.gate.waiver_api import controllers as waivers
from sekisho.identity.types import Actor
from sekisho.kernel.injection import Injected
from sekisho.kernel.references import parse_reference

Key = Annotated[
    str | None,
    HeaderParameter(name="Idempotency-Key", description="Repeat a request under the same key without harm."),
]
FORMATS: Final = f"One of {', '.join(Format)}."
Known = Annotated[str | None, HeaderParameter(name="If-None-Match")]


class NewBreakGlass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """That a denial is to be set aside, why, and for how many hours; then policy judges the version again."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    hours: Annotated[int, msgspec.Meta(ge=1, le=24)]


class NewPromotion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which version is to move, and where; with its dependencies, all that it is made from moves too, or nothing.

    A dry run decides and keeps nothing. Break-glass takes the role `breakglass`, and a person without a hand in it.
    """

    subject: Annotated[str, msgspec.Meta(examples=["agent/docs-assistant@v2"])]
    stage: Annotated[str, msgspec.Meta(examples=["production"])]
    dry_run: bool = False
    with_dependencies: bool = False
    break_glass: NewBreakGlass | msgspec.UnsetType = msgspec.UNSET


class NewRollback(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which version a stage is to return to. A dry run decides and keeps nothing."""

    subject: Annotated[str, msgspec.Meta(examples=["agent/docs-assistant@v1"])]
    stage: Annotated[str, msgspec.Meta(examples=["production"])]
    dry_run: bool = False


class NewApproval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A yes to exactly this version, stage and evidence."""

    subject: Annotated[str, msgspec.Meta(examples=["agent/docs-assistant@v2"])]
    stage: Annotated[str, msgspec.Meta(examples=["production"])]
    evidence_hash: Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")]


class PromotionController(Controller):
    """Promotions and roll-backs: the only ways in which a stage's pointer moves."""

    path = "/v1/projects/{project:str}"
    tags = ("gate",)

    @post("/promotions", operation_id="promote")
    async def promote(
        self,
        project: FromPath[str],
        data: JSONBody[NewPromotion],
        actor: Injected[Actor],
        gate: Injected[Gate],
        policy_in_force: Injected[PolicyInForce],
        idempotency_key: Key = None,
    ) -> Response[dict[str, Any]]:
        """Ask for a version to be moved to a stage. It moves only where the decision is `allow`, or `override`."""
        reference = parse_reference(data.subject, project=project)
        glass = data.break_glass
        promoted = await gate.promote(
            actor,
            reference,
            data.stage,
            dry_run=data.dry_run,
            key=idempotency_key,
            with_dependencies=data.with_dependencies,
            break_glass=BreakGlass(glass.reason, glass.hours) if isinstance(glass, NewBreakGlass) else None,
        )
        return _promoted(promoted, policy_in_force.current.policies)

    @post("/rollbacks", operation_id="roll_back")
    async def roll_back(
        self,
        project: FromPath[str],
        data: JSONBody[NewRollback],
        actor: Injected[Actor],
        gate: Injected[Gate],
        policy_in_force: Injected[PolicyInForce],
        idempotency_key: Key = None,
    ) -> Response[dict[str, Any]]:
        """Ask for a stage to return to a version that was formerly allowed there."""
        reference = parse_reference(data.subject, project=project)
        promoted = await gate.roll_back(actor, reference, data.stage, dry_run=data.dry_run, key=idempotency_key)
        return _promoted(promoted, policy_in_force.current.policies)


class DecisionController(Controller):
    """What the gate answered, on what, and the proof of it."""

    path = "/v1/projects/{project:str}/decisions"
    tags = ("gate",)

    @get(operation_id="list_decisions")
    async def page(
        self,
        project: FromPath[str],
        actor: Injected[Actor],
        gate: Injected[Gate],
        policy: Injected[PolicySet],
        name: FromQuery[str | None] = None,
        stage: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: FromQuery[int] = 50,
    ) -> dict[str, Any]:
        """Decisions of the project, newest first."""
        page = await gate.decisions(actor, project, name=name, stage=stage, cursor=cursor, limit=limit)
        items = [decision_json(decision, policy.titles) for decision in page.items]
        return {"items": items, "next_cursor": page.next_cursor}

    @get("/{decision_id:str}", operation_id="show_decision")
    async def one(
        self,
        project: FromPath[str],
        decision_id: FromPath[str],
        actor: Injected[Actor],
        gate: Injected[Gate],
        policy: Injected[PolicySet],
    ) -> dict[str, Any]:
        """One decision with the finding of every rule."""
        return decision_json(await gate.decision(actor, project, decision_id), policy.titles)

    @get("/{decision_id:str}/explanation", operation_id="explain_decision", media_type=MediaType.TEXT)
    async def explanation(
        self,
        project: FromPath[str],
        decision_id: FromPath[str],
        actor: Injected[Actor],
        gate: Injected[Gate],
        policy: Injected[PolicySet],
        format_: Annotated[str, QueryParameter(name="format", description=FORMATS)] = "text",
    ) -> Response[str]:
        """The decision told in words, as JUnit XML, SARIF, annotations of a workflow or Markdown."""
        form = format_of(format_)
        told = decision_json(await gate.decision(actor, project, decision_id), policy.titles)
        headers = {"X-Content-Type-Options": "nosniff"}
        return Response(rendered(told, form), media_type=MEDIA_TYPES[form], headers=headers)

    @get("/{decision_id:str}/input", operation_id="show_gate_input")
    async def gate_input(
        self,
        project: FromPath[str],
        decision_id: FromPath[str],
        actor: Injected[Actor],
        gate: Injected[Gate],
    ) -> dict[str, Any]:
        """The input that the decision was made on."""
        return await gate.gate_input(actor, project, decision_id)

    @get("/{decision_id:str}/attestation", operation_id="show_attestation")
    async def attestation(
        self,
        project: FromPath[str],
        decision_id: FromPath[str],
        actor: Injected[Actor],
        gate: Injected[Gate],
    ) -> dict[str, Any]:
        """The signed attestation with its proof of inclusion; keep it, and `sekisho verify` it offline."""
        return await gate.attestation(actor, project, decision_id)


class ApprovalController(Controller):
    """A second person's yes."""

    path = "/v1/projects/{project:str}"
    tags = ("gate",)

    @get("/evidence", operation_id="show_evidence")
    async def evidence(
        self,
        project: FromPath[str],
        subject: FromQuery[str],
        stage: FromQuery[str],
        actor: Injected[Actor],
        approvals: Injected[Approvals],
    ) -> dict[str, Any]:
        """The evidence hash that an approval of this version for this stage must name now."""
        view = await approvals.evidence(actor, parse_reference(subject, project=project), stage)
        version = view.version
        return {
            "subject": version.label,
            "digest": version.digest,
            "number": version.number,
            "stage": stage,
            "hash": view.hash,
        }

    @post("/approvals", operation_id="approve")
    async def approve(
        self,
        project: FromPath[str],
        data: JSONBody[NewApproval],
        actor: Injected[Actor],
        approvals: Injected[Approvals],
    ) -> dict[str, Any]:
        """Approve a version for a stage, on the evidence as it stands."""
        reference = parse_reference(data.subject, project=project)
        return _approval(await approvals.approve(actor, reference, data.stage, data.evidence_hash))


class PolicyController(Controller):
    """The policy in force."""

    path = "/v1/policy"
    tags = ("gate",)

    @get(operation_id="show_policy", sync_to_thread=False)
    def policy(self, actor: Injected[Actor], policy: Injected[PolicySet]) -> dict[str, Any]:
        """The policy's digest, its parameters and its catalogue of rules."""
        return {"digest": policy.digest, "parameters": policy.parameters, "rules": policy.catalog}

    @get("/bundle", operation_id="policy_bundle", sync_to_thread=False)
    def bundle(self, bundle: Injected[Bundle], if_none_match: Known = None) -> Response[bytes]:
        """The signed bundle for an OPA server; 304 while its revision is the one the server has."""
        headers = {"ETag": bundle.etag}
        if if_none_match == bundle.etag:
            return Response(b"", status_code=304, headers=headers, media_type="application/gzip")
        return Response(bundle.data, headers=headers, media_type="application/gzip")


def _promoted(promoted: Promoted, policy: PolicySet) -> Response[dict[str, Any]]:
    body: dict[str, Any] = {
        "id": promoted.promotion_id,
        "applied": promoted.applied,
        "dry_run": promoted.promotion_id is None,
        "decision": decision_json(promoted.decision, policy.titles),
    }
    if promoted.beyond:
        body["beyond_override"] = list(promoted.beyond)
    made = promoted.promotion_id is not None and not promoted.replayed
    return Response(body, status_code=201 if made else 200)


def _approval(approval: Approval) -> dict[str, Any]:
    return {
        "id": approval.id,
        "principal": approval.principal,
        "subject": f"{approval.kind}/{approval.name}",
        "digest": approval.digest,
        "stage": approval.stage,
        "evidence_hash": approval.evidence_hash,
        "created_at": approval.created_at,
        "expires_at": approval.expires_at,
    }


controllers: list[ControllerRouterHandler] = [
    PromotionController,
    DecisionController,
    ApprovalController,
    PolicyController,
    *waivers,
    *decision_logs,
    *governing,
]
