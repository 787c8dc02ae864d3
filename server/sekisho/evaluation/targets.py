"""What a run exercises, from retrieval alone to retrieve, render, answer. Each turns a case into a `Sample`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sekisho.evaluation.plan import Answering
from sekisho.evaluation.recorded import Answered
from sekisho.evaluation.types import Case, Hit, Sample
from sekisho.inference.types import Answerer, AnswerRequest, Message
from sekisho.kernel.errors import Invalid
from sekisho.registry.prompts import render_prompt

KEPT_CHARACTERS: Final = 6_000
"""How much of the retrieved text a result keeps, the best passages first, so that a report can show them."""


class Found(Protocol):
    """A retrieved chunk, as the index gives it."""

    @property
    def chunk_id(self) -> str: ...

    @property
    def document(self) -> str: ...

    @property
    def text(self) -> str: ...


class OpenIndex(Protocol):
    """One index, ready to search."""

    async def search(self, query: str, k: int) -> Sequence[Found]:
        """At most k chunks, best first. Raises `ModelFailed` where the query cannot be embedded."""
        ...


@dataclass(frozen=True, slots=True)
class Produced:
    """A sample, what of it is stored, and how long the model took."""

    sample: Sample
    output: Mapping[str, Any]
    latency_ms: int | None = None


class Passages(Protocol):
    """Where a case's passages come from."""

    async def produce(self, case: Case, repeat: int) -> Produced: ...


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Searches one index, `depth` chunks deep."""

    index: OpenIndex
    depth: int

    async def produce(self, case: Case, _repeat: int) -> Produced:
        found = await self.index.search(case.question, self.depth)
        hits = tuple(Hit(chunk.chunk_id, chunk.document, chunk.text) for chunk in found)
        return Produced(Sample(case, hits), {"retrieved": _listed(hits)})

    async def check(self) -> None:
        """An index is its digest; it cannot have moved."""


@dataclass(frozen=True, slots=True)
class Given:
    """The passages that come with the case, for a prompt that is evaluated by itself."""

    async def produce(self, case: Case, _repeat: int) -> Produced:
        hits = _given(case.context)
        return Produced(Sample(case, hits), {"retrieved": _listed(hits)} if hits else {})


@dataclass(frozen=True, slots=True)
class Answers:
    """Takes the passages, renders the prompt, has the model answer."""

    passages: Passages
    answering: Answering
    answerer: Answerer
    options: Mapping[str, int | str] = field(default_factory=dict)

    async def produce(self, case: Case, repeat: int) -> Produced:
        """Raises `ModelFailed`, and `Invalid` where the prompt cannot be rendered for this case."""
        found = await self.passages.produce(case, repeat)
        hits = found.sample.hits or ()
        texts = tuple(hit.text for hit in hits)
        messages = render_prompt(self.answering.prompt, self._variables(case, texts))
        answer = await self.answerer.answer(
            AnswerRequest(
                messages=tuple(Message(message["role"], message["content"]) for message in messages),
                passages=texts,
                question=case.question,
                options=self.options,
                seed=self.answering.generation.seed or 0,
                repeat=repeat,
            )
        )
        output = {**found.output, "answer": answer.text, "finish": answer.finish}
        tokens = (answer.tokens_in, answer.tokens_out)
        sample = Sample(case, hits, answer.text, answer.latency_ms, None, *tokens)
        return Produced(sample, output, answer.latency_ms)

    async def check(self) -> None:
        """Raises `ModelFailed` where the model is no longer the one that was pinned."""
        await self.answerer.check()

    def _variables(self, case: Case, passages: Sequence[str]) -> dict[str, Any]:
        """What the prompt declares of question, passages and the case's own variables; these may not hide the two."""
        given = {**case.variables, "question": case.question, "passages": list(passages)}
        return {name: given[name] for name in self.answering.prompt.variables if name in given}


@dataclass(frozen=True, slots=True)
class Recorded:
    """Answers that somebody brought along, case by case; nothing is asked. Such a run is imported, not measured."""

    answers: Mapping[tuple[str, int], Answered]

    async def produce(self, case: Case, repeat: int) -> Produced:
        """Raises `Invalid` where nothing is recorded for the case: it goes unscored."""
        found = self.answers.get((case.id, repeat))
        if found is None:
            raise Invalid(f"no answer is recorded for case {case.id}, repeat {repeat}")
        hits = None if found.retrieved is None else _given(found.retrieved)
        output: dict[str, Any] = {} if hits is None else {"retrieved": _listed(hits)}
        if found.answer is not None:
            output["answer"] = found.answer
        return Produced(Sample(case, hits, found.answer, found.latency_ms), output, found.latency_ms)

    async def check(self) -> None:
        """What is recorded cannot move."""


@dataclass(frozen=True, slots=True)
class Controlled:
    """Puts control cases before the scorers as they are written; every other case goes to the subject."""

    subject: RunTarget

    async def produce(self, case: Case, repeat: int) -> Produced:
        if case.control is None:
            return await self.subject.produce(case, repeat)
        hits = _given(case.control.context)
        output = {"retrieved": _listed(hits), "answer": case.control.answer, "control": case.control.kind}
        return Produced(Sample(case, hits, case.control.answer), output)

    async def check(self) -> None:
        await self.subject.check()


class RunTarget(Protocol):
    """What a run exercises, case by case."""

    async def produce(self, case: Case, repeat: int) -> Produced: ...

    async def check(self) -> None:
        """Raises `ModelFailed` where what answered is no longer what was pinned."""
        ...


def options_of(answering: Answering) -> dict[str, int | str]:
    """The model's own options, overlaid by how the agent samples it."""
    generation = answering.generation
    chosen = {name: getattr(generation, name) for name in ("temperature_bp", "num_ctx", "num_predict")}
    own: dict[str, int | str] = {name: value for name, value in answering.model.options.items() if name != "seed"}
    return {**own, **{name: value for name, value in chosen.items() if value is not None}}


def _given(passages: Sequence[str]) -> tuple[Hit, ...]:
    return tuple(Hit(f"given-{n}", "given", text) for n, text in enumerate(passages, 1))


def _listed(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Each hit by its place, and of the best ones the text, as far as it fits; `cut` marks a text that was cut."""
    listed: list[dict[str, Any]] = []
    left = KEPT_CHARACTERS
    for rank, hit in enumerate(hits, 1):
        entry: dict[str, Any] = {"rank": rank, "chunk": hit.chunk_id, "document": hit.document}
        if left > 0:
            entry |= {"text": hit.text[:left], **({"cut": True} if len(hit.text) > left else {})}
            left -= len(hit.text)
        listed.append(entry)
    return listed
