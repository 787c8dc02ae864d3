"""Evaluation: what was measured, what it is measured against, and whether the questions had leaked."""

from __future__ import annotations

from tests.gate import inputs
from tests.gate.cases.declaring import case
from tests.gate.cases.places import metric_of, run_of, span
from tests.gate.inputs import ANSWERS, DAY, NOW, OTHER, RETRIEVAL, Json


def _differ(document: Json, place: int, *levels: tuple[int, int]) -> None:
    """Set a comparison's interval at each of Holm's steps."""
    bounds = [{"low_bp": low, "high_bp": high} for low, high in levels]
    middle = (levels[0][0] + levels[0][1]) // 2
    document["evidence"]["comparisons"][place].update(diff_bp=middle, **bounds[0], levels=bounds)


@case("EVA-10", "failed")
def cases_in_the_prompt(document: Json) -> None:
    document["evidence"]["overlaps"][1].update(in_prompt=2, found=["q-01-01-en", "q-01-02-en"])


@case("EVA-10", "failed")
def cases_in_the_corpus(document: Json) -> None:
    document["evidence"]["overlaps"][0].update(in_corpus=4, found=["q-02-01-en"])


@case("EVA-10", "inconclusive")
def cases_too_short_to_be_told(document: Json) -> None:
    document["evidence"]["overlaps"][0].update(untold=9)


@case("EVA-10", "missing")
def overlap_with_another_prompt(document: Json) -> None:
    document["evidence"]["overlaps"][0]["prompt"] = OTHER


@case("EVA-10", "missing")
def overlap_told_by_somebody(document: Json) -> None:
    document["evidence"]["overlaps"][0]["origin"] = "attested"


@case("EVA-10", "failed", "")
def waived_overlap(document: Json) -> None:
    cases_in_the_prompt(document)
    document["waivers"] = [inputs.waiver("EVA-10")]


@case("EVA-02", "failed")
def stale_run(document: Json) -> None:
    run_of(document, RETRIEVAL)["finished_at"] = NOW - 31 * DAY


@case("EVA-02", "failed")
def run_from_the_future(document: Json) -> None:
    run_of(document, RETRIEVAL)["finished_at"] = NOW + 1


@case("EVA-03", "failed")
def too_few_cases(document: Json) -> None:
    run_of(document, ANSWERS).update(cases=40, scored=40)
    metric_of(document, ANSWERS, "hallucinated")["n"] = 40


@case("EVA-03", "failed")
def unscored_cases(document: Json) -> None:
    metric_of(document, ANSWERS, "hallucinated")["coverage_bp"] = 9000


@case("EVA-04", "failed")
def below_the_floor(document: Json) -> None:
    span(metric_of(document, RETRIEVAL, "ndcg@10"), 3000, 4000)


@case("EVA-04", "inconclusive")
def across_the_floor(document: Json) -> None:
    span(metric_of(document, RETRIEVAL, "ndcg@10"), 4400, 4600)


@case("EVA-04", "missing", "EVA-03", "EVA-04", "EVA-07", "EVA-08")
def metric_not_measured(document: Json) -> None:
    del run_of(document, RETRIEVAL)["metrics"]["ndcg@10"]


@case("EVA-06", "failed")
def worse_than_before(document: Json) -> None:
    _differ(document, 0, (-1100, -700), (-1140, -660))


@case("EVA-06", "inconclusive")
def perhaps_worse_than_before(document: Json) -> None:
    _differ(document, 0, (-500, 100), (-560, 160))


@case("EVA-06", "inconclusive")
def no_margin_clears_the_first_of_holms_steps(document: Json) -> None:
    _differ(document, 0, (-290, 500), (-310, 520))
    _differ(document, 1, (-150, 190), (-170, 210))


@case("EVA-06", "missing")
def compared_with_other_runs_than_count(document: Json) -> None:
    document["evidence"]["comparisons"][0]["baseline_members"] = ["run-of-the-worst-day"]


@case("EVA-06", "missing")
def not_compared(document: Json) -> None:
    document["evidence"]["comparisons"] = []


@case("EVA-06", "passed")
def nothing_there_to_compare_with(document: Json) -> None:
    del document["current"]
    document["evidence"]["comparisons"] = []
