"""REST of waivers."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK
from litestar.types import ControllerRouterHandler

from sekisho.gate.records import Waiver
from sekisho.gate.waivers import Waivers
from sekisho.identity.types import Actor
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.injection import Injected
from sekisho.kernel.references import parse_reference


class NewWaiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An exception for one rule, this version and this stage, with a reason, for some days."""

    subject: Annotated[str, msgspec.Meta(examples=["agent/docs-assistant@v2"])]
    stage: Annotated[str, msgspec.Meta(examples=["production"])]
    rule: Annotated[str, msgspec.Meta(examples=["DOC-01"])]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    days: Annotated[int, msgspec.Meta(ge=1)]


class WaiverController(Controller):
    """A person's exceptions, each for one rule, one version and one stage."""

    path = "/v1/projects/{project:str}/waivers"
    tags = ("gate",)

    @post(operation_id="waive")
    async def waive(
        self,
        project: FromPath[str],
        data: JSONBody[NewWaiver],
        actor: Injected[Actor],
        waivers: Injected[Waivers],
    ) -> dict[str, Any]:
        """Waive a rule for a version at a stage. Only a person who approves and had no hand in the change may."""
        reference = parse_reference(data.subject, project=project)
        granted = await waivers.waive(actor, reference, data.stage, data.rule, reason=data.reason, days=data.days)
        return _waiver(granted, waivers)

    @get(operation_id="list_waivers")
    async def page(
        self,
        project: FromPath[str],
        actor: Injected[Actor],
        waivers: Injected[Waivers],
        subject: FromQuery[str | None] = None,
        stage: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: FromQuery[int] = 50,
    ) -> dict[str, Any]:
        """Waivers of the project or of one version, newest first, standing or not."""
        reference = None if subject is None else parse_reference(subject, project=project)
        page = await waivers.page(actor, project, reference, stage=stage, cursor=cursor, limit=limit)
        return {"items": [_waiver(waiver, waivers) for waiver in page.items], "next_cursor": page.next_cursor}

    @post("/{waiver_id:str}/withdraw", operation_id="withdraw_waiver", status_code=HTTP_200_OK)
    async def withdraw(
        self,
        project: FromPath[str],
        waiver_id: FromPath[str],
        actor: Injected[Actor],
        waivers: Injected[Waivers],
    ) -> dict[str, Any]:
        """End a waiver before its time. What it let pass is judged again at the end that was set."""
        return _waiver(await waivers.withdraw(actor, project, waiver_id), waivers)


def _waiver(waiver: Waiver, waivers: Waivers) -> dict[str, Any]:
    kept = dataclasses.asdict(waiver)
    del kept["token_id"], kept["kind"], kept["name"], kept["project"]
    state = waiver.state(epoch_ms(waivers.clock.now()))
    return {"subject": f"{waiver.kind}/{waiver.name}", "state": state, **kept}


controllers: list[ControllerRouterHandler] = [WaiverController]
