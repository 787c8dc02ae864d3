"""REST of judge qualification."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from sekisho.evaluation.judges.service import Judging
from sekisho.evaluation.judges.types import Qualification
from sekisho.identity.types import Actor
from sekisho.kernel.injection import Injected
from sekisho.kernel.jobs import Job


class NewQualification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which judge is to be tried on which labels, and as which scorer."""

    judge: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=300,
            description="`ollama/<model>`, `model/<name>@<selector>`, or `grounding`.",
            examples=["ollama/smollm2:135m"],
        ),
    ]
    labels: Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$", description="Digest of a blob: JSON Lines.")]
    scorer: Annotated[str, Meta(max_length=128, examples=["judge.faithfulness"])] | None = None
    votes: Annotated[int, Meta(ge=1, le=9)] = 1


class QualificationController(Controller):
    """Qualifications: what a judge, or `grounding`, is worth on answers that people have labelled."""

    path = "/v1/projects/{project:str}/qualifications"
    tags = ("evaluation",)

    @post(operation_id="qualify_judge", status_code=202)
    async def qualify(
        self,
        project: FromPath[str],
        data: JSONBody[NewQualification],
        actor: Injected[Actor],
        judging: Injected[Judging],
    ) -> dict[str, Any]:
        """Pin judge and labels by digest, and queue the qualification for a worker."""
        return _view(await judging.qualify(actor, project, data.judge, data.labels, data.scorer, data.votes))

    @get(operation_id="list_qualifications")
    async def qualifications(
        self,
        project: FromPath[str],
        actor: Injected[Actor],
        judging: Injected[Judging],
        instrument: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: FromQuery[int] = 50,
    ) -> dict[str, Any]:
        """What was found, newest first; of one instrument where its digest is given."""
        page = await judging.page(actor, project, instrument=instrument, cursor=cursor, limit=limit)
        return {"items": [found.as_json() for found in page.items], "next_cursor": page.next_cursor}

    @get("/{qualification_id:str}", operation_id="get_qualification")
    async def qualification(
        self,
        project: FromPath[str],
        qualification_id: FromPath[str],
        actor: Injected[Actor],
        judging: Injected[Judging],
    ) -> dict[str, Any]:
        """Kappa with its interval, sensitivity, specificity and the confusion; or how far it is."""
        return _view(await judging.one(actor, project, qualification_id))

    @post("/{qualification_id:str}/cancel", operation_id="cancel_qualification", status_code=200)
    async def cancel(
        self,
        project: FromPath[str],
        qualification_id: FromPath[str],
        actor: Injected[Actor],
        judging: Injected[Judging],
    ) -> dict[str, Any]:
        """Ask for an end: a queued one ends at once, a running one after the row in hand. Nothing is stored of it."""
        return _view(await judging.cancel(actor, project, qualification_id))


def _view(found: Qualification | Job) -> dict[str, Any]:
    if isinstance(found, Qualification):
        return found.as_json()
    instrument = found.payload["instrument"]
    value = {
        "id": found.id,
        "project": found.project,
        "state": found.state.value,
        "name": instrument["name"],
        "scorer": instrument["scorer"],
        "labels": found.payload["labels"],
        "principal": found.principal,
        "created_at": found.created_at,
        "progress": {"done": found.progress.done, "total": found.progress.total},
        "error": found.error,
    }
    return {name: item for name, item in value.items() if item is not None}


controllers: list[ControllerRouterHandler] = [QualificationController]
