"""REST of OPA's decision log."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, get, post
from litestar.params import FromQuery
from litestar.status_codes import HTTP_200_OK
from litestar.types import ControllerRouterHandler

from sekisho.gate.decision_logs.service import DecisionLogs
from sekisho.gate.decision_logs.types import Finding
from sekisho.identity.bearer import bearer_token
from sekisho.identity.types import Actor
from sekisho.kernel.injection import Injected

MOST_SENT = 32 << 20
"""Bytes of one body as it is sent; what it unpacks to has a bound of its own."""


class DecisionLogController(Controller):
    """What OPA logged of our decisions, held to what it answered."""

    path = "/v1/policy/decision-logs"
    tags = ("gate",)

    @post(
        operation_id="take_decision_log",
        status_code=HTTP_200_OK,
        opt={"raw_body": True},
        request_max_body_size=MOST_SENT,
    )
    async def take(self, request: Request[Any, Any, Any], decision_logs: Injected[DecisionLogs]) -> dict[str, int]:
        """For an OPA server's `decision_logs`: a JSON list of its decisions, gzipped or not, with the token set for it.

        Each is held to what we asked and what it answered; one that differs raises the alarm.
        """
        decision_logs.admit(bearer_token(request.headers.get("authorization", "")))
        taken = await decision_logs.take(await request.body(), request.headers.get("content-encoding", "").lower())
        return {"new": taken.new, "known": taken.known, "others": taken.others}

    @get(operation_id="list_decision_log_findings")
    async def findings(
        self, actor: Injected[Actor], decision_logs: Injected[DecisionLogs], since: FromQuery[int] = 0
    ) -> dict[str, Any]:
        """Where OPA's log and its answers are not the same; `since` is epoch milliseconds."""
        found = await decision_logs.findings(actor, since)
        return {"on": decision_logs.on, "items": [_finding(finding) for finding in found]}


def _finding(finding: Finding) -> dict[str, Any]:
    asked, logged = finding.asked, finding.logged
    return {
        "verdict": finding.verdict.value,
        "decision_id": finding.decision_id,
        "at": finding.at,
        "reasons": list(finding.reasons),
        "input": asked.input_digest if asked else logged.input_digest if logged else None,
        "line": dict(logged.line) if logged else None,
    }


controllers: list[ControllerRouterHandler] = [DecisionLogController]
