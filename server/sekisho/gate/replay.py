"""Past decisions before another policy: which of them would come out otherwise, and by which rules.

Each kept input is judged as it stood, with its own clock, so an answer differs by the policy alone. What the input does
not hold the candidate cannot see: the evidence was gathered for the policy of that time.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sekisho.gate.schemas import read_input
from sekisho.gate.types import Outcome
from sekisho.kernel.errors import Invalid

if TYPE_CHECKING:
    from sekisho.gate.judge import Judge  # the command line loads without a server's libraries

MAX_LISTED: Final = 1_000
"""Flips that a summary lists one by one; all of them are counted."""


class Turn(StrEnum):
    """What another policy makes of a past decision."""

    SAME = "same"
    TIGHTENED = "allow to deny"
    LOOSENED = "deny to allow"
    NEW = "no verdict before"
    """The engine had failed then, so there is nothing to compare with."""
    UNJUDGED = "no verdict now"
    """The candidate gives no verdict on it, or the input is of another form than this version reads."""


@dataclass(frozen=True, slots=True)
class Past:
    """A decision that was made. `blocking` are the rules that stood in its way, `document` the input it was made on."""

    id: str
    subject: str
    stage: str
    outcome: Outcome
    blocking: tuple[str, ...]
    document: Mapping[str, Any]

    @property
    def allowed(self) -> bool | None:
        """What policy said, whatever was overridden; None where it said nothing."""
        return None if self.outcome is Outcome.ERROR else self.outcome is Outcome.ALLOW


@dataclass(frozen=True, slots=True)
class Replayed:
    """One past decision under the candidate. `rules` block in only one of the two answers."""

    past: Past
    turn: Turn
    rules: tuple[str, ...] = ()
    reason: str | None = None
    engine_failed: bool = False
    """The candidate itself gave no verdict, on an input that could be read."""

    def as_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "decision": self.past.id,
            "subject": self.past.subject,
            "stage": self.past.stage,
            "turn": self.turn.value,
            "rules": list(self.rules),
        }
        return body if self.reason is None else {**body, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the candidate says of one input: whether it allows it, None where it gives no verdict, and `reason` why."""

    allowed: bool | None
    blocking: tuple[str, ...] = ()
    reason: str | None = None
    engine_failed: bool = False

    def of(self, past: Past) -> Replayed:
        """The past decision beside this answer to its input."""
        if self.allowed is None:
            return Replayed(past, Turn.UNJUDGED, reason=self.reason, engine_failed=self.engine_failed)
        if past.allowed is None:
            return Replayed(past, Turn.NEW)
        if past.allowed is self.allowed:
            return Replayed(past, Turn.SAME)
        rules = tuple(sorted(set(past.blocking) ^ set(self.blocking)))
        return Replayed(past, Turn.LOOSENED if self.allowed else Turn.TIGHTENED, rules)


async def answer(document: Mapping[str, Any], judge: Judge) -> Answer:
    """Judge one input by the judge's policy. Never raises for what cannot be judged: that is an answer too."""
    try:
        whole = read_input(document)
    except Invalid as error:
        return Answer(None, reason=str(error))
    judgement = await judge.judge(whole)
    if judgement.answer is None:
        return Answer(None, reason=judgement.error, engine_failed=True)
    return Answer(judgement.outcome is Outcome.ALLOW, tuple(judgement.answer["blocking"]))


async def replay(past: Past, judge: Judge) -> Replayed:
    """Judge one past input by the judge's policy; raises as little as `answer`."""
    return (await answer(past.document, judge)).of(past)


@dataclass
class Summary:
    """What became of all of them."""

    turns: Counter[Turn] = field(default_factory=Counter)
    rules: dict[str, Counter[Turn]] = field(default_factory=dict)
    """Per rule, how many decisions it turned and which way; of several rules each counts."""
    listed: list[Replayed] = field(default_factory=list)

    def add(self, replayed: Replayed) -> None:
        self.turns[replayed.turn] += 1
        for rule in replayed.rules:
            self.rules.setdefault(rule, Counter())[replayed.turn] += 1
        if replayed.turn is not Turn.SAME and len(self.listed) < MAX_LISTED:
            self.listed.append(replayed)

    @property
    def seen(self) -> int:
        return self.turns.total()

    def exit_code(self, accepted: str | None) -> int:
        """1 where a denial would become an allow and nobody says why; 4 where something could not be judged; else 0."""
        if self.turns[Turn.LOOSENED] and not (accepted or "").strip():
            return 1
        return 4 if self.turns[Turn.UNJUDGED] else 0

    def as_json(self) -> dict[str, Any]:
        return {
            "decisions": self.seen,
            "turns": {turn.value: self.turns[turn] for turn in Turn},
            "rules": {rule: _counts(self.rules[rule]) for rule in sorted(self.rules)},
            "listed": [replayed.as_json() for replayed in self.listed],
        }


async def replay_all(pasts: Iterable[Past], judge: Judge, *, at_once: int = 1) -> Summary:
    """Every one of them; the summary lists them in the order in which they came. Inputs that are alike are judged once.

    `at_once` are under way together, for a judge whose engine can make use of it. The next is fetched in a thread
    meanwhile, since fetching may take as long as judging.
    """
    summary = Summary()
    answers: dict[bytes, asyncio.Task[Answer]] = {}
    under_way: deque[tuple[Past, asyncio.Task[Answer]]] = deque()
    source = iter(pasts)
    try:
        while (past := await asyncio.to_thread(next, source, None)) is not None:
            key = _key(past.document)
            if key not in answers:
                answers[key] = asyncio.create_task(answer(past.document, judge))
            under_way.append((past, answers[key]))
            if len(under_way) >= at_once:
                summary.add(await _next(under_way))
        while under_way:
            summary.add(await _next(under_way))
    finally:
        for task in answers.values():
            task.cancel()
        await asyncio.gather(*answers.values(), return_exceptions=True)
    return summary


async def _next(under_way: deque[tuple[Past, asyncio.Task[Answer]]]) -> Replayed:
    past, task = under_way.popleft()
    return (await task).of(past)


def _key(document: Mapping[str, Any]) -> bytes:
    """The same for inputs that are alike, whatever the order of their names; also for what is no gate input."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).digest()


def _counts(turned: Counter[Turn]) -> dict[str, int]:
    return {turn.value: turned[turn] for turn in (Turn.LOOSENED, Turn.TIGHTENED)}
