"""Nobody games the run: whatever is run again, the first that covers enough counts, and later ones only with it."""

from __future__ import annotations

import asyncio
import copy
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sekisho.evaluation.types import Origin, RunState
from sekisho.gate.counting import Terms, counting, level_ppm, looks
from sekisho.gate.policies import PolicySet, policy_set
from tests.gate.asking import Asking
from tests.gate.histories import CASES, METRIC, WITHIN, Measured, Tried, asked, drawn
from tests.gate.inputs import AGENT, ANSWERS, ANSWERS_DATA, NOW, OTHER, Json, digest, fixed_policies

PROPERTY = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
CAP_BP = 500


@pytest.fixture(scope="module")
def policy() -> Iterator[Asking]:
    asking = Asking(fixed_policies())
    yield asking
    asking.close()


some_cases = st.one_of(
    *(st.frozensets(st.integers(0, CASES - 1), max_size=most) for most in (1, 2, 12)),
)
tries = st.builds(
    Tried,
    wrong=some_cases,
    hours=st.integers(0, WITHIN + 48),
    unscored=st.sampled_from([0, 0, 0, 3, 9, 20]),
    state=st.sampled_from([*[RunState.FINISHED] * 5, RunState.INCONCLUSIVE, RunState.CANCELLED, RunState.FAILED]),
    origin=st.sampled_from([*[Origin.MEASURED] * 4, Origin.IMPORTED]),
    missed=st.sampled_from([0, 0, 0, 1, 2]),
    done=st.sampled_from([0, 0, 40]),
)


def passes(policy: Asking, history: list[Tried]) -> bool:
    return policy.allows(asked(history, policy.policies.parameters))


def test_a_sound_run_is_allowed_and_a_bad_one_is_not(policy: Asking) -> None:
    """The histories below can be told apart at all."""
    assert passes(policy, [Tried(frozenset())])
    assert not passes(policy, [Tried(frozenset(range(30)))])


def test_a_better_later_run_does_not_hide_the_first(policy: Asking) -> None:
    """The rule as it was, the latest run counts, would allow this."""
    bad, good = Tried(frozenset(range(30)), hours=48), Tried(frozenset(), hours=24)
    assert passes(policy, [good])
    assert not passes(policy, [bad, good])


def test_a_worse_later_run_is_not_hidden_by_the_first(policy: Asking) -> None:
    """Pooling takes the bad with the good."""
    good, bad = Tried(frozenset(), hours=48), Tried(frozenset(range(40)), hours=24)
    assert not passes(policy, [good, bad])


def test_more_evidence_can_mend_an_unlucky_first_run(policy: Asking) -> None:
    """A sound version that was unlucky once passes when the estimate over all its runs does."""
    unlucky = Tried(frozenset({3, 50, 90}), hours=48)
    assert not passes(policy, [unlucky])
    assert passes(policy, [unlucky, Tried(frozenset({7}), hours=24)])


def test_the_decision_lists_what_was_cancelled(policy: Asking) -> None:
    """A run stopped half-way, one that failed and one that missed its controls stand in EVA-01's details."""
    history = [
        Tried(frozenset({1, 2, 3}), hours=30, state=RunState.CANCELLED),
        Tried(frozenset(), hours=29, state=RunState.FAILED),
        Tried(frozenset(), hours=28, missed=2),
        Tried(frozenset(), hours=24),
    ]
    answer = policy.decide(asked(history, policy.policies.parameters))
    assert answer["allow"] is True
    details = answer["rules"]["EVA-01"]["details"]
    assert "run run-00 of suite/docs-answers was cancelled after 0 of 150 results: it does not count" in details
    assert "run run-01 of suite/docs-answers failed after 0 of 150 results: it does not count" in details
    said = "does not count: its scorer missed 2 of 9 control cases, and the suite allows 1"
    assert f"run run-02 of suite/docs-answers {said}" in details


def test_a_version_is_compared_by_the_runs_that_count(policy: Asking) -> None:
    """Better than before passes; worse does not, nor does the better of two runs alone."""
    before = [Tried(frozenset(range(9)), hours=900)]

    def status(*history: Tried) -> str:
        document = asked(history, policy.policies.parameters, before=before)
        return str(policy.decide(document)["rules"]["EVA-06"]["status"])

    worse = Tried(frozenset(range(60)), hours=48)
    assert status(Tried(frozenset(range(2)))) == "passed"
    assert status(worse) == "failed"
    assert status(worse, Tried(frozenset(), hours=24)) == "failed"


def test_running_the_baseline_again_until_it_looks_bad_does_not_help(policy: Asking) -> None:
    """The version that stands there is estimated over all its runs, the first included."""
    candidate = Tried(frozenset(range(10, 22)), hours=24)
    good, bad = Tried(frozenset(), hours=900), Tried(frozenset(range(10, 40)), hours=20)

    def status(*before: Tried) -> str:
        document = asked([candidate], policy.policies.parameters, before=before)
        return str(policy.decide(document)["rules"]["EVA-06"]["status"])

    assert status(bad) == "passed"
    assert status(good) != "passed"
    document = asked([candidate], policy.policies.parameters, before=[good, bad])
    (compared,) = (entry for entry in document["evidence"]["comparisons"] if entry["metric"] == METRIC)
    assert compared["baseline_members"] == ["before-00", "before-01"]
    compared["baseline_members"] = ["before-01"]
    assert policy.decide(document)["rules"]["EVA-06"]["status"] == "missing"


@PROPERTY
@given(history=st.lists(tries, min_size=1, max_size=4), further=tries)
def test_a_later_run_never_allows_unless_the_pooled_estimate_passes(
    policy: Asking, history: list[Tried], further: Tried
) -> None:
    """Wherever the answer is yes, a second reading finds an estimate over all the history's runs within the cap."""
    last = replace(further, hours=min(further.hours, *(one.hours for one in history)))
    for tried in (history, [*history, last]):
        if passes(policy, tried):
            assert pooled_upper_bound(tried) <= CAP_BP


def pooled_upper_bound(tried: list[Tried]) -> int:
    """The upper bound over the runs that must count at production, found without the gate's own choice."""
    kept = [
        (-one.hours, number)
        for number, one in enumerate(tried)
        if one.state is RunState.FINISHED and one.origin is Origin.MEASURED and one.missed <= 1
    ]
    fresh = sorted(key for key in kept if -key[0] <= WITHIN)
    assert fresh, "an allow without a fresh run"
    covering = [key for key in fresh if CASES - tried[key[1]].unscored >= 0.95 * CASES]
    assert covering, "an allow without a run that covers enough"
    members = [tried[number] for _, number in fresh[fresh.index(covering[0]) :]]
    distinct = list({(one.wrong, one.unscored): one for one in reversed(members)}.values())
    history = Measured(distinct)
    ids = [run.id for run in history.runs]
    measured = [one for one in tried if one.origin is Origin.MEASURED]
    stopped = [one for one in measured if one.hours <= WITHIN and glimpsed(one)]
    fooled = [one for one in measured if one.state is RunState.FINISHED and one.missed > 1]
    times = len(ids) + len(stopped) + len(fooled)
    level = 50_000 if times == 1 else 50_000 // (times * (times - 1))
    entry = asyncio.run(history.pooled(None, ids, level_ppm=level))  # type: ignore[arg-type]
    return int(entry["metrics"][METRIC]["high_bp"])


def glimpsed(one: Tried) -> bool:
    """Whether a run that came to nothing had results to look at."""
    return one.state is RunState.INCONCLUSIVE or (one.state is not RunState.FINISHED and one.done > 0)


@PROPERTY
@given(history=st.lists(tries, min_size=1, max_size=4), data=st.data())
def test_deleting_evidence_never_allows(policy: Asking, history: list[Tried], data: st.DataObject) -> None:
    """Of a history that is denied, no part can be left out of the input such that it is allowed."""
    document = asked(history, policy.policies.parameters)
    if policy.decide(document)["allow"]:
        return
    evidence = document["evidence"]
    pieces = [(part, place) for part in evidence if part != "hash" for place in range(len(evidence[part]))]
    taken = data.draw(st.sets(st.sampled_from(pieces), min_size=1, max_size=6))
    for part in {part for part, _ in taken}:
        evidence[part] = [item for place, item in enumerate(evidence[part]) if (part, place) not in taken]
    assert not policy.decide(document)["allow"]


@PROPERTY
@given(history=st.lists(tries, min_size=2, max_size=4), data=st.data())
def test_a_pool_of_other_runs_is_never_read(policy: Asking, history: list[Tried], data: st.DataObject) -> None:
    """Whoever puts a perfect estimate over other members, or at another level, into the input gets no yes by it."""
    document = asked(history, policy.policies.parameters)
    pools = document["evidence"]["pools"]
    if not pools:
        return
    perfect = asyncio.run(Measured([Tried(frozenset(), cases=3000)]).evidence(None, "", ""))[1]  # type: ignore[arg-type]
    forged = {**copy.deepcopy(pools[0]), "metrics": perfect["metrics"], "coverage_bp": 10_000, "scored": CASES}
    right, level = pools[0]["members"], pools[0]["level_ppm"]
    members = data.draw(st.lists(st.sampled_from([*right, "run-else"]), max_size=4))
    forged["members"] = members
    forged["level_ppm"] = data.draw(st.integers(level + 1, 1_000_000)) if members == right else level
    document["evidence"]["pools"] = [forged]
    assert not policy.decide(document)["allow"]


# The same choice twice: by Python, which prepares the estimates, and by Rego, which accepts them.

brief = st.fixed_dictionaries(
    {
        "suite": st.sampled_from([ANSWERS, ANSWERS, OTHER]),
        "dataset": st.sampled_from([ANSWERS_DATA, ANSWERS_DATA, OTHER]),
        "origin": st.sampled_from(["measured", "measured", "imported", "attested"]),
        "producer": st.sampled_from(["ci", "lab"]),
        "state": st.sampled_from(["finished", "finished", "inconclusive"]),
        "finished_at": st.sampled_from([NOW - days * 86_400_000 for days in (0, 1, 1, 2, 29, 30, 31, 60, -1)]),
        "final_digest": st.sampled_from([digest(letter) for letter in "abcdef"]),
        "coverage_bp": st.sampled_from([10_000, 9_500, 9_499, 0]),
        "missed": st.sampled_from([0, 0, 1, 2]),
    }
)


ORIGINS: dict[str, list[str] | None] = {"unsaid": None, "measured": ["measured"], "both": ["measured", "imported"]}


@pytest.fixture(scope="module")
def engines() -> dict[str, tuple[Any, PolicySet]]:
    """An engine per setting of the origins that count, to be cloned for each question."""
    import regorus

    made = {}
    for name, origins in ORIGINS.items():
        data = copy.deepcopy(dict(fixed_policies().data))
        run_rule = {"producers": ["lab"], **({"origins": origins} if origins else {})}
        data["parameters"]["stages"]["production"]["rules"]["EVA-01"]["parameters"] = run_rule
        policies = policy_set(fixed_policies().files, data)
        engine = regorus.Engine()
        for path, content in policies.files.items():
            engine.add_policy(path, content.decode())
        engine.add_policy("probe.rego", 'package sekisho.probe\n\nlooks := data.sekisho.runs.looks("docs-answers")\n')
        engine.add_data_json(json.dumps(policies.data))
        made[name] = (engine, policies)
    return made


given_up = st.fixed_dictionaries(
    {
        "id": st.just("given-up"),
        "suite": st.sampled_from([ANSWERS, OTHER]),
        "dataset": st.sampled_from([ANSWERS_DATA, OTHER]),
        "origin": st.sampled_from(["measured", "imported"]),
        "done": st.sampled_from([0, 7]),
        "ended_at": st.sampled_from([NOW - days * 86_400_000 for days in (0, 1, 30, 31)]),
    }
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    found=st.lists(brief, max_size=7),
    abandoned=st.lists(given_up, max_size=3),
    name=st.sampled_from(sorted(ORIGINS)),
)
def test_python_and_rego_choose_the_same_runs(
    engines: dict[str, tuple[Any, PolicySet]], found: list[Json], abandoned: list[Json], name: str
) -> None:
    """What is prepared is what is accepted: no history on which the two choose or count differently."""
    runs = [
        {
            **{key: value for key, value in one.items() if key != "missed"},
            "id": f"run-{number}",
            "subject": AGENT,
            "controls": {"planned": 5, "missed": one["missed"], "allowed": 1, "missed_cases": []},
        }
        for number, one in enumerate(found)
    ]
    subject = {"kind": "agent", "name": "docs-assistant", "digest": AGENT}
    evidence = {"runs": runs, "abandoned": abandoned}
    document = {"project": "default", "stage": "production", "now": NOW, "subject": subject, "evidence": evidence}
    engine, policies = engines[name]
    question = engine.clone()
    question.set_input_json(json.dumps(document))
    chosen = json.loads(question.eval_rule_as_json("data.sekisho.runs.chosen"))["docs-answers"]
    terms = Terms.of(policies.parameters, "production")
    ours = counting(runs, ANSWERS, ANSWERS_DATA, terms, NOW)
    assert [run["id"] for run in chosen] == [run["id"] for run in ours]
    seen, stopped = ([one for one in many if _by_answers(one)] for many in (runs, abandoned))
    looked = json.loads(question.eval_rule_as_json("data.sekisho.probe.looks"))
    assert looked == looks(seen, stopped, len(ours), terms, NOW)


def _by_answers(run: Json) -> bool:
    return (run["suite"], run["dataset"]) == (ANSWERS, ANSWERS_DATA)


@pytest.mark.parametrize("results", [0, 1, 2, 3, 7, 20, 224, 300])
def test_python_and_rego_know_the_same_levels(results: int) -> None:
    """The level of an estimate over so many results is one number."""
    import regorus

    engine: Any = regorus.Engine()
    for path, content in fixed_policies().files.items():
        engine.add_policy(path, content.decode())
    engine.add_policy("probe.rego", f"package sekisho.probe\n\nlevel := data.sekisho.runs.level({results})\n")
    assert json.loads(engine.eval_rule_as_json("data.sekisho.probe.level")) == level_ppm(results)


def test_the_levels_of_all_looks_add_up_to_twice_the_first() -> None:
    """However often somebody looks."""
    assert sum(level_ppm(results) for results in range(1, 200)) <= 2 * level_ppm(1)


def test_running_again_until_it_passes_seldom_helps(policy: Asking) -> None:
    """A version exactly as bad as the cap allows none: six runs, a look after each, and the latest never counts alone.

    The whole simulation, with twenty runs, is ``benchmarks/reruns.py``.
    """
    rng = random.Random(20261123)
    allowed = 0
    for _ in range(12):
        rates = [0.05] * CASES
        history: list[Tried] = []
        for look in range(6):
            history.append(Tried(drawn(rng, rates), hours=100 - look))
            if passes(policy, history):
                allowed += 1
                break
    assert allowed <= 3
