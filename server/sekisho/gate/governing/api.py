"""REST of the life of a policy."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED
from litestar.types import ControllerRouterHandler

from sekisho.gate.governing.activating import Activating
from sekisho.gate.governing.flips import Judged
from sekisho.gate.governing.publishing import Publishing
from sekisho.gate.governing.shadowing import Shadowing
from sekisho.gate.governing.telling import answered
from sekisho.gate.governing.types import Activation, Published, Shadow
from sekisho.identity.types import Actor
from sekisho.kernel.injection import Injected

Label = Annotated[str, msgspec.Meta(min_length=1, max_length=80, examples=["acme@v2"])]
Accept = Annotated[str, HeaderParameter(name="Accept")]
Text = Annotated[str, msgspec.Meta(max_length=2000)]


class PolicyContent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rego by its path, the rules and their tests apart, and the policy data as JSON.

    Where every file is of a package of users, the rules that ship are added; absent data are those that ship.
    """

    files: dict[str, str]
    tests: dict[str, str] = {}
    data: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class NewPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy to publish under a name; with a number, only as that version."""

    policy: Label
    content: PolicyContent
    message: Text = ""


class NewActivation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which policy is to be in force, and why; `accept` says why denials may become allows, where some would."""

    policy: Label
    reason: Text
    accept: Text | None = None


class Approved(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The report that the second owner saw, by its digest."""

    report: Annotated[str, msgspec.Meta(pattern="^sha256:[0-9a-f]{64}$")]


class NewShadow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which published policy is to judge alongside."""

    policy: Label


class PoliciesController(Controller):
    """Published policies. What is published never changes."""

    path = "/v1/policies"
    tags = ("policy",)

    @get(operation_id="list_policies")
    async def page(
        self, actor: Injected[Actor], publishing: Injected[Publishing], name: FromQuery[str | None] = None
    ) -> dict[str, Any]:
        """Every published version, by name, newest first."""
        return {"items": [_published(one) for one in await publishing.page(actor, name)]}

    @post(operation_id="publish_policy")
    async def publish(
        self, data: JSONBody[NewPolicy], actor: Injected[Actor], publishing: Injected[Publishing]
    ) -> Response[dict[str, Any]]:
        """Lint a policy, try it, and keep it for good. The same rules and data are the same version."""
        content = msgspec.to_builtins(data.content)
        published, new = await publishing.publish(actor, data.policy, content, message=data.message)
        return Response({**_published(published), "new": new}, status_code=201 if new else 200)

    @get("/{label:str}", operation_id="show_published_policy")
    async def one(
        self, label: FromPath[str], actor: Injected[Actor], publishing: Injected[Publishing]
    ) -> dict[str, Any]:
        """One version (`name@v3`, or the newest of a name) with all that it holds."""
        published, policies = await publishing.one(actor, label)
        return {**_published(published), "content": policies.content}

    @get("/{label:str}/difference", operation_id="compare_policies")
    async def difference(
        self,
        label: FromPath[str],
        before: Annotated[str, QueryParameter(name="from", description="The policy to compare with.")],
        actor: Injected[Actor],
        publishing: Injected[Publishing],
    ) -> dict[str, Any]:
        """Everything in which a policy differs from another: rules, severities, parameters of every stage, files."""
        return await publishing.difference(actor, before, label)

    @get("/{label:str}/flips", operation_id="preview_activation")
    async def flips(
        self,
        label: FromPath[str],
        actor: Injected[Actor],
        activating: Injected[Activating],
        accept: Accept = "",
    ) -> Response[dict[str, Any]]:
        """What the last 100 decisions would be under a policy, denials that become allows first. Nothing is kept.

        With `Accept: text/event-stream` as server-sent events, as of a proposal.
        """

        async def preview(judged: Judged) -> dict[str, Any]:
            return await activating.preview(actor, label, judged)

        return await answered(preview, accept)


class ActivationController(Controller):
    """Which policy is in force, and how it came to be."""

    path = "/v1/policy/activations"
    tags = ("policy",)

    @get(operation_id="list_activations")
    async def page(self, actor: Injected[Actor], activating: Injected[Activating]) -> dict[str, Any]:
        """Proposals and activations, newest first, without their reports."""
        found, in_force = await activating.page(actor)
        return {"in_force": in_force, "items": [_activation(one, state) for one, state in found]}

    @post(operation_id="propose_activation")
    async def propose(
        self,
        data: JSONBody[NewActivation],
        actor: Injected[Actor],
        activating: Injected[Activating],
        accept: Accept = "",
    ) -> Response[dict[str, Any]]:
        """Propose a published policy. The answer holds the report that the second owner must name.

        With `Accept: text/event-stream` it comes as server-sent events: `progress` (judged, of), then `done` with the
        answer or `problem` with problem details. Whoever hangs up before has proposed nothing.
        """

        async def propose(judged: Judged) -> dict[str, Any]:
            proposal = await activating.propose(
                actor, data.policy, reason=data.reason, accept=data.accept, judged=judged
            )
            return {**_activation(proposal, "proposed"), "report": proposal.report}

        return await answered(propose, accept, HTTP_201_CREATED)

    @get("/{activation_id:str}", operation_id="show_activation")
    async def one(
        self, activation_id: FromPath[str], actor: Injected[Actor], activating: Injected[Activating]
    ) -> dict[str, Any]:
        """A proposal or an activation with the report that both owners saw."""
        found, state = await activating.one(actor, activation_id)
        return {**_activation(found, state), "report": found.report}

    @post("/{activation_id:str}/approve", operation_id="approve_activation", status_code=HTTP_200_OK)
    async def approve(
        self,
        activation_id: FromPath[str],
        data: JSONBody[Approved],
        actor: Injected[Actor],
        activating: Injected[Activating],
    ) -> dict[str, Any]:
        """Put a proposed policy in force, as a second policy owner. Every process decides by it from then on."""
        return _activation(await activating.approve(actor, activation_id, data.report), "active")

    @post("/{activation_id:str}/withdraw", operation_id="withdraw_activation", status_code=HTTP_200_OK)
    async def withdraw(
        self, activation_id: FromPath[str], actor: Injected[Actor], activating: Injected[Activating]
    ) -> dict[str, Any]:
        """Take back a proposal."""
        return _activation(await activating.withdraw(actor, activation_id), "withdrawn")


class ShadowController(Controller):
    """A candidate that judges alongside and decides nothing."""

    path = "/v1/policy/shadow"
    tags = ("policy",)

    @get(operation_id="report_shadow")
    async def report(
        self, actor: Injected[Actor], shadowing: Injected[Shadowing], shadow: FromQuery[str | None] = None
    ) -> dict[str, Any]:
        """How often the shadow agreed with the decisions of its time, and where it did not; the newest by default."""
        return await shadowing.report(actor, shadow)

    @post(operation_id="start_shadow")
    async def start(
        self, data: JSONBody[NewShadow], actor: Injected[Actor], shadowing: Injected[Shadowing]
    ) -> dict[str, Any]:
        """Have a published policy judge every decision from now on, in the place of the shadow so far."""
        return _shadow(await shadowing.start(actor, data.policy))

    @post("/stop", operation_id="stop_shadow", status_code=HTTP_200_OK)
    async def stop(self, actor: Injected[Actor], shadowing: Injected[Shadowing]) -> dict[str, Any]:
        """Stop the shadow. What it found stays."""
        return _shadow(await shadowing.stop(actor))


def _published(published: Published) -> dict[str, Any]:
    return {"policy": published.label, **dataclasses.asdict(published), "origin": published.origin.value}


def _activation(activation: Activation, state: str) -> dict[str, Any]:
    left_out = ("report", "envelope", "proposed_with", "name", "number")
    known = {
        field.name: getattr(activation, field.name)
        for field in dataclasses.fields(activation)
        if field.name not in left_out
    }
    return {
        "policy": activation.label,
        "state": state,
        "expires_at": activation.expires_at,
        **{name: value for name, value in known.items() if value is not None},
    }


def _shadow(shadow: Shadow) -> dict[str, Any]:
    known = {name: value for name, value in dataclasses.asdict(shadow).items() if value is not None}
    return {"policy": shadow.label, **known}


controllers: list[ControllerRouterHandler] = [PoliciesController, ActivationController, ShadowController]
