"""Oversight: who said yes, to what, and for how long."""

from __future__ import annotations

from tests.gate import inputs
from tests.gate.cases.declaring import case
from tests.gate.inputs import DAY, NOW, OTHER, Json


@case("OVS-01", "passed")
def everything_in_order(document: Json) -> None:
    pass


@case("OVS-01", "missing")
def approval_that_is_stale(document: Json) -> None:
    document["approvals"][0].update(at=NOW - 8 * DAY, expires_at=NOW + 22 * DAY)


@case("OVS-01", "failed")
def approver_who_lost_the_role(document: Json) -> None:
    document["approvals"][0]["has_role"] = False


@case("OVS-02", "missing")
def machines_alone(document: Json) -> None:
    document["involved"][1].update(principal="robot", kind="service")


@case("OVS-02", "inconclusive")
def author_whom_nobody_knows(document: Json) -> None:
    document["involved"][1] = {"principal": "Eve <eve@example.org>", "because": "commit_author"}


@case("OVS-01", "missing")
def no_approval(document: Json) -> None:
    document["approvals"] = []


@case("OVS-01", "failed")
def approved_by_the_author(document: Json) -> None:
    document["approvals"][0].update(principal="alice", independent=False, reasons=["alice is the author"])


@case("OVS-01", "failed")
def approved_by_a_service(document: Json) -> None:
    document["approvals"][0].update(principal="robot", kind="service")


@case("OVS-01", "missing")
def approved_on_other_evidence(document: Json) -> None:
    document["approvals"][0]["evidence_hash"] = OTHER


@case("OVS-01", "missing")
def approval_expired(document: Json) -> None:
    document["approvals"][0]["expires_at"] = NOW


@case("OVS-01", "missing")
def waiver_that_policy_does_not_know(document: Json) -> None:
    no_approval(document)
    document["waivers"] = [inputs.waiver("OVS-01")]
