"""What a run exercises: retrieval alone, or retrieve, render, answer. Each turns a case into a `Sample`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sekisho.evaluation.plan import Answering
from sekisho.evaluation.types import Case, Hit, Sample
from sekisho.inference.types import Answerer, AnswerRequest, Message
from sekisho.registry.prompts import render_prompt


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
class Answers:
    """Retrieves, renders the agent's prompt, has its model answer."""

    retrieval: Retrieval
    answering: Answering
    answerer: Answerer
    options: Mapping[str, int | str] = field(default_factory=dict)

    async def produce(self, case: Case, repeat: int) -> Produced:
        """Raises `ModelFailed`, and `Invalid` where the prompt cannot be rendered for this case."""
        retrieved = await self.retrieval.produce(case, repeat)
        hits = retrieved.sample.hits or ()
        passages = tuple(hit.text for hit in hits)
        given = {"question": case.question, "passages": list(passages)}
        prompt = self.answering.prompt
        messages = render_prompt(prompt, {name: given[name] for name in prompt.variables})
        answer = await self.answerer.answer(
            AnswerRequest(
                messages=tuple(Message(message["role"], message["content"]) for message in messages),
                passages=passages,
                question=case.question,
                options=self.options,
                seed=self.answering.generation.seed or 0,
                repeat=repeat,
            )
        )
        output = {**retrieved.output, "answer": answer.text, "finish": answer.finish}
        tokens = (answer.tokens_in, answer.tokens_out)
        sample = Sample(case, hits, answer.text, answer.latency_ms, None, *tokens)
        return Produced(sample, output, answer.latency_ms)

    async def check(self) -> None:
        """Raises `ModelFailed` where the model is no longer the one that was pinned."""
        await self.answerer.check()


RunTarget = Retrieval | Answers


def options_of(answering: Answering) -> dict[str, int | str]:
    """The model's own options, overlaid by how the agent samples it."""
    generation = answering.generation
    chosen = {name: getattr(generation, name) for name in ("temperature_bp", "num_ctx", "num_predict")}
    own: dict[str, int | str] = {name: value for name, value in answering.model.options.items() if name != "seed"}
    return {**own, **{name: value for name, value in chosen.items() if value is not None}}


def _listed(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    return [{"rank": rank, "chunk": hit.chunk_id, "document": hit.document} for rank, hit in enumerate(hits, 1)]
