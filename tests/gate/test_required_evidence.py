"""No decision allows what lacks evidence: the policy against a second, independent reading of the requirements."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gate.asking import Asking
from tests.gate.cases import CASES
from tests.gate.inputs import fixed_policies, promotion

Json = dict[str, Any]
PROPERTY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def policy() -> Iterator[Asking]:
    asking = Asking(fixed_policies())
    yield asking
    asking.close()


def pieces(document: Json) -> Iterator[tuple[str, Any]]:
    """Every piece of evidence that can be taken away: what holds it, and its key or its place."""
    evidence = document["evidence"]
    parts = (
        "runs", "pools", "abandoned", "recorded", "baseline_runs", "qualifications", "comparisons", "cards", "overlaps",
    )  # fmt: skip
    for part in (*parts, *(name for name in ("licences", "attested") if name in evidence)):
        for place in range(len(evidence[part])):
            yield f"evidence/{part}", place
    for number, scan in enumerate(evidence.get("licences", ())):
        for place in range(len(scan["findings"])):
            yield f"evidence/licences/{number}/findings", place
    for place in range(len(document["approvals"])):
        yield "approvals", place
    for place in range(len(document["involved"])):
        yield "involved", place
    for number, run in enumerate(evidence["runs"]):
        for name, metric in run["metrics"].items():
            yield f"evidence/runs/{number}/metrics", name
            for axis, groups in metric["slices"].items():
                yield f"evidence/runs/{number}/metrics/{name}/slices", axis
                for group in groups:
                    yield f"evidence/runs/{number}/metrics/{name}/slices/{axis}", group
            for held in ("gaps", "flips"):
                for axis in metric.get(held, {}):
                    yield f"evidence/runs/{number}/metrics/{name}/{held}", axis
    for digest, node in document["lineage"]["nodes"].items():
        yield "lineage/nodes", digest
        yield f"lineage/nodes/{digest}", "registered_at"
        for place in range(len(node["facts"].get("sources", []))):
            yield f"lineage/nodes/{digest}/facts/sources", place
    for stage in range(len(document["from_stages"])):
        yield "from_stages", stage


def without(document: Json, taken: list[tuple[str, Any]]) -> Json:
    """The document without these pieces; one whose holder is gone already is gone with it."""
    reduced = copy.deepcopy(document)
    for path, key in sorted(taken, key=lambda piece: (-len(piece[0].split("/")), str(piece[1])), reverse=False):
        holder: Any = reduced
        for part in path.split("/"):
            holder = holder[int(part)] if isinstance(holder, list) else holder[part]
        if isinstance(holder, list):
            holder[key] = None
        else:
            holder.pop(key, None)
    compact: Json = _compact(reduced)
    return compact


def _compact(value: Any) -> Any:
    if isinstance(value, list):
        return [_compact(item) for item in value if item is not None]
    if isinstance(value, dict):
        return {key: _compact(item) for key, item in value.items()}
    return value


PIECES = list(pieces(promotion()))


@PROPERTY
@given(case=st.sampled_from(CASES), data=st.data())
def test_taking_evidence_away_never_turns_a_denial_into_an_allow(policy: Asking, case: Any, data: Any) -> None:
    """Whatever was denied is denied with less to show."""
    document = case.document
    if not case.blocking or document["action"] == "rollback":
        return
    taken = data.draw(st.lists(st.sampled_from(list(pieces(document))), unique=True, max_size=8))
    assert not policy.allows(without(document, taken))


@PROPERTY
@given(taken=st.lists(st.sampled_from(PIECES), unique=True, max_size=3))
def test_no_allowed_decision_lacks_what_a_second_reading_requires(policy: Asking, taken: list[tuple[str, Any]]) -> None:
    """Where the policy allows, an independent reading of the same data finds nothing missing."""
    document = without(promotion(), taken)
    lacking = list(missing(document, policy.policies.data["parameters"]))
    assert policy.allows(document) is False or lacking == []


def test_the_whole_promotion_is_allowed_and_complete(policy: Asking) -> None:
    """The property above is not empty: with everything there, both readings agree on yes."""
    assert policy.allows(promotion())
    assert list(missing(promotion(), policy.policies.data["parameters"])) == []


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: f"{piece[0]}/{str(piece[1])[:14]}")
def test_what_the_second_reading_misses_the_policy_misses(policy: Asking, piece: tuple[str, Any]) -> None:
    """Each single piece: taken away, the policy denies wherever the second reading finds something missing."""
    document = without(promotion(), [piece])
    if list(missing(document, policy.policies.data["parameters"])):
        assert not policy.allows(document)


def missing(document: Json, parameters: Json) -> Iterator[str]:
    """What production requires of this agent and the document does not show. Written without looking at the Rego."""
    evidence, lineage, subject = document["evidence"], document["lineage"], document["subject"]["digest"]
    kinds = {node["kind"] for node in lineage["nodes"].values()}
    yield from (f"node of kind {kind}" for kind in ("agent", "system", "index", "model") if kind not in kinds)
    for origin, targets in lineage["edges"].items():
        yield from (f"node {digest}" for digest in (origin, *targets) if digest not in lineage["nodes"])
    if "staging" not in document["from_stages"]:
        yield "standing at staging"
    if not any(approval["digest"] == subject for approval in document["approvals"]):
        yield "approval"
    systems = {digest for digest, node in lineage["nodes"].items() if node["kind"] == "system"}
    if not systems <= {card["subject"] for card in evidence["cards"]}:
        yield "card"
    yield from _unlooked(document, parameters)
    yield from _unattested(document, lineage["nodes"])
    for need in parameters["requirements"]:
        if document["stage"] in need["stages"]:
            yield from _unmeasured(document, need, parameters["suites"])


def _unlooked(document: Json, parameters: Json) -> Iterator[str]:
    """What must be known of the parts themselves: their time, their sources, and whether they hold what is asked."""
    nodes = document["lineage"]["nodes"]
    yield from (f"time of {digest}" for digest, node in nodes.items() if "registered_at" not in node)
    corpora = {digest: node for digest, node in nodes.items() if node["kind"] == "corpus"}
    yield from (f"sources of {digest}" for digest, node in corpora.items() if not node["facts"]["sources"])
    looked = {(found["dataset"], found["prompt"], found["corpus"]) for found in document["evidence"]["overlaps"]}
    prompts = [digest for digest, node in nodes.items() if node["kind"] == "prompt"]
    datasets = {
        parameters["suites"][name]["dataset"]
        for need in parameters["requirements"]
        if document["stage"] in need["stages"]
        for name in need["suites"]
    }
    for wanted in itertools.product(datasets, prompts, corpora):
        if wanted not in looked:
            yield f"overlap of {wanted[0]}"


def _unattested(document: Json, nodes: Json) -> Iterator[str]:
    evidence = document["evidence"]
    found = {one["subject"]: one["findings"] for one in evidence.get("licences", ())}
    assessed = {one["subject"] for one in evidence.get("attested", ()) if one["type"] == "risk-assessment"}
    for digest, node in nodes.items():
        if node["kind"] in {"corpus", "index", "model"} and not found.get(digest):
            yield f"licence of {node['name']}"
        if node["kind"] in {"index", "model"} and all(one["source"] == "manifest" for one in found.get(digest, ())):
            yield f"anybody's word but the manifest's on the licence of {node['name']}"
        if node["kind"] == "system" and digest not in assessed:
            yield f"risk assessment of {node['name']}"
    if not any(one.get("kind") == "person" and one["because"] != "requester" for one in document["involved"]):
        yield "a person behind the change"


def _unmeasured(document: Json, need: Json, pins: Json) -> Iterator[str]:
    evidence = document["evidence"]
    metrics: dict[str, Json] = {
        name: run["metrics"]
        for name in need["suites"]
        for run in evidence["runs"]
        if run["suite"] == pins[name]["suite"]
    }
    yield from (f"run of {name}" for name in need["suites"] if name not in metrics)
    for claim in (*need["floors"], *need["caps"]):
        if claim["metric"] not in metrics.get(claim["suite"], {}):
            yield f"{claim['metric']} of {claim['suite']}"
    for claim in (*need["groups"], *need["group_floors"]):
        groups = metrics.get(claim["suite"], {}).get(claim["metric"], {}).get("slices", {}).get(claim["axis"], {})
        yield from (f"group {group}" for group in claim["values"] if group not in groups)
    for claim in need["flips"]:
        if claim["axis"] not in metrics.get(claim["suite"], {}).get(claim["metric"], {}).get("flips", {}):
            yield f"flips by {claim['axis']}"
    for claim in (*need["gaps"], *need["refusal_gaps"]):
        if claim["axis"] not in metrics.get(claim["suite"], {}).get(claim["metric"], {}).get("gaps", {}):
            yield f"gap by {claim['axis']}"
    compared = {(found["suite"], found["metric"]) for found in evidence["comparisons"]}
    for claim in need["margins"]:
        if "current" in document and (pins[claim["suite"]]["suite"], claim["metric"]) not in compared:
            yield f"comparison of {claim['metric']}"
