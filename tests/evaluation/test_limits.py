"""What an agent declares that a request may take is held to while it is evaluated."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from sekisho.evaluation.limits import Bounded, Overrun
from sekisho.evaluation.tally import Tally
from sekisho.evaluation.types import RunState
from sekisho.inference.types import Answer, AnswerRequest, TooSlow
from sekisho.kernel.digests import digest_of
from sekisho.registry.kinds import Limits
from tests.evaluation.fakes import World
from tests.evaluation.test_trouble import measured

LIMITS = Limits(max_steps=1, max_tokens=100, timeout_ms=1000)
WITHIN = Answer("yes", digest_of("fake"), 90, 10, 1000, "stop")
REQUEST = AnswerRequest((), (), "why?")


@dataclass
class Telling:
    """A model that gives one answer, or None: it took all its time."""

    given: Answer | None
    digest: str = digest_of("fake")

    async def answer(self, _request: AnswerRequest) -> Answer:
        if self.given is None:
            raise TooSlow("the host took longer than the 1 s that a case has")
        return self.given

    async def check(self) -> None:
        """It is what it was."""


async def test_an_answer_at_its_limits_is_one() -> None:
    """The limit itself may be reached, and what a model does not count is not held against it."""
    tally = Tally()
    for answer in (WITHIN, replace(WITHIN, tokens_in=-1, tokens_out=100)):
        assert await Bounded(Telling(answer), LIMITS, tally.overran).answer(REQUEST) == answer
    assert tally.overruns == {}


@pytest.mark.parametrize(
    ("given", "limit", "reason"),
    [
        (replace(WITHIN, tokens_out=11), "max_tokens", "took 101 tokens, and the agent's limits.max_tokens is 100"),
        (replace(WITHIN, latency_ms=1001), "timeout_ms", "took 1001 ms, and the agent's limits.timeout_ms is 1000"),
        (replace(WITHIN, latency_ms=1001, cached=True), "timeout_ms", "took 1001 ms"),
    ],
)
async def test_an_answer_beyond_a_limit_is_none(given: Answer, limit: str, reason: str) -> None:
    """By tokens read and written together, and by time; a remembered answer took what it took. Each is counted."""
    tally = Tally()
    with pytest.raises(Overrun, match=reason):
        await Bounded(Telling(given), LIMITS, tally.overran).answer(REQUEST)
    assert tally.overruns == {limit: 1}


async def test_a_model_that_took_all_its_time_is_counted() -> None:
    """It was stopped at the limit, so there is no answer that could be looked at."""
    tally = Tally()
    with pytest.raises(TooSlow):
        await Bounded(Telling(None), LIMITS, tally.overran).answer(REQUEST)
    assert tally.overruns == {"timeout_ms": 1}


def test_overruns_are_kept_over_attempts() -> None:
    """A run that is resumed goes on counting; where there were none nothing is said."""
    tally = Tally.resume({"overruns": {"max_tokens": 2}})
    tally.overran("max_tokens")
    assert tally.observed(done=3, failed=3, planned=3)["overruns"] == {"max_tokens": 3}
    assert "overruns" not in Tally().observed(done=1, failed=0, planned=1)


async def test_a_run_records_overruns_and_scores_none_of_them(world: World) -> None:
    """Each case fails with the reason, and the run says how often which limit was not kept."""
    world.suite("answers", target="answers", scorers=[{"name": "grounding"}], slices=[])
    world.agent()
    fake = world.model
    object.__setattr__(fake, "answer", Telling(replace(WITHIN, model_digest=fake.digest, tokens_in=200)).answer)
    run = await measured(world)
    assert run.observations is not None
    assert run.observations["overruns"] == {"max_tokens": run.planned}
    assert run.observations["failed"] == run.planned
    assert run.state is RunState.INCONCLUSIVE
    assert run.summary is not None
    assert run.summary["coverage_bp"] == 0
