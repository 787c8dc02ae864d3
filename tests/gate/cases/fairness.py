"""Fairness: groups, languages and names."""

from __future__ import annotations

from tests.gate import inputs
from tests.gate.cases.declaring import case
from tests.gate.cases.places import metric_of, span
from tests.gate.inputs import ANSWERS, CORPUS, RETRIEVAL, Json


def _flips(document: Json) -> Json:
    found: Json = metric_of(document, RETRIEVAL, "recall@5")["flips"]["asker"]
    return found


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
    metric_of(document, RETRIEVAL, "recall@5")["flips"]["asker"] = once


@case("FAI-05", "failed")
def turns_a_language_away(document: Json) -> None:
    metric_of(document, ANSWERS, "abstained")["gaps"]["language"].update(gap_bp=3656, low_bp=2202, high_bp=5150)


@case("FAI-05", "inconclusive")
def perhaps_turns_a_language_away(document: Json) -> None:
    metric_of(document, ANSWERS, "abstained")["gaps"]["language"].update(gap_bp=900, low_bp=100, high_bp=1501)


@case("FAI-05", "missing")
def refusals_not_compared(document: Json) -> None:
    del metric_of(document, ANSWERS, "abstained")["gaps"]["language"]


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


@case("FAI-01", "missing", "FAI-01", "FAI-03", "FAI-06")
def group_not_measured(document: Json) -> None:
    del metric_of(document, RETRIEVAL, "recall@5")["slices"]["language"]["ja"]


@case("FAI-01", "failed")
def group_hardly_measured(document: Json) -> None:
    metric_of(document, RETRIEVAL, "recall@5")["slices"]["language"]["ja"]["n"] = 12


@case("FAI-02", "failed", "FAI-02", "FAI-06")
def gap_between_languages(document: Json) -> None:
    gap = metric_of(document, RETRIEVAL, "recall@5")["gaps"]["language"]
    gap.update(gap_bp=4120, low_bp=3500, high_bp=4733)


@case("FAI-02", "inconclusive", "FAI-02", "FAI-06")
def perhaps_a_gap(document: Json) -> None:
    metric_of(document, RETRIEVAL, "recall@5")["gaps"]["language"].update(gap_bp=900, low_bp=400, high_bp=1400)


@case("FAI-02", "missing", "FAI-02", "FAI-06")
def gap_not_measured(document: Json) -> None:
    metric_of(document, RETRIEVAL, "recall@5")["gaps"] = {}


@case("FAI-03", "failed")
def group_left_behind(document: Json) -> None:
    span(metric_of(document, RETRIEVAL, "recall@5")["slices"]["language"]["ja"], 2000, 3000)


@case("FAI-03", "inconclusive")
def group_perhaps_left_behind(document: Json) -> None:
    span(metric_of(document, RETRIEVAL, "recall@5")["slices"]["language"]["ja"], 4800, 5600)
