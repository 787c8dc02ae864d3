"""Named gate inputs: one in which all passes, and for each rule those in which it alone does not.

``python -m tests.gate.cases`` writes them with their decisions to ``tests/gate/golden/``.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.gate import inputs
from tests.gate.inputs import (
    AGENT,
    ANSWERS,
    ANSWERS_DATA,
    BASELINE,
    CORPUS,
    DAY,
    INDEX,
    JUDGE,
    MODEL,
    NOW,
    OTHER,
    PROMPT,
    RETRIEVAL,
    SYSTEM,
    Change,
    Json,
)

GOLDEN: Final = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Case:
    """``blocking``: what must stand in the way, exactly; empty where the promotion is allowed."""

    name: str
    rule: str
    status: str
    blocking: tuple[str, ...]
    change: Change

    @property
    def document(self) -> Json:
        return inputs.changed(self.change)


CASES: list[Case] = []
NOTHING_COUNTS: Final = (
    "EVA-01", "EVA-02", "EVA-03", "EVA-05", "EVA-06", "EVA-07", "EVA-08", "EVA-09", "FAI-05",
)  # fmt: skip
"""What stands in the way where no run of the answers' suite counts."""
NO_ESTIMATE: Final = tuple(rule for rule in NOTHING_COUNTS if rule != "EVA-09")
"""What stands in the way where there are runs, and no estimate over exactly those that count."""


def case(rule: str, status: str, *blocking: str) -> Callable[[Change], Change]:
    """Register a change as the case ``<rule>-<function's name>``; by default the rule itself blocks."""

    def register(change: Change) -> Change:
        name = f"{rule}-{change.__name__}".lower().replace("_", "-")
        stops = blocking or (() if status == "passed" else (rule,))
        CASES.append(Case(name, rule, status, tuple(b for b in stops if b), change))
        return change

    return register


def _run(document: Json, suite: str) -> Json:
    found: Json = next(run for run in document["evidence"]["runs"] if run["suite"] == suite)
    return found


def _metric(document: Json, suite: str, name: str) -> Json:
    found: Json = _run(document, suite)["metrics"][name]
    return found


def _flips(document: Json) -> Json:
    found: Json = _metric(document, RETRIEVAL, "recall@5")["flips"]["asker"]
    return found


def _again(document: Json, changes: Json, *, low: int, high: int) -> list[Json]:
    """Another run by the answers' suite, an hour later and with another rate; gives both."""
    first = _run(document, ANSWERS)
    second = {**copy.deepcopy(first), "id": "run-again", "finished_at": NOW - DAY + 3_600_000, "final_digest": OTHER}
    second.update(changes)
    _span(second["metrics"]["hallucinated"], low, high)
    document["evidence"]["runs"].append(second)
    document["evidence"]["recorded"][1]["finished"] += 1
    return [first, second]


def _pool(document: Json, runs: list[Json], *, low: int, high: int) -> None:
    """The estimate over these runs, and the comparison of them with what stands there now."""
    pooled = copy.deepcopy(inputs.pool(runs, {}))
    _span(pooled["metrics"]["hallucinated"], low, high)
    document["evidence"]["pools"].append(pooled)
    document["evidence"]["comparisons"][1].update(members=pooled["members"], level_ppm=pooled["level_ppm"])


def _judged(document: Json, family: str) -> None:
    """The answers judged by a qualified model of this family."""
    _metric(document, ANSWERS, "hallucinated")["scorer"] = "judge.faithfulness"
    instrument = {"scorer": "judge.faithfulness", "digest": JUDGE, "family": family}
    _run(document, ANSWERS)["instruments"] = [instrument]
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


def _span(interval: Json, low: int, high: int) -> None:
    interval.update(low_bp=low, mean_bp=(low + high) // 2, high_bp=high)


def _differ(document: Json, place: int, *levels: tuple[int, int]) -> None:
    """Set a comparison's interval at each of Holm's steps."""
    bounds = [{"low_bp": low, "high_bp": high} for low, high in levels]
    middle = (levels[0][0] + levels[0][1]) // 2
    document["evidence"]["comparisons"][place].update(diff_bp=middle, **bounds[0], levels=bounds)


@case("OVS-01", "passed")
def everything_in_order(document: Json) -> None:
    pass


@case("LIN-01", "failed")
def altered_bytes(document: Json) -> None:
    document["lineage"]["nodes"][PROMPT]["integrity"] = "mismatch"


@case("LIN-01", "failed", "LIN-01", "LIN-02", "EVA-10")
def kept_under_another_digest(document: Json) -> None:
    document["lineage"]["nodes"][OTHER] = {**document["lineage"]["nodes"][PROMPT]}


@case("LIN-01", "failed", "LIN-01")
def root_of_another_version(document: Json) -> None:
    document["lineage"]["root"] = INDEX


@case("LIN-01", "failed", "LIN-01", "LIN-02", "LIN-03", "LIN-04", "LIN-05", "LIN-08", "LIN-09", "EVA-09",
      "EVA-10", "LIC-01", "LIC-02", "DOC-01", "DOC-02",
      "DOC-03", "DOC-04", "DOC-05", "OPS-01", "OPS-02", "OPS-03", "OPS-04", "OPS-05")  # fmt: skip
def empty_closure(document: Json) -> None:
    document["lineage"].update(nodes={}, edges={})


@case("LIN-02", "failed")
def dangling_edge(document: Json) -> None:
    document["lineage"]["dangling"] = [OTHER]
    document["lineage"]["edges"][AGENT].append(OTHER)


@case("LIN-02", "failed")
def edge_to_nowhere(document: Json) -> None:
    document["lineage"]["edges"][PROMPT] = [OTHER]


@case("LIN-03", "failed")
def revoked_model(document: Json) -> None:
    document["lineage"]["nodes"][MODEL]["revoked"] = True


@case("LIN-03", "failed")
def archived_corpus(document: Json) -> None:
    document["lineage"]["nodes"][CORPUS]["archived"] = True


@case("LIN-04", "failed")
def unpinned_model(document: Json) -> None:
    document["lineage"]["nodes"][MODEL]["facts"]["pinned"] = False


@case("LIN-04", "missing", "LIN-04")
def no_model(document: Json) -> None:
    del document["lineage"]["nodes"][MODEL]
    document["lineage"]["edges"][AGENT].remove(MODEL)


@case("LIN-05", "failed")
def drifted_index(document: Json) -> None:
    document["lineage"]["nodes"][INDEX]["facts"]["integrity"] = "drifted"


@case("LIN-05", "missing")
def unverified_index(document: Json) -> None:
    document["lineage"]["nodes"][INDEX]["facts"]["integrity"] = "unverified"


@case("LIN-05", "failed")
def unrecorded_embedder(document: Json) -> None:
    del document["lineage"]["nodes"][INDEX]["facts"]["embedder_digest"]


@case("LIN-06", "failed")
def skipped_stage(document: Json) -> None:
    document["from_stages"] = ["dev"]


@case("LIN-06", "missing", "LIN-06", "EVA-01", "EVA-02", "EVA-03", "EVA-04", "EVA-05", "EVA-06", "EVA-07", "EVA-08",
      "EVA-09", "EVA-10", "FAI-01", "FAI-02", "FAI-03", "FAI-04", "FAI-05", "FAI-06", "LIC-01", "LIC-02", "DOC-01",
      "DOC-03", "DOC-05", "OVS-01", "OPS-02", "OPS-03", "OPS-05")  # fmt: skip
def unknown_stage(document: Json) -> None:
    document["stage"] = "moon"


@case("LIN-02", "failed")
def moves_what_is_not_judged(document: Json) -> None:
    document["along"] = [OTHER]


@case("LIN-05", "failed")
def built_with_another_embedder(document: Json) -> None:
    document["lineage"]["nodes"][INDEX]["facts"]["built_with"] = OTHER


@case("LIN-08", "missing")
def corpus_of_nowhere(document: Json) -> None:
    document["lineage"]["nodes"][CORPUS]["facts"]["sources"] = []


@case("LIN-08", "failed")
def source_without_a_hash(document: Json) -> None:
    del document["lineage"]["nodes"][CORPUS]["facts"]["sources"][0]["digest"]


@case("LIN-08", "passed")
def source_of_the_registrations_time(document: Json) -> None:
    del document["lineage"]["nodes"][CORPUS]["facts"]["sources"][0]["retrieved_at"]


@case("LIN-08", "missing", "")
def waived_source(document: Json) -> None:
    corpus_of_nowhere(document)
    document["waivers"] = [inputs.waiver("LIN-08")]


@case("LIN-09", "failed")
def erased_document(document: Json) -> None:
    document["lineage"]["nodes"][CORPUS]["facts"]["absent"] = 1


@case("LIN-09", "missing")
def nobody_looked_for_the_bytes(document: Json) -> None:
    del document["lineage"]["nodes"][CORPUS]["facts"]["absent"]


@case("LIN-09", "failed")
def roll_back_to_an_index_that_is_gone(document: Json) -> None:
    roll_back_to_an_allowed_version(document)
    del document["lineage"]["nodes"][INDEX]["facts"]["built_at"]


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


@case("FAI-04", "failed")
def reacts_to_a_name(document: Json) -> None:
    _flips(document).update(excess_bp=1400, low_bp=900, high_bp=2000)


@case("FAI-04", "inconclusive")
def perhaps_reacts_to_a_name(document: Json) -> None:
    _flips(document).update(excess_bp=300, low_bp=100, high_bp=501)


@case("FAI-04", "inconclusive")
def most_pairs_not_compared(document: Json) -> None:
    _flips(document)["n"] = 79


@case("FAI-04", "missing")
def scored_once(document: Json) -> None:
    once = {"n": 0, "pairs": 100, "flip_bp": 200, "unscored": "no case was scored twice"}
    _metric(document, RETRIEVAL, "recall@5")["flips"]["asker"] = once


@case("FAI-05", "failed")
def turns_a_language_away(document: Json) -> None:
    _metric(document, ANSWERS, "abstained")["gaps"]["language"].update(gap_bp=3656, low_bp=2202, high_bp=5150)


@case("FAI-05", "inconclusive")
def perhaps_turns_a_language_away(document: Json) -> None:
    _metric(document, ANSWERS, "abstained")["gaps"]["language"].update(gap_bp=900, low_bp=100, high_bp=1501)


@case("FAI-05", "missing")
def refusals_not_compared(document: Json) -> None:
    del _metric(document, ANSWERS, "abstained")["gaps"]["language"]


@case("FAI-06", "missing")
def language_that_nobody_measured(document: Json) -> None:
    document["lineage"]["nodes"][CORPUS]["facts"]["languages"] = ["en", "fr", "ja"]


@case("FAI-06", "passed")
def corpus_in_one_language(document: Json) -> None:
    document["lineage"]["nodes"][CORPUS]["facts"]["languages"] = ["fr"]


@case("FAI-06", "missing", "")
def waived_language(document: Json) -> None:
    language_that_nobody_measured(document)
    document["waivers"] = [inputs.waiver("FAI-06")]


@case("LIN-07", "passed")
def roll_back_to_an_allowed_version(document: Json) -> None:
    document.update(action="rollback", formerly_allowed=True, approvals=[], from_stages=[])
    document["evidence"].update(runs=[], comparisons=[], cards=[], recorded=[], baseline_runs=[])


@case("LIN-07", "failed")
def roll_back_to_a_stranger(document: Json) -> None:
    document["action"] = "rollback"


@case("EVA-01", "missing", *NOTHING_COUNTS)
def suite_not_run(document: Json) -> None:
    document["evidence"]["runs"] = [_run(document, RETRIEVAL)]
    document["evidence"]["recorded"] = document["evidence"]["recorded"][:1]


@case("EVA-01", "missing", *NOTHING_COUNTS)
def easier_dataset(document: Json) -> None:
    _run(document, ANSWERS)["dataset"] = OTHER


@case("EVA-01", "missing", *NOTHING_COUNTS)
def run_of_another_version(document: Json) -> None:
    _run(document, ANSWERS)["subject"] = BASELINE


@case("EVA-01", "missing", *NOTHING_COUNTS)
def imported_by_a_stranger(document: Json) -> None:
    _run(document, ANSWERS).update(origin="imported", producer="alice")


@case("EVA-01", "inconclusive", "EVA-01", "EVA-06", "EVA-09")
def run_without_a_result(document: Json) -> None:
    _run(document, ANSWERS)["state"] = "inconclusive"
    document["evidence"]["abandoned"] = [{**_abandoned(1), "id": "run-docs-answers", "state": "inconclusive"}]
    document["evidence"]["recorded"][1].update(finished=0, abandoned=1)


@case("EVA-01", "inconclusive", "EVA-01", "EVA-06", "EVA-08", "EVA-09")
def scorer_missed_its_controls(document: Json) -> None:
    missed = {"planned": 6, "missed": 3, "allowed": 1, "missed_cases": ["c-1", "c-2", "c-5"]}
    _run(document, ANSWERS)["controls"] = missed


@case("EVA-01", "missing", *NOTHING_COUNTS)
def imported_where_measured_counts(document: Json) -> None:
    _run(document, ANSWERS).update(origin="imported", producer="lab")


@case("EVA-01", "missing", *NO_ESTIMATE)
def better_run_without_the_pool(document: Json) -> None:
    _span(_metric(document, ANSWERS, "hallucinated"), 2100, 2900)
    _again(document, {}, low=50, high=250)


@case("EVA-01", "missing", *NO_ESTIMATE)
def pool_of_the_better_run_alone(document: Json) -> None:
    _span(_metric(document, ANSWERS, "hallucinated"), 2100, 2900)
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
    _span(_metric(document, ANSWERS, "hallucinated"), 450, 900)
    _pool(document, _again(document, {}, low=50, high=250), low=300, high=600)


@case("EVA-01", "passed")
def the_same_result_again(document: Json) -> None:
    _again(document, {"final_digest": _run(document, ANSWERS)["final_digest"]}, low=100, high=300)


@case("EVA-01", "passed")
def cancelled_runs_are_listed(document: Json) -> None:
    document["evidence"]["abandoned"] = [_abandoned(1), {**_abandoned(2), "state": "failed", "done": 0}]
    document["evidence"]["recorded"][1]["abandoned"] = 2
    _pool(document, [_run(document, ANSWERS)], low=80, high=340)


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
    _run(document, ANSWERS)["controls"] = {"planned": 6, "missed": 1, "allowed": 1, "missed_cases": ["c-3"]}


@case("EVA-01", "missing", "EVA-01", "EVA-02", "EVA-03", "EVA-04", "EVA-05", "EVA-06", "EVA-07", "EVA-08", "EVA-09",
      "EVA-10", "FAI-01", "FAI-02", "FAI-03", "FAI-04", "FAI-05", "FAI-06")  # fmt: skip
def unheard_of_agent(document: Json) -> None:
    document["subject"]["name"] = "newcomer"
    document["lineage"]["nodes"][AGENT]["name"] = "newcomer"


@case("EVA-02", "failed")
def stale_run(document: Json) -> None:
    _run(document, RETRIEVAL)["finished_at"] = NOW - 31 * DAY


@case("EVA-02", "failed")
def run_from_the_future(document: Json) -> None:
    _run(document, RETRIEVAL)["finished_at"] = NOW + 1


@case("EVA-03", "failed")
def too_few_cases(document: Json) -> None:
    _run(document, ANSWERS).update(cases=40, scored=40)
    _metric(document, ANSWERS, "hallucinated")["n"] = 40


@case("EVA-03", "failed")
def unscored_cases(document: Json) -> None:
    _metric(document, ANSWERS, "hallucinated")["coverage_bp"] = 9000


@case("EVA-04", "failed")
def below_the_floor(document: Json) -> None:
    _span(_metric(document, RETRIEVAL, "ndcg@10"), 3000, 4000)


@case("EVA-04", "inconclusive")
def across_the_floor(document: Json) -> None:
    _span(_metric(document, RETRIEVAL, "ndcg@10"), 4400, 4600)


@case("EVA-04", "missing", "EVA-03", "EVA-04", "EVA-07", "EVA-08")
def metric_not_measured(document: Json) -> None:
    del _run(document, RETRIEVAL)["metrics"]["ndcg@10"]


@case("EVA-05", "failed")
def makes_things_up(document: Json) -> None:
    _span(_metric(document, ANSWERS, "hallucinated"), 2100, 2900)


@case("EVA-05", "inconclusive")
def might_make_things_up_where_it_was_not_scored(document: Json) -> None:
    _metric(document, ANSWERS, "hallucinated").update(pessimistic_low_bp=100, pessimistic_high_bp=750)


@case("EVA-05", "inconclusive")
def may_make_things_up(document: Json) -> None:
    _span(_metric(document, ANSWERS, "hallucinated"), 100, 501)


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


@case("FAI-01", "missing", "FAI-01", "FAI-03", "FAI-06")
def group_not_measured(document: Json) -> None:
    del _metric(document, RETRIEVAL, "recall@5")["slices"]["language"]["ja"]


@case("FAI-01", "failed")
def group_hardly_measured(document: Json) -> None:
    _metric(document, RETRIEVAL, "recall@5")["slices"]["language"]["ja"]["n"] = 12


@case("FAI-02", "failed", "FAI-02", "FAI-06")
def gap_between_languages(document: Json) -> None:
    gap = _metric(document, RETRIEVAL, "recall@5")["gaps"]["language"]
    gap.update(gap_bp=4120, low_bp=3500, high_bp=4733)


@case("FAI-02", "inconclusive", "FAI-02", "FAI-06")
def perhaps_a_gap(document: Json) -> None:
    _metric(document, RETRIEVAL, "recall@5")["gaps"]["language"].update(gap_bp=900, low_bp=400, high_bp=1400)


@case("FAI-02", "missing", "FAI-02", "FAI-06")
def gap_not_measured(document: Json) -> None:
    _metric(document, RETRIEVAL, "recall@5")["gaps"] = {}


@case("FAI-03", "failed")
def group_left_behind(document: Json) -> None:
    _span(_metric(document, RETRIEVAL, "recall@5")["slices"]["language"]["ja"], 2000, 3000)


@case("FAI-03", "inconclusive")
def group_perhaps_left_behind(document: Json) -> None:
    _span(_metric(document, RETRIEVAL, "recall@5")["slices"]["language"]["ja"], 4800, 5600)


def _licences(document: Json, subject: str, *findings: Json) -> None:
    """Another scan of one version than its own."""
    found = document["evidence"]["licences"]
    found[:] = [inputs.scan(subject, *findings) if one["subject"] == subject else one for one in found]


@case("LIC-01", "failed")
def licence_not_allowed(document: Json) -> None:
    _licences(document, CORPUS, inputs.licence("manifest", "licence", "CC-BY-NC-4.0"))


@case("LIC-01", "failed")
def page_under_another_licence(document: Json) -> None:
    declared = inputs.licence("manifest", "licence", "CC-BY-4.0")
    _licences(document, CORPUS, declared, inputs.licence("document", "en/a.md", "CC-BY-NC-4.0", 3))


@case("LIC-01", "failed")
def licences_that_hold_together(document: Json) -> None:
    _licences(document, CORPUS, inputs.licence("file", "LICENSE", "MIT AND CC-BY-NC-4.0"))


@case("LIC-01", "inconclusive")
def licence_that_nobody_can_read(document: Json) -> None:
    _licences(document, CORPUS, inputs.licence("file", "LICENSE", "a text that begins: All rights reserved"))


@case("LIC-01", "passed")
def licence_that_somebody_confirmed(document: Json) -> None:
    licence_that_nobody_can_read(document)
    document["evidence"]["attested"].append(inputs.confirmation(CORPUS, "Apache-2.0"))


@case("LIC-01", "inconclusive")
def confirmation_that_has_expired(document: Json) -> None:
    licence_that_nobody_can_read(document)
    document["evidence"]["attested"].append({**inputs.confirmation(CORPUS, "Apache-2.0"), "expires_at": NOW})


@case("LIC-01", "failed")
def confirmation_of_another_licence(document: Json) -> None:
    document["evidence"]["attested"].append(inputs.confirmation(CORPUS, "CC-BY-NC-4.0"))


@case("LIC-01", "missing")
def licences_not_scanned(document: Json) -> None:
    document["evidence"]["licences"] = document["evidence"]["licences"][1:]


@case("LIC-01", "missing", "LIC-01", "LIC-02")
def embedder_of_unknown_licence(document: Json) -> None:
    _licences(document, INDEX)


@case("LIC-01", "passed")
def licence_by_choice(document: Json) -> None:
    _licences(document, CORPUS, inputs.licence("manifest", "licence", "GPL-3.0-only OR MIT"))


@case("LIC-01", "failed", "")
def waived_licence(document: Json) -> None:
    licence_not_allowed(document)
    document["waivers"] = [inputs.waiver("LIC-01")]


@case("LIC-02", "missing")
def licence_by_the_manifest_alone(document: Json) -> None:
    _licences(document, MODEL, inputs.licence("manifest", "licence", "Apache-2.0"))


@case("LIC-02", "passed")
def licence_of_the_model_confirmed(document: Json) -> None:
    licence_by_the_manifest_alone(document)
    document["evidence"]["attested"].append(inputs.confirmation(MODEL, "Apache-2.0"))


@case("LIC-02", "missing", "")
def waived_bearing_out(document: Json) -> None:
    licence_by_the_manifest_alone(document)
    document["waivers"] = [inputs.waiver("LIC-02")]


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


@case("OPS-01", "failed")
def no_time_limit(document: Json) -> None:
    del document["lineage"]["nodes"][AGENT]["facts"]["limits"]["timeout_ms"]


@case("OPS-02", "failed")
def effect_not_allowed(document: Json) -> None:
    tool = {"name": "file", "effect": "write", "scopes": ["docs:read"]}
    document["lineage"]["nodes"][AGENT]["facts"]["tools"].append(tool)


@case("OPS-02", "passed")
def no_tools(document: Json) -> None:
    document["lineage"]["nodes"][AGENT]["facts"]["tools"] = []


@case("OPS-01", "failed")
def no_limit_on_cost(document: Json) -> None:
    del document["lineage"]["nodes"][AGENT]["facts"]["limits"]["max_cost_micros"]


@case("OPS-03", "failed")
def scope_not_allowed(document: Json) -> None:
    document["lineage"]["nodes"][AGENT]["facts"]["tools"][0]["scopes"] = ["docs:read", "mail:write"]


@case("OPS-03", "failed")
def scope_with_a_slash(document: Json) -> None:
    document["lineage"]["nodes"][AGENT]["facts"]["tools"][0]["scopes"] = ["docs/read"]


@case("OPS-03", "failed")
def scope_of_three_parts(document: Json) -> None:
    document["lineage"]["nodes"][AGENT]["facts"]["tools"][0]["scopes"] = ["docs:all:read"]


@case("OPS-03", "missing")
def tool_without_scopes(document: Json) -> None:
    del document["lineage"]["nodes"][AGENT]["facts"]["tools"][0]["scopes"]


@case("OPS-04", "failed", "OPS-02", "OPS-04")
def destroys_without_asking(document: Json) -> None:
    tool = {"name": "purge", "effect": "destructive", "scopes": ["docs:read"]}
    document["lineage"]["nodes"][AGENT]["facts"]["tools"].append(tool)


@case("OPS-04", "passed", "OPS-02")
def destroys_when_told_to(document: Json) -> None:
    tool = {"name": "purge", "effect": "destructive", "scopes": ["docs:read"], "human_approval": True}
    document["lineage"]["nodes"][AGENT]["facts"]["tools"].append(tool)


@case("OPS-05", "missing")
def nothing_logged(document: Json) -> None:
    del document["lineage"]["nodes"][AGENT]["facts"]["log_retention_days"]


@case("OPS-05", "failed")
def log_thrown_away(document: Json) -> None:
    document["lineage"]["nodes"][AGENT]["facts"]["log_retention_days"] = 30


@case("OPS-05", "failed")
def log_kept_for_ever(document: Json) -> None:
    document["lineage"]["nodes"][AGENT]["facts"]["log_retention_days"] = 36_500


@case("OPS-05", "failed", "")
def waived_log(document: Json) -> None:
    log_thrown_away(document)
    document["waivers"] = [inputs.waiver("OPS-05")]


@case("DOC-01", "missing", "")
def waived_card(document: Json) -> None:
    no_card(document)
    document["waivers"] = [inputs.waiver("DOC-01")]


@case("OVS-01", "missing")
def waiver_that_policy_does_not_know(document: Json) -> None:
    no_approval(document)
    document["waivers"] = [inputs.waiver("OVS-01")]


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


@case("LIN-03", "passed")
def prompt_alone(document: Json) -> None:
    nodes = document["lineage"]["nodes"]
    document["subject"] = {"kind": "prompt", "name": "docs-answer", "digest": PROMPT, "number": 1}
    document["lineage"] = {"root": PROMPT, "nodes": {PROMPT: nodes[PROMPT]}, "edges": {}, "dangling": []}
    document["approvals"][0]["digest"] = PROMPT


async def _decisions() -> dict[str, Any]:
    from sekisho.gate.engines.regorus_engine import RegorusEngine

    engine = RegorusEngine(inputs.fixed_policies(), timeout_ms=10_000)
    try:
        return {case.name: await engine.evaluate(case.document) for case in CASES}
    finally:
        await engine.close()


def write_golden() -> None:
    """Write every case with the decision it gets now. Read the difference before committing it."""
    GOLDEN.mkdir(exist_ok=True)
    for stale in GOLDEN.glob("*.json"):
        stale.unlink()
    decisions = asyncio.run(_decisions())
    for case in CASES:
        kept = {"input": case.document, "decision": decisions[case.name]}
        text = json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True)
        (GOLDEN / f"{case.name}.json").write_text(text + "\n")


if __name__ == "__main__":
    write_golden()
