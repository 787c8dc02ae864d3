"""Values of this room, and the two things a model can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from sekisho.kernel.errors import ModelFailed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOTHING_FOUND: Final = "nothing_found"
"""`Answer.finish` of an answerer that found nothing in its passages and says so."""


class TooSlow(ModelFailed):
    """The call took all the time that it had."""


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message; `role` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """All that decides an answer, besides the model.

    `options`: ``temperature_bp`` (basis points), ``num_ctx``, ``num_predict``, ``top_k``, ``top_p_bp``.
    `schema`: a JSON Schema that the answer must follow. `repeat` tells apart calls that are otherwise the same.
    """

    messages: tuple[Message, ...]
    passages: tuple[str, ...]
    question: str
    options: Mapping[str, int | str] = field(default_factory=dict)
    seed: int = 0
    schema: Mapping[str, Any] | None = None
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """`finish` is ``stop``, ``length`` (cut at ``num_predict``) or `NOTHING_FOUND`; a cached answer says so.

    `latency_ms` is that of the call that made it.
    """

    text: str
    model_digest: str
    tokens_in: int
    tokens_out: int
    latency_ms: int
    finish: str
    cached: bool = False


class Answerer(Protocol):
    """Something that answers; its digest is pinned."""

    @property
    def digest(self) -> str: ...

    async def answer(self, request: AnswerRequest) -> Answer:
        """Raises `ModelFailed`; never gives part of an answer as a whole one."""
        ...

    async def check(self) -> None:
        """Make sure that the model is still the pinned one; called again when a run ends. Raises `ModelFailed`."""
        ...


class Embedder(Protocol):
    """Something that turns texts into unit vectors. Its methods block: call them from a thread."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int:
        """Tokens of a text beyond this one are not read."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens by the embedder's own tokenizer, with whatever marks it adds itself."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row per text, of length one. Raises `ModelFailed`."""
        ...

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As `embed`, of questions: some models want another word before them than before what is searched."""
        ...


class Reranker(Protocol):
    """Something that reads a question and a text together. `score` blocks: call it from a thread."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str: ...

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, higher is better; comparable within one question."""
        ...


@dataclass(frozen=True, slots=True)
class AvailableModel:
    """A model that a host has now. `host` is ``builtin`` or the host's URL."""

    name: str
    digest: str
    provider: str
    host: str
    family: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Kept:
    """One model call as the cache keeps it."""

    key: str
    model_digest: str
    answer: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HostSeen:
    """How a host did, as the worker that asked it last saw it.

    `circuit` is ``closed`` (calls go through), ``open`` (none does for a while) or ``half-open`` (one is let through to
    see). `places`: calls that it takes at a time, and how that was `decided`; None while it is not. `at` is in epoch
    milliseconds.
    """

    host: str
    circuit: str
    places: int | None
    decided: str
    calls: int
    failures: int
    at: int


@dataclass(frozen=True, slots=True)
class HostState:
    """What one host answered when it was asked for its models, and how it did for the worker, where one asked it."""

    host: str
    reachable: bool
    problem: str | None
    models: tuple[AvailableModel, ...]
    seen: HostSeen | None = None
