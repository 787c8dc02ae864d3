"""REST of attested documents and of licence scans."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK
from litestar.types import ControllerRouterHandler

from sekisho.evidence.attesting import MAX_DOCUMENT, Attesting
from sekisho.evidence.licensing import Licensing
from sekisho.evidence.types import Attested
from sekisho.identity.types import Actor
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.injection import Injected
from sekisho.kernel.references import parse_reference


class NewDocument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document that a person attests about a version, for some days."""

    subject: Annotated[str, msgspec.Meta(examples=["system/docs@latest"])]
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=64, examples=["risk-assessment"])]
    document: Annotated[str, msgspec.Meta(max_length=MAX_DOCUMENT)]
    days: Annotated[int, msgspec.Meta(ge=1)]


class NewScan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which version's parts are to be scanned."""

    subject: Annotated[str, msgspec.Meta(examples=["agent/docs-assistant@latest"])]


class AttestedController(Controller):
    """Documents that a person attests about a version, in a role that policy names, until they expire."""

    path = "/v1/projects/{project:str}/attested"
    tags = ("evidence",)

    @post(operation_id="attest")
    async def attest(
        self,
        project: FromPath[str],
        data: JSONBody[NewDocument],
        actor: Injected[Actor],
        attesting: Injected[Attesting],
    ) -> dict[str, Any]:
        """Attest a document. A newer one of its type about the same digest takes its place; policy names the types."""
        reference = parse_reference(data.subject, project=project)
        attested = await attesting.attest(actor, reference, data.type, data.document, data.days)
        return _document(attested, attesting)

    @get(operation_id="list_attested")
    async def documents(
        self,
        project: FromPath[str],
        subject: FromQuery[str],
        actor: Injected[Actor],
        attesting: Injected[Attesting],
    ) -> dict[str, Any]:
        """Every document about a version, newest first, standing or not."""
        found = await attesting.documents(actor, parse_reference(subject, project=project))
        return {"items": [_document(attested, attesting) for attested in found]}

    @post("/{document_id:str}/withdraw", operation_id="withdraw_attested", status_code=HTTP_200_OK)
    async def withdraw(
        self,
        project: FromPath[str],
        document_id: FromPath[str],
        actor: Injected[Actor],
        attesting: Injected[Attesting],
    ) -> dict[str, Any]:
        """Take a document back before its time. An older one does not come back in its place."""
        return _document(await attesting.withdraw(actor, project, document_id), attesting)


class LicenceScanController(Controller):
    """What the server found of licences in the bytes themselves, and with those who deliver models."""

    path = "/v1/projects/{project:str}/licence-scans"
    tags = ("evidence",)

    @post(operation_id="scan_licences", status_code=HTTP_200_OK)
    async def scan(
        self,
        project: FromPath[str],
        data: JSONBody[NewScan],
        actor: Injected[Actor],
        licensing: Injected[Licensing],
    ) -> dict[str, Any]:
        """Scan every licensed part of a version. What was scanned already is not kept twice."""
        found = await licensing.scan(actor, parse_reference(data.subject, project=project))
        return {"items": [scan.as_json() for scan in found]}

    @get(operation_id="list_licence_scans")
    async def scans(
        self,
        project: FromPath[str],
        subject: FromQuery[str],
        actor: Injected[Actor],
        licensing: Injected[Licensing],
    ) -> dict[str, Any]:
        """The newest scan of each part of a version."""
        found = await licensing.scans(actor, parse_reference(subject, project=project))
        return {"items": [scan.as_json() for scan in found]}


def _document(attested: Attested, attesting: Attesting) -> dict[str, Any]:
    kept = dataclasses.asdict(attested)
    del kept["kind"], kept["name"], kept["project"], kept["subject"]
    state = attested.state(epoch_ms(attesting.clock.now()))
    subject = f"{attested.kind}/{attested.name}"
    return {"subject": subject, "digest": attested.subject, "origin": "attested", "state": state, **kept}


controllers: list[ControllerRouterHandler] = [AttestedController, LicenceScanController]
