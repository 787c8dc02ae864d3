"""REST of overlap checks."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from sekisho.evidence.overlap.service import Overlaps
from sekisho.identity.types import Actor
from sekisho.kernel.injection import Injected
from sekisho.kernel.jobs import Job


class NewOverlapCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which dataset is to be looked for in whose prompt and corpus; each by reference or whole digest."""

    subject: Annotated[str, Meta(min_length=1, max_length=300, examples=["agent/docs@latest"])]
    dataset: Annotated[str, Meta(min_length=1, max_length=300, examples=["dataset/questions@latest"])]


class OverlapController(Controller):
    """Overlap checks: whether the questions of an evaluation stand in the prompt or the corpus."""

    path = "/v1/projects/{project:str}/overlaps"
    tags = ("evidence",)

    @post(operation_id="check_overlap", status_code=202)
    async def check(
        self,
        project: FromPath[str],
        data: JSONBody[NewOverlapCheck],
        actor: Injected[Actor],
        overlaps: Injected[Overlaps],
    ) -> dict[str, Any]:
        """Queue a check for a worker. What was found before of the same digests is not looked for again."""
        return _view(await overlaps.request(actor, project, data.subject, data.dataset))

    @get(operation_id="list_overlaps")
    async def list_overlaps(
        self, project: FromPath[str], subject: FromQuery[str], actor: Injected[Actor], overlaps: Injected[Overlaps]
    ) -> dict[str, Any]:
        """Every check of what a version is made from, oldest first."""
        return {"items": [found.as_json() for found in await overlaps.all(actor, project, subject)]}

    @get("/{job_id:str}", operation_id="get_overlap_check")
    async def get_check(
        self, project: FromPath[str], job_id: FromPath[str], actor: Injected[Actor], overlaps: Injected[Overlaps]
    ) -> dict[str, Any]:
        """How far a check is, and what it found."""
        return _view(await overlaps.job(actor, project, job_id))


def _view(job: Job) -> dict[str, Any]:
    value = {
        "id": job.id,
        "project": job.project,
        "state": job.state.value,
        "subject": job.payload["subject"],
        "dataset": job.payload["dataset"],
        "progress": {"done": job.progress.done, "total": job.progress.total, "unit": job.progress.unit},
        "result": job.result,
        "error": job.error,
    }
    return {name: item for name, item in value.items() if item is not None}


controllers: list[ControllerRouterHandler] = [OverlapController]
