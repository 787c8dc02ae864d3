"""Documentation: cards, risk, assessments, and what people are told."""

from __future__ import annotations

from tests.gate import inputs
from tests.gate.cases.declaring import case
from tests.gate.inputs import NOW, OTHER, SYSTEM, Json


@case("DOC-01", "missing")
def no_card(document: Json) -> None:
    document["evidence"]["cards"] = []


@case("DOC-01", "failed")
def half_a_card(document: Json) -> None:
    document["evidence"]["cards"][0]["fields"].update(risks=False, contact=False)


@case("DOC-02", "failed")
def prohibited_use(document: Json) -> None:
    document["lineage"]["nodes"][SYSTEM]["facts"]["risk_class"] = "prohibited"


@case("DOC-02", "missing")
def no_risk_class(document: Json) -> None:
    del document["lineage"]["nodes"][SYSTEM]["facts"]["risk_class"]


@case("DOC-03", "missing")
def no_risk_assessment(document: Json) -> None:
    del document["evidence"]["attested"]


@case("DOC-03", "missing")
def risk_assessment_expired(document: Json) -> None:
    document["evidence"]["attested"][0]["expires_at"] = NOW


@case("DOC-03", "missing")
def risk_assessment_withdrawn(document: Json) -> None:
    document["evidence"]["attested"][0]["withdrawn"] = True


@case("DOC-03", "missing")
def risk_assessment_by_the_author(document: Json) -> None:
    document["evidence"]["attested"][0].update(principal="alice", role="author")


@case("DOC-03", "missing")
def risk_assessment_whose_giver_lost_the_role(document: Json) -> None:
    document["evidence"]["attested"][0]["has_role"] = False


@case("DOC-03", "missing")
def risk_assessment_of_another_version(document: Json) -> None:
    document["evidence"]["attested"][0]["subject"] = OTHER


@case("DOC-03", "passed")
def minimal_risk(document: Json) -> None:
    document["lineage"]["nodes"][SYSTEM]["facts"]["risk_class"] = "minimal"
    del document["evidence"]["attested"]


@case("DOC-03", "missing", "")
def waived_risk_assessment(document: Json) -> None:
    no_risk_assessment(document)
    document["waivers"] = [inputs.waiver("DOC-03")]


@case("DOC-04", "missing")
def no_ai_notice(document: Json) -> None:
    del document["lineage"]["nodes"][SYSTEM]["facts"]["ai_notice_set"]


@case("DOC-05", "missing")
def outputs_unmarked(document: Json) -> None:
    del document["lineage"]["nodes"][SYSTEM]["facts"]["output_marking"]


@case("DOC-05", "failed")
def outputs_marked_for_people_alone(document: Json) -> None:
    document["lineage"]["nodes"][SYSTEM]["facts"]["output_marking"] = ["label"]


@case("DOC-04", "missing", "")
def waived_ai_notice(document: Json) -> None:
    no_ai_notice(document)
    document["waivers"] = [inputs.waiver("DOC-04")]


@case("DOC-01", "missing", "")
def waived_card(document: Json) -> None:
    no_card(document)
    document["waivers"] = [inputs.waiver("DOC-01")]


@case("DOC-01", "missing")
def waiver_expired(document: Json) -> None:
    no_card(document)
    document["waivers"] = [{**inputs.waiver("DOC-01"), "expires_at": NOW}]


@case("DOC-01", "missing")
def waiver_by_somebody_involved(document: Json) -> None:
    no_card(document)
    document["waivers"] = [{**inputs.waiver("DOC-01"), "independent": False}]


@case("DOC-01", "missing")
def waiver_whose_giver_lost_the_role(document: Json) -> None:
    no_card(document)
    document["waivers"] = [{**inputs.waiver("DOC-01"), "has_role": False}]
