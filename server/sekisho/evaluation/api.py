"""REST of evaluation."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.response import ServerSentEvent, ServerSentEventMessage, Stream
from litestar.types import ControllerRouterHandler

from sekisho.evaluation.drafting.api import DraftController
from sekisho.evaluation.erasing_api import ErasureController
from sekisho.evaluation.index_comparison_api import IndexComparisonController
from sekisho.evaluation.judges.api import controllers as judges
from sekisho.evaluation.progress import Progressed
from sekisho.evaluation.reports.formats import Format, wish_of
from sekisho.evaluation.reports.json import case_json, run_json
from sekisho.evaluation.reports.methods import DOCS
from sekisho.evaluation.reports.shape import report_schema
from sekisho.evaluation.scorers.catalogue import SCORERS
from sekisho.evaluation.service import Evaluation
from sekisho.evaluation.views import NewRun, ReplayView, ScorerList, ScorerView
from sekisho.identity.types import Actor
from sekisho.kernel.injection import Injected
from sekisho.kernel.jobs import Job
from sekisho.registry.manifests import SuiteManifest

Key = Annotated[str | None, msgspec.Meta(max_length=200)]


class RunController(Controller):
    """Runs: one version measured by one suite version, case by case."""

    path = "/v1/projects/{project:str}/runs"
    tags = ("evaluation",)

    @post(operation_id="start_run", status_code=202)
    async def start(
        self,
        project: FromPath[str],
        data: JSONBody[NewRun],
        actor: Injected[Actor],
        evaluation: Injected[Evaluation],
        idempotency_key: Annotated[Key, HeaderParameter(name="Idempotency-Key")] = None,
    ) -> dict[str, Any]:
        """Pin suite, dataset and subject by digest, and queue the run for a worker."""
        run = await evaluation.start_run(actor, project, data.suite, data.subject, idempotency_key, data.answers)
        return run_json(run)

    @get(operation_id="list_runs")
    async def list_runs(
        self,
        project: FromPath[str],
        actor: Injected[Actor],
        evaluation: Injected[Evaluation],
        subject: FromQuery[str | None] = None,
        suite: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: FromQuery[int] = 50,
    ) -> dict[str, Any]:
        """Runs, newest first; by subject and suite where a reference or digest is given."""
        page = await evaluation.runs(actor, project, subject=subject, suite=suite, cursor=cursor, limit=limit)
        return {"items": [run_json(run) for run in page.items], "next_cursor": page.next_cursor}

    @get("/compare", operation_id="compare_runs")
    async def compare(
        self,
        project: FromPath[str],
        baseline: FromQuery[str],
        candidate: FromQuery[str],
        actor: Injected[Actor],
        evaluation: Injected[Evaluation],
        stage: FromQuery[str | None] = None,
    ) -> dict[str, Any]:
        """Two runs of one suite, paired case by case: differences with intervals, cases that got worse and better.

        With `stage` also whether the candidate keeps the margins that policy sets there: pass, fail or inconclusive.
        """
        return await evaluation.compare(actor, project, baseline, candidate, stage)

    @get("/{run_id:str}", operation_id="get_run")
    async def run(
        self,
        project: FromPath[str],
        run_id: FromPath[str],
        actor: Injected[Actor],
        evaluation: Injected[Evaluation],
    ) -> dict[str, Any]:
        """A run with its summary, or how far it is."""
        return run_json(await evaluation.run(actor, project, run_id))

    @get("/{run_id:str}/events", operation_id="watch_run", media_type="text/event-stream")
    async def events(
        self,
        project: FromPath[str],
        run_id: FromPath[str],
        actor: Injected[Actor],
        evaluation: Injected[Evaluation],
    ) -> ServerSentEvent:
        """Server-sent events until the run is over: `progress` as it changes, `end` at last.

        Each event's data is JSON: id, state, done, planned and, once they are known, per_second, seconds_left and
        reason. Where nothing changes the last is sent again every few seconds.
        """
        return ServerSentEvent(_messages(await evaluation.events(actor, project, run_id)))

    @get("/{run_id:str}/cases", operation_id="list_cases")
    async def cases(
        self,
        project: FromPath[str],
        run_id: FromPath[str],
        actor: Injected[Actor],
        evaluation: Injected[Evaluation],
        cursor: FromQuery[str | None] = None,
        limit: FromQuery[int] = 50,
    ) -> dict[str, Any]:
        """Every case: question, what was retrieved, the answer, each score or why there is none."""
        page = await evaluation.cases(actor, project, run_id, cursor=cursor, limit=limit)
        return {"items": [case_json(case) for case in page.items], "next_cursor": page.next_cursor}

    @get("/{run_id:str}/report", operation_id="get_report")
    async def report(
        self,
        project: FromPath[str],
        run_id: FromPath[str],
        actor: Injected[Actor],
        evaluation: Injected[Evaluation],
        format_: Annotated[str | None, QueryParameter(name="format")] = None,
        lang: FromQuery[str] = "en",
        cases: FromQuery[int | None] = None,
        docs: FromQuery[str] = DOCS,
        baseline: FromQuery[str | None] = None,
        accept: Annotated[str, HeaderParameter(name="Accept")] = "",
    ) -> Response[bytes] | Stream:
        """The report as JSON (``sekisho.report/v2``), JUnit XML, Markdown or HTML: by `format`, else by Accept.

        `baseline` names a run of the same suite to compare with, `cases` bounds the cases shown (worst first; where it
        is left out 50, and as JUnit every case), `lang` (en, ja) is the language of the HTML's own words, `docs` where
        its numbers link to.
        """
        wish = wish_of(format_, accept, lang=lang, cases=cases, docs=docs)
        if wish.whole:
            spooled = await evaluation.spooled_report(actor, project, run_id, wish, baseline)
            return Stream(spooled.chunks(), media_type=spooled.media_type, headers=_headers(spooled.filename))
        made = await evaluation.rendered_report(actor, project, run_id, wish, baseline)
        headers = _headers(made.filename)
        if wish.format is Format.HTML:
            from sekisho.evaluation.reports.html import content_security_policy  # templates: loaded when asked for

            headers["Content-Security-Policy"] = f"{content_security_policy()}; sandbox; frame-ancestors 'none'"
        return Response(made.content, media_type=made.media_type, headers=headers)

    @post("/{run_id:str}/replays", operation_id="start_replay", status_code=202)
    async def start_replay(
        self,
        project: FromPath[str],
        run_id: FromPath[str],
        actor: Injected[Actor],
        evaluation: Injected[Evaluation],
    ) -> ReplayView:
        """Queue a replay: every case and the summary computed again, models answering from the cache alone."""
        return _replay(await evaluation.request_replay(actor, project, run_id))

    @get("/{run_id:str}/replays/{job_id:str}", operation_id="get_replay")
    async def replay(
        self,
        project: FromPath[str],
        run_id: FromPath[str],
        job_id: FromPath[str],
        actor: Injected[Actor],
        evaluation: Injected[Evaluation],
    ) -> ReplayView:
        """How far a replay is, or what it found."""
        return _replay(await evaluation.replay(actor, project, run_id, job_id))

    @post("/{run_id:str}/cancel", operation_id="cancel_run", status_code=200)
    async def cancel(
        self,
        project: FromPath[str],
        run_id: FromPath[str],
        actor: Injected[Actor],
        evaluation: Injected[Evaluation],
    ) -> dict[str, Any]:
        """Ask for an end: a queued run ends at once, a running one within its next report of progress."""
        return run_json(await evaluation.cancel(actor, project, run_id))


def _headers(filename: str) -> dict[str, str]:
    disposition = f'inline; filename="{filename}"'
    return {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff", "Vary": "Accept"}


def _replay(job: Job) -> ReplayView:
    found = {"run": job.payload["run"], **(job.result or {})}
    return ReplayView(id=job.id, state=job.state.value, progress=job.progress, error=job.error, **found)


async def _messages(events: AsyncIterator[Progressed]) -> AsyncIterator[ServerSentEventMessage]:
    async for event in events:
        name = "end" if event.run.state.over else "progress"
        yield ServerSentEventMessage(data=msgspec.json.encode(event.to_json()), event=name)


@get("/v1/suites/schema", operation_id="get_suite_schema", tags=["evaluation"])
async def suite_schema(actor: Injected[Actor]) -> dict[str, Any]:
    """JSON Schema of the suite manifest, for editors and checks."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(SuiteManifest)}


@get("/v1/reports/schema", operation_id="get_report_schema", tags=["evaluation"], sync_to_thread=False)
def schema_of_reports(actor: Injected[Actor]) -> dict[str, Any]:
    """JSON Schema of the report (``sekisho.report/v2``)."""
    return report_schema()


@get("/v1/scorers", operation_id="list_scorers", tags=["evaluation"])
async def scorers(actor: Injected[Actor]) -> ScorerList:
    """The scorers that a suite may name."""
    return ScorerList(
        [
            ScorerView(
                name=scorer.name,
                meaning=scorer.meaning,
                target=scorer.target.value,
                reads=list(scorer.reads),
                metrics=list(scorer.metrics),
                lower_is_better=sorted(scorer.lower_is_better),
                range=[bound if math.isfinite(bound) else None for bound in scorer.range],
                unit=scorer.unit,
                judged=scorer.judged,
                extra=scorer.extra,
                parameters=msgspec.json.schema(scorer.params),
                unscored_when=scorer.unscored,
                limits=scorer.limits,
            )
            for scorer in SCORERS.values()
        ]
    )


controllers: list[ControllerRouterHandler] = [
    RunController,
    suite_schema,
    schema_of_reports,
    scorers,
    IndexComparisonController,
    DraftController,
    ErasureController,
    *judges,
]
