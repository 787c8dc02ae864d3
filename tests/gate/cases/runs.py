"""Runs: which of them count, what several say together, and who judged."""

from __future__ import annotations

import copy
from typing import Final

from tests.gate import inputs
from tests.gate.cases.declaring import case
from tests.gate.cases.places import metric_of, run_of, span
from tests.gate.inputs import (
    AGENT,
    ANSWERS,
    ANSWERS_DATA,
    BASELINE,
    DAY,
    INDEX,
    JUDGE,
    NOW,
    OTHER,
    PROMPT,
    RETRIEVAL,
    Json,
)

NOTHING_COUNTS: Final = (
    "EVA-01", "EVA-02", "EVA-03", "EVA-05", "EVA-06", "EVA-07", "EVA-08", "EVA-09", "FAI-05",
)  # fmt: skip
"""What stands in the way where no run of the answers' suite counts."""
NO_ESTIMATE: Final = tuple(rule for rule in NOTHING_COUNTS if rule != "EVA-09")
"""What stands in the way where there are runs, and no estimate over exactly those that count."""


def _again(document: Json, changes: Json, *, low: int, high: int) -> list[Json]:
    """Another run by the answers' suite, an hour later and with another rate; gives both."""
    first = run_of(document, ANSWERS)
    second = {**copy.deepcopy(first), "id": "run-again", "finished_at": NOW - DAY + 3_600_000, "final_digest": OTHER}
    second.update(changes)
    span(second["metrics"]["hallucinated"], low, high)
    document["evidence"]["runs"].append(second)
    document["evidence"]["recorded"][1]["finished"] += 1
    return [first, second]


def _pool(document: Json, runs: list[Json], *, low: int, high: int) -> None:
    """The estimate over these runs, and the comparison of them with what stands there now."""
    pooled = copy.deepcopy(inputs.pool(runs, {}))
    span(pooled["metrics"]["hallucinated"], low, high)
    document["evidence"]["pools"].append(pooled)
    document["evidence"]["comparisons"][1].update(members=pooled["members"], level_ppm=pooled["level_ppm"])


def _judged(document: Json, family: str) -> None:
    """The answers judged by a qualified model of this family."""
    metric_of(document, ANSWERS, "hallucinated")["scorer"] = "judge.faithfulness"
    instrument = {"scorer": "judge.faithfulness", "digest": JUDGE, "family": family}
    run_of(document, ANSWERS)["instruments"] = [instrument]
    document["evidence"]["qualifications"] = [inputs.qualification()]


def _abandoned(number: int) -> Json:
    return {
        "id": f"run-stopped-{number}",
        "suite": ANSWERS,
        "suite_name": "docs-answers",
        "dataset": ANSWERS_DATA,
        "state": "cancelled",
        "origin": "measured",
        "producer": "ci",
        "done": 12,
        "planned": 300,
        "ended_at": NOW - DAY,
    }


@case("EVA-09", "failed")
def index_built_after_the_run(document: Json) -> None:
    document["lineage"]["nodes"][INDEX]["facts"]["built_at"] = NOW - 3_600_000


@case("EVA-09", "missing")
def registered_at_an_unknown_time(document: Json) -> None:
    del document["lineage"]["nodes"][PROMPT]["registered_at"]


@case("EVA-09", "passed")
def measured_again_after_the_build(document: Json) -> None:
    index_built_after_the_run(document)
    for place, run in enumerate(copy.deepcopy(document["evidence"]["runs"])):
        run.update(id=f"run-again-{place}", started_at=NOW - 1_800_000, finished_at=NOW - 1_700_000)
        document["evidence"]["runs"].append(run)
        document["evidence"]["recorded"][place]["finished"] += 1


@case("EVA-01", "missing", *NOTHING_COUNTS)
def suite_not_run(document: Json) -> None:
    document["evidence"]["runs"] = [run_of(document, RETRIEVAL)]
    document["evidence"]["recorded"] = document["evidence"]["recorded"][:1]


@case("EVA-01", "missing", *NOTHING_COUNTS)
def easier_dataset(document: Json) -> None:
    run_of(document, ANSWERS)["dataset"] = OTHER


@case("EVA-01", "missing", *NOTHING_COUNTS)
def run_of_another_version(document: Json) -> None:
    run_of(document, ANSWERS)["subject"] = BASELINE


@case("EVA-01", "missing", *NOTHING_COUNTS)
def imported_by_a_stranger(document: Json) -> None:
    run_of(document, ANSWERS).update(origin="imported", producer="alice")


@case("EVA-01", "inconclusive", "EVA-01", "EVA-06", "EVA-09")
def run_without_a_result(document: Json) -> None:
    run_of(document, ANSWERS)["state"] = "inconclusive"
    document["evidence"]["abandoned"] = [{**_abandoned(1), "id": "run-docs-answers", "state": "inconclusive"}]
    document["evidence"]["recorded"][1].update(finished=0, abandoned=1)


@case("EVA-01", "inconclusive", "EVA-01", "EVA-06", "EVA-08", "EVA-09")
def scorer_missed_its_controls(document: Json) -> None:
    missed = {"planned": 6, "missed": 3, "allowed": 1, "missed_cases": ["c-1", "c-2", "c-5"]}
    run_of(document, ANSWERS)["controls"] = missed


@case("EVA-01", "missing", *NOTHING_COUNTS)
def imported_where_measured_counts(document: Json) -> None:
    run_of(document, ANSWERS).update(origin="imported", producer="lab")


@case("EVA-01", "missing", *NO_ESTIMATE)
def better_run_without_the_pool(document: Json) -> None:
    span(metric_of(document, ANSWERS, "hallucinated"), 2100, 2900)
    _again(document, {}, low=50, high=250)


@case("EVA-01", "missing", *NO_ESTIMATE)
def pool_of_the_better_run_alone(document: Json) -> None:
    span(metric_of(document, ANSWERS, "hallucinated"), 2100, 2900)
    _pool(document, _again(document, {}, low=50, high=250)[1:] * 2, low=50, high=250)


@case("EVA-01", "missing", *NO_ESTIMATE)
def pool_at_the_level_of_one_look(document: Json) -> None:
    _pool(document, _again(document, {}, low=50, high=250), low=50, high=250)
    document["evidence"]["pools"][0]["level_ppm"] = 50_000


@case("EVA-01", "missing", *NO_ESTIMATE)
def run_that_only_the_ledger_knows(document: Json) -> None:
    document["evidence"]["recorded"][1]["finished"] = 2


@case("EVA-01", "missing", *NO_ESTIMATE)
def cancelled_run_that_only_the_ledger_knows(document: Json) -> None:
    document["evidence"]["recorded"][1]["abandoned"] = 1


@case("EVA-01", "passed")
def pooled_runs_that_pass(document: Json) -> None:
    _pool(document, _again(document, {}, low=50, high=250), low=60, high=400)


@case("EVA-05", "inconclusive")
def pooled_runs_that_may_make_things_up(document: Json) -> None:
    span(metric_of(document, ANSWERS, "hallucinated"), 450, 900)
    _pool(document, _again(document, {}, low=50, high=250), low=300, high=600)


@case("EVA-01", "passed")
def the_same_result_again(document: Json) -> None:
    _again(document, {"final_digest": run_of(document, ANSWERS)["final_digest"]}, low=100, high=300)


@case("EVA-01", "passed")
def cancelled_runs_are_listed(document: Json) -> None:
    document["evidence"]["abandoned"] = [_abandoned(1), {**_abandoned(2), "state": "failed", "done": 0}]
    document["evidence"]["recorded"][1]["abandoned"] = 2
    _pool(document, [run_of(document, ANSWERS)], low=80, high=340)


@case("EVA-01", "missing", *NO_ESTIMATE)
def cancelled_run_that_was_not_reckoned_with(document: Json) -> None:
    document["evidence"]["abandoned"] = [_abandoned(1)]
    document["evidence"]["recorded"][1]["abandoned"] = 1


@case("EVA-01", "inconclusive")
def cancelled_too_often(document: Json) -> None:
    document["evidence"]["abandoned"] = [{**_abandoned(number), "done": 0} for number in range(6)]
    document["evidence"]["recorded"][1]["abandoned"] = 6


@case("EVA-07", "passed")
def qualified_judge(document: Json) -> None:
    _judged(document, "qwen")


@case("EVA-07", "missing", "EVA-05", "EVA-06", "EVA-07")
def judge_without_a_qualification(document: Json) -> None:
    _judged(document, "qwen")
    document["evidence"]["qualifications"] = []


@case("EVA-07", "failed", "EVA-05", "EVA-06", "EVA-07")
def judge_no_better_than_chance(document: Json) -> None:
    _judged(document, "qwen")
    document["evidence"]["qualifications"][0].update(kappa_bp=120, low_bp=-800, high_bp=1100)


@case("EVA-07", "inconclusive", "EVA-05", "EVA-06", "EVA-07")
def judge_perhaps_good_enough(document: Json) -> None:
    _judged(document, "qwen")
    document["evidence"]["qualifications"][0].update(low_bp=5900)


@case("EVA-07", "failed")
def judge_of_the_same_family(document: Json) -> None:
    _judged(document, "extractive")


@case("EVA-08", "passed")
def controls_caught(document: Json) -> None:
    run_of(document, ANSWERS)["controls"] = {"planned": 6, "missed": 1, "allowed": 1, "missed_cases": ["c-3"]}


@case("EVA-01", "missing", "EVA-01", "EVA-02", "EVA-03", "EVA-04", "EVA-05", "EVA-06", "EVA-07", "EVA-08", "EVA-09",
      "EVA-10", "FAI-01", "FAI-02", "FAI-03", "FAI-04", "FAI-05", "FAI-06")  # fmt: skip
def unheard_of_agent(document: Json) -> None:
    document["subject"]["name"] = "newcomer"
    document["lineage"]["nodes"][AGENT]["name"] = "newcomer"


@case("EVA-05", "failed")
def makes_things_up(document: Json) -> None:
    span(metric_of(document, ANSWERS, "hallucinated"), 2100, 2900)


@case("EVA-05", "inconclusive")
def might_make_things_up_where_it_was_not_scored(document: Json) -> None:
    metric_of(document, ANSWERS, "hallucinated").update(pessimistic_low_bp=100, pessimistic_high_bp=750)


@case("EVA-05", "inconclusive")
def may_make_things_up(document: Json) -> None:
    span(metric_of(document, ANSWERS, "hallucinated"), 100, 501)
