"""One verdict per claim or passage, each with the words that decide; what cannot be shown is no verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sekisho.evaluation.judges.asking import SEED, Unusable, ask_json, keyed, object_schema
from sekisho.evaluation.judges.claims import GROUP
from sekisho.evaluation.judges.fencing import bears_on, one_line, stands_in
from sekisho.evaluation.words import terms
from sekisho.inference.types import Answerer

MAX_QUOTE: Final = 4_000


@dataclass(frozen=True, slots=True)
class Item:
    """What is judged: a claim, or a passage. A quote must stand in `source`."""

    name: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """`quote` is empty where the verdict needs none."""

    text: str
    verdict: str
    quote: str

    def as_json(self) -> dict[str, str]:
        return {"text": self.text, "verdict": self.verdict} | ({"quote": self.quote} if self.quote else {})


@dataclass(frozen=True, slots=True)
class Bench:
    """A kind of verdict: the prompt, the words that a verdict may be, and those of them that need a quote.

    `related`: the quote must share a content term with the item itself.
    """

    prompt: str
    words: tuple[str, ...]
    quoted: frozenset[str]
    related: bool

    def schema(self, items: Sequence[Item]) -> dict[str, Any]:
        # The quote first: a model that must find its evidence before its verdict judges better than the other way.
        one = object_schema({"quote": {"type": "string"}, "verdict": {"type": "string", "enum": list(self.words)}})
        return object_schema({item.name: one for item in items})

    def read(self, items: Sequence[Item], value: Any) -> list[Verdict]:
        found = keyed(value, [item.name for item in items])
        return [self._verdict(item, found[item.name]) for item in items]

    def _verdict(self, item: Item, value: Any) -> Verdict:
        if not isinstance(value, dict) or set(value) != {"quote", "verdict"}:
            raise Unusable(f"{item.name} is not an object of quote and verdict")
        quote, verdict = value["quote"], value["verdict"]
        if verdict not in self.words:
            raise Unusable(f"{item.name}: the verdict is not one of {', '.join(self.words)}")
        if not isinstance(quote, str):
            raise Unusable(f"{item.name}: the quote is no text")
        if verdict not in self.quoted:
            return Verdict(item.text, verdict, "")
        if problem := self._quote_problem(item, quote):
            raise Unusable(f"{item.name}: the quote {problem}")
        return Verdict(item.text, verdict, one_line(quote))

    def _quote_problem(self, item: Item, quote: str) -> str | None:
        if len(quote) > MAX_QUOTE:
            return f"is longer than {MAX_QUOTE} characters"
        if not terms(quote):
            return "holds no word that says anything"
        if not stands_in(quote, item.source):
            return "does not stand there"
        return "has nothing to do with the claim" if self.related and not bears_on(quote, item.text) else None


async def decide(
    judge: Answerer,
    bench: Bench,
    items: Sequence[Item],
    variables: Callable[[Sequence[Item]], Mapping[str, Any]],
    votes: int,
) -> tuple[Verdict, ...]:
    """The verdict on each item, in the items' order.

    With several `votes` each is asked for that often, under another seed and with the items in another order (at
    temperature 0 the seed alone changes little). Verdicts that differ are no verdict: a majority would hide that the
    judge cannot tell. Raises `Unusable` and `ModelFailed`.
    """
    found: list[Verdict] = []
    for start in range(0, len(items), GROUP):
        group = items[start : start + GROUP]
        first, *others = [await _vote(judge, bench, group, variables, vote) for vote in range(votes)]
        for item in group:
            if flipped := {vote[item.name].verdict for vote in others} - {first[item.name].verdict}:
                told = " and ".join(sorted({first[item.name].verdict, *flipped}))
                raise Unusable(f"the judge flips its verdict on {item.name}: {told}")
        found += [first[item.name] for item in group]
    return tuple(found)


async def _vote(
    judge: Answerer,
    bench: Bench,
    group: Sequence[Item],
    variables: Callable[[Sequence[Item]], Mapping[str, Any]],
    vote: int,
) -> dict[str, Verdict]:
    turn = vote % len(group)
    order = [*group[turn:], *group[:turn]]
    verdicts = await ask_json(
        judge, bench.prompt, variables(order), bench.schema(order), partial(bench.read, order), SEED + vote
    )
    return {item.name: verdict for item, verdict in zip(order, verdicts, strict=True)}
