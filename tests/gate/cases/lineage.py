"""Lineage: what a version is made of, and whether it is all there and as it was."""

from __future__ import annotations

from tests.gate import inputs
from tests.gate.cases.declaring import case
from tests.gate.inputs import AGENT, CORPUS, INDEX, MODEL, OTHER, PROMPT, Json


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


@case("LIN-07", "passed")
def roll_back_to_an_allowed_version(document: Json) -> None:
    document.update(action="rollback", formerly_allowed=True, approvals=[], from_stages=[])
    document["evidence"].update(runs=[], comparisons=[], cards=[], recorded=[], baseline_runs=[])


@case("LIN-07", "failed")
def roll_back_to_a_stranger(document: Json) -> None:
    document["action"] = "rollback"


@case("LIN-03", "passed")
def prompt_alone(document: Json) -> None:
    nodes = document["lineage"]["nodes"]
    document["subject"] = {"kind": "prompt", "name": "docs-answer", "digest": PROMPT, "number": 1}
    document["lineage"] = {"root": PROMPT, "nodes": {PROMPT: nodes[PROMPT]}, "edges": {}, "dangling": []}
    document["approvals"][0]["digest"] = PROMPT
