"""Which questions are proposed, and the rows they become. Pure but for the model that may write them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sekisho.evaluation.cases import DRAFT
from sekisho.evaluation.drafting.questions import RANKS, VERSION, Question, question_about
from sekisho.evaluation.drafting.sentences import Sentence, sentences_of
from sekisho.indexing.types import Document

MOST: Final = 1000
_UNASKED: Final = len(RANKS)

Writer = Callable[[Sentence], Awaitable[str | None]]
"""Writes a question that the sentence answers; None where what it wrote cannot be used."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A question with the sentence that answers it. `by` names what wrote it."""

    sentence: Sentence
    question: str
    by: str
    expected: str | None = None

    def row(self) -> dict[str, Any]:
        """A row of a dataset, marked as a draft. Its id stays the same while document and question do."""
        name = hashlib.sha256(f"{self.sentence.document}\n{self.question}".encode()).hexdigest()[:12]
        return {
            "id": f"draft-{name}",
            "question": self.question,
            "gold": [self.sentence.text],
            **({} if self.expected is None else {"expected": self.expected}),
            "slices": {"language": self.sentence.language},
            "cluster": self.sentence.document,
            DRAFT: self.by,
        }


async def proposals(
    documents: Iterable[Document],
    size: int,
    seed: int,
    *,
    writer: Writer | None = None,
    by: str = "",
    told: Callable[[int], Awaitable[None]] | None = None,
) -> list[Proposal]:
    """At most `size` proposals, spread over the documents; the same for a seed, where no model writes.

    `writer` is asked first where there is one, and named `by`; where it fails, the sentence's own form is taken. `told`
    hears how many there are by now.
    """
    found: list[Proposal] = []
    seen: set[str] = set()
    for sentence, form in _in_turn(sentences_of(documents), seed, anything=writer is not None):
        if len(found) == size:
            break
        proposal = await _proposal(sentence, form, writer, by)
        if proposal is not None and proposal.question not in seen:
            seen.add(proposal.question)
            found.append(proposal)
        if told is not None:
            await told(len(found))
    return found


def rows_of(found: Sequence[Proposal]) -> bytes:
    """JSON Lines."""
    return "".join(json.dumps(one.row(), ensure_ascii=False, sort_keys=True) + "\n" for one in found).encode()


async def _proposal(sentence: Sentence, form: Question | None, writer: Writer | None, by: str) -> Proposal | None:
    written = None if writer is None else await writer(sentence)
    if written is not None:
        return Proposal(sentence, written, by)
    if form is None:
        return None
    return Proposal(sentence, form.text, f"builtin/{form.form}/{VERSION}", form.expected)


def _in_turn(sentences: Sequence[Sentence], seed: int, *, anything: bool) -> list[tuple[Sentence, Question | None]]:
    """One of each document, then the second of each, and so on; within a document the best forms first."""
    by_document: dict[str, list[tuple[int, bytes, Sentence, Question | None]]] = {}
    for sentence in sentences:
        form = question_about(sentence)
        if form is not None or anything:
            rank = _UNASKED if form is None else RANKS[form.form]
            by_document.setdefault(sentence.document, []).append((rank, _place(seed, sentence.text), sentence, form))
    for waiting in by_document.values():
        waiting.sort(key=lambda one: one[:2])
    order = sorted(by_document, key=lambda name: _place(seed, name))
    longest = max(map(len, by_document.values()), default=0)
    return [by_document[name][turn][2:] for turn in range(longest) for name in order if turn < len(by_document[name])]


def _place(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{name}".encode()).digest()
