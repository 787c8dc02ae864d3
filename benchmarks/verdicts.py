"""How often a verdict is wrong, by simulation: versions whose true quality is known are judged again and again.

A *false promotion* is a pass of a version that is not above its limit; it is most frequent exactly at the limit, where
the interval promises 2.5 % at most. A *false denial* is a fail of one that is not below. What is neither passed nor
failed is inconclusive, which is no error, and the price of few cases. A version exactly at its limit passes where the
interval lies above the truth and fails where it lies below: these lines are the interval's coverage as well.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Final

from benchmarks.figures import Figure
from sekisho.evaluation import statistics
from sekisho.evaluation.statistics import Decision, Method, Observation
from sekisho.evaluation.summary import interval_bp

TITLE: Final = "How often a verdict is wrong (simulated)"
LIMIT_S: Final = 600
SEED: Final = 20_261_125
SIZES: Final = (50, 100, 200, 500, 1_000)
FLOOR: Final = 0.8
MARGIN: Final = 0.03
CHURN: Final = 0.05
"""The share of cases that only one of two equal versions answers, to either side."""
DEPENDENCE: Final = 0.1
"""Correlation of cases about one document."""
PER_DOCUMENT: Final = 10
RERUNS: Final = 20
LATE: Final = (0.0, 0.25, 0.5)
HARD: Final = 0.25
HARD_LATE: Final = 0.5
EASY_LATE: Final = 0.1
TRUE_RANK: Final = 1 - (HARD * HARD_LATE + (1 - HARD) * EASY_LATE) * (1 - sum(LATE) / len(LATE))

Draw = Callable[[random.Random], Decision]


@dataclass(frozen=True, slots=True)
class Rounds:
    """How many versions are judged per line."""

    verdicts: int = 1_000
    means: int = 400
    reruns: int = 400


def measure(rounds: Rounds | None = None) -> Iterator[Figure]:
    rounds = rounds or Rounds()
    for per_document, truth, n in product((1, PER_DOCUMENT), (0.75, FLOOR, 0.85, 0.9), SIZES):
        counted = judged(partial(floor_decision, n=n, truth=truth, per_document=per_document), rounds.verdicts)
        yield verdicts(f"{truth:.0%}, floor {FLOOR:.0%}, {cases(n, per_document)}", counted)
    for per_document, gain, n in product((1, PER_DOCUMENT), (-2 * MARGIN, -MARGIN, 0.0), SIZES):
        counted = judged(partial(margin_decision, n=n, gain=gain, per_document=per_document), rounds.verdicts)
        yield verdicts(f"{gain:+.0%}, margin {MARGIN:.0%}, {cases(n, per_document)}", counted)
    for (documents, size), method in product(((8, 20), (15, 10), (50, 4), (200, 1)), Method):
        yield missed(documents, size, method, rounds.means)
    for noise in (1.0, 0.5, 0.1):
        yield reruns(noise, 200, rounds.reruns)


def judged(draw: Draw, rounds: int) -> Counter[Decision]:
    """How often each decision fell on versions of one true quality."""
    rng = random.Random(SEED)
    return Counter(draw(rng) for _ in range(rounds))


def floor_decision(rng: random.Random, *, n: int, truth: float, per_document: int) -> Decision:
    """One version whose answers are right with probability `truth`, against the floor."""
    rows = [
        Observation(float(rng.random() < chance), str(document))
        for document, chance in documents_of(rng, n, truth, per_document)
    ]
    return statistics.at_least(statistics.mean_interval(rows, seed=SEED), FLOOR)


def margin_decision(rng: random.Random, *, n: int, gain: float, per_document: int) -> Decision:
    """One candidate that is better than its baseline by `gain`, against the margin."""
    won = CHURN + max(0.0, gain)
    rows = [
        Observation(change(rng.random(), lost, won), str(document))
        for document, lost in documents_of(rng, n, CHURN + max(0.0, -gain), per_document)
    ]
    return statistics.non_inferior(statistics.difference_interval(rows, seed=SEED), MARGIN)


def documents_of(rng: random.Random, n: int, truth: float, per_document: int) -> Iterator[tuple[int, float]]:
    """For each of n cases its document and the document's own probability, which varies about the truth."""
    spread = 1 / DEPENDENCE - 1
    for document in range(n // per_document):
        alone = per_document == 1
        chance = truth if alone else rng.betavariate(truth * spread, (1 - truth) * spread)
        for _ in range(per_document):
            yield document, chance


def change(drawn: float, lost: float, won: float) -> float:
    if drawn < lost:
        return -1.0
    return 1.0 if drawn > 1 - won else 0.0


def missed(documents: int, size: int, method: Method, rounds: int) -> Figure:
    """How often the interval of a skewed mean (reciprocal ranks, most of them 1) lies above or below the truth."""
    rng, above, below, width = random.Random(SEED), 0, 0, 0.0
    for _ in range(rounds):
        interval = statistics.bootstrap(ranks(rng, documents, size), seed=SEED, floor=0.0, ceiling=1.0, method=method)
        above += interval.low > TRUE_RANK
        below += interval.high < TRUE_RANK
        width += interval.high - interval.low
    return Figure(
        f"skewed mean by {method.value}, {cases(documents * size, size)}",
        f"holds the truth {1 - (above + below) / rounds:.1%}",
        f"above it {above / rounds:.1%}, below it {below / rounds:.1%}",
        f"mean width {width / rounds:.3f}",
    )


def ranks(rng: random.Random, documents: int, size: int) -> list[Observation]:
    """Reciprocal ranks; one document in four is hard, and half of its cases are found late."""
    rows = []
    for document in range(documents):
        late = HARD_LATE if rng.random() < HARD else EASY_LATE
        rows += [Observation(rng.choice(LATE) if rng.random() < late else 1.0, str(document)) for _ in range(size)]
    return rows


def reruns(noise: float, n: int, rounds: int) -> Figure:
    """False promotions at the floor where somebody runs up to twenty times and stops at the first pass.

    The rule of docs/decisions/0014: all runs are pooled, and the m-th look has 1/(m(m-1)) of the level. (`reruns`
    measures it through the gate's own code, cancelled runs included.)

    `noise` is the share of the variance that each run draws anew; the rest belongs to the cases.
    """
    rng, passed = random.Random(SEED), Counter[str]()
    for _ in range(rounds):
        passed.update(passes_of(rng, noise, n))
    return Figure(
        f"{RERUNS} re-runs at the floor, {noise:.0%} noise, n={n}",
        f"wrongly passed {passed['levels'] / rounds:.1%}",
        f"one run {passed['one run'] / rounds:.1%}",
        f"best run {passed['best run'] / rounds:.1%}, pooled and narrowing {passed['narrowing'] / rounds:.1%}",
    )


def passes_of(rng: random.Random, noise: float, n: int) -> set[str]:
    """Under which rules one version at the floor passes at any of its runs."""
    chances, totals, passed = case_chances(rng, noise, n), [0.0] * n, set[str]()
    first: dict[str, int] = {}
    for number in range(1, RERUNS + 1):
        answers = [float(rng.random() < chance) for chance in chances]
        totals = [total + answer for total, answer in zip(totals, answers, strict=True)]
        means = [total / number for total in totals]
        alone, pooled = shown(answers), shown(means)
        spent = statistics.ALPHA if number == 1 else statistics.ALPHA / (number * (number - 1))
        first = first or alone
        seen = {"one run": first, "best run": alone, "narrowing": pooled, "levels": shown(means, spent)}
        passed |= {rule for rule, figures in seen.items() if figures["low_bp"] >= FLOOR * 10_000}
    return passed


def case_chances(rng: random.Random, noise: float, n: int) -> list[float]:
    """Each case's probability of a right answer; without noise it would be 0 or 1."""
    if noise == 1:
        return [FLOOR] * n
    spread = noise / (1 - noise)
    return [rng.betavariate(FLOOR * spread, (1 - FLOOR) * spread) for _ in range(n)]


def shown(values: Sequence[float], alpha: float = statistics.ALPHA) -> dict[str, int]:
    rows = [Observation(value, str(number)) for number, value in enumerate(values)]
    return interval_bp(statistics.mean(values), statistics.mean_interval(rows, seed=SEED, alpha=alpha))


def verdicts(what: str, counted: Counter[Decision]) -> Figure:
    passed, failed, undecided = (counted[decision] / counted.total() for decision in Decision)
    return Figure(what, f"passed {passed:.1%}", f"failed {failed:.1%}", f"inconclusive {undecided:.1%}")


def cases(n: int, per_document: int) -> str:
    return f"n={n}" if per_document == 1 else f"n={n}, {n // per_document} documents"
