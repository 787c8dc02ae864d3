"""How often does a version that is exactly as bad as the cap get through, if its author runs the suite again and again?

Every case is made up with the same probability in every run, independently: the worst case, in which a new run is a
new draw. After each of up to twenty runs the gate is asked, by the real choice of runs, the real pooled estimate and
the real policy on regorus, and the author stops at the first yes. A single look errs in about 2.5 % of trials, since
95 % intervals are read at one end. Beside it stand the rule that the latest run counts, and an author who watches and
cancels each run that would not pass.
"""

from __future__ import annotations

import copy
import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from tests.gate.asking import Asking
from tests.gate.histories import Tried, asked, drawn
from tests.gate.inputs import fixed_policies

from benchmarks.figures import Figure
from sekisho.evaluation.types import RunState
from sekisho.gate.policies import PolicySet, policy_set

TITLE: Final = "False promotions by running again (true rate = cap)"
LIMIT_S: Final = 1500
CASES: Final = 150
CAP_BP: Final = 2_000
LOOKS: Final = 20
TRIALS: Final = 200
SEED: Final = 20_261_123


def measure() -> Iterator[Figure]:
    policy = Asking(policies())
    try:
        yield from figures(policy, TRIALS, LOOKS)
    finally:
        policy.close()


def figures(policy: Asking, trials: int, looks: int) -> Iterator[Figure]:
    """One figure per way of trying."""
    single = share(policy, first_only, trials, 1)
    yield Figure("one run", told(single, trials), "nominal: 2.5 %")
    pooled = share(policy, pooled_history, trials, looks)
    latest = share(policy, latest_only, trials, looks)
    yield Figure(
        f"up to {looks} runs, a look after each", told(pooled, trials), f"the latest counts: {told(latest, trials)}"
    )
    cancelled = share(policy, cancelling, trials, looks)
    yield Figure(
        f"up to {looks} runs, cancelling each that would not pass",
        told(cancelled, trials),
        f"each is a look, and at most {allowed(policy)} may come to nothing",
    )


Way = Callable[[Asking, Sequence[Tried]], bool]
"""Whether the gate says yes after the last of these runs."""


def share(policy: Asking, way: Way, trials: int, looks: int) -> int:
    """In how many trials the gate says yes after any of the looks; each trial has a seed of its own."""
    yes = 0
    for trial in range(trials):
        rng = random.Random(SEED * 1000 + trial)  # a simulation, not secrecy
        history: list[Tried] = []
        for look in range(looks):
            history.append(Tried(drawn(rng, [CAP_BP / 10_000] * CASES), hours=200 - look, cases=CASES))
            if way(policy, history):
                yes += 1
                break
    return yes


def hopeless(history: Sequence[Tried]) -> bool:
    """Whether the pooled rate lies less than a standard error under the cap: no interval of 95 % can be within it.

    The gate is not asked then, which spares nine looks of ten.
    """
    means = [sum(case in run.wrong for run in history) / len(history) for case in range(CASES)]
    error = statistics.stdev(means) / math.sqrt(CASES)
    return statistics.mean(means) + error > CAP_BP / 10_000


def pooled_history(policy: Asking, history: Sequence[Tried]) -> bool:
    if hopeless([run for run in history if run.state is RunState.FINISHED]):
        return False
    return policy.allows(asked(history, policy.policies.parameters))


def first_only(policy: Asking, history: Sequence[Tried]) -> bool:
    return pooled_history(policy, history[:1])


def latest_only(policy: Asking, history: Sequence[Tried]) -> bool:
    """As if only the last run existed, which is what the rule was."""
    return pooled_history(policy, history[-1:])


def cancelling(policy: Asking, history: Sequence[Tried]) -> bool:
    """Every run but the last was cancelled when it looked bad."""
    stopped = [
        Tried(run.wrong, run.hours, state=RunState.CANCELLED, cases=run.cases, done=run.cases // 2)
        for run in history[:-1]
    ]
    return pooled_history(policy, [*stopped, history[-1]])


def policies() -> PolicySet:
    """The tests' policy with a cap at which single counts do not make steps of the error."""
    data: dict[str, Any] = copy.deepcopy(dict(fixed_policies().data))
    for requirement in data["parameters"]["requirements"]:
        for cap in requirement["caps"]:
            cap["cap_bp"] = CAP_BP
    return policy_set(fixed_policies().files, data)


def allowed(policy: Asking) -> int:
    return policy.policies.parameters.parameters_of("production", "EVA-01").max_abandoned or 0


def told(yes: int, trials: int) -> str:
    """The share with the half-width of its 95 % interval."""
    rate = yes / trials
    return f"{100 * rate:.1f} % ± {196 * math.sqrt(rate * (1 - rate) / trials):.1f}"
