"""Values of overlap checks. Pure; times are epoch milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sekisho.evaluation.types import Case
from sekisho.evidence.overlap.containment import METHOD, Search, Wanted, wanted

MOST_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much of a dataset stands in a prompt and a corpus, all three by digest.

    Of `cases`, `in_prompt` have their question or expected answer in the prompt, `in_corpus` their question in a
    document of the corpus: an answer stands in the corpus by right. `untold` questions are too short to be recognised.
    `found` names some of the cases.
    """

    id: str
    project: str
    dataset: str
    prompt: str
    corpus: str
    method: str
    cases: int
    untold: int
    in_prompt: int
    in_corpus: int
    found: tuple[str, ...]
    principal: str
    created_at: int

    @property
    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in ("cases", "untold", "in_prompt", "in_corpus")}

    def as_json(self) -> dict[str, Any]:
        named = {name: getattr(self, name) for name in ("id", "project", "dataset", "prompt", "corpus", "method")}
        said = {"found": list(self.found), "principal": self.principal, "created_at": self.created_at}
        return {**named, "origin": "measured", **self.counts, **said}

    def as_evidence(self) -> dict[str, Any]:
        """One entry of ``evidence.overlaps`` in the gate's input."""
        told = self.as_json()
        del told["project"]
        at = told.pop("created_at")
        return {**told, "at": at}


@dataclass
class Looking:
    """One dataset, looked for in a prompt and then in a corpus, a document at a time."""

    cases: Sequence[Case]
    _questions: dict[str, Wanted] = field(init=False, repr=False)
    _in_prompt: Search = field(init=False, repr=False)
    _in_corpus: Search = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._questions = _told({case.id: case.question for case in self.cases})
        answers = _told({case.id: case.expected or "" for case in self.cases})
        both = {f"q:{name}": text for name, text in self._questions.items()}
        both |= {f"a:{name}": text for name, text in answers.items()}
        self._in_prompt, self._in_corpus = Search(both), Search(self._questions)

    def in_prompt(self, texts: Sequence[str]) -> None:
        self._in_prompt.look_in_all(texts)

    def in_corpus(self, texts: Sequence[str]) -> None:
        self._in_corpus.look_in_all(texts)

    def counted(self) -> dict[str, Any]:
        """The counts, with the names of the first cases that were found, in the dataset's order."""
        prompt = {name[2:] for name in self._in_prompt.found}
        leaked = [case.id for case in self.cases if case.id in prompt or case.id in self._in_corpus.found]
        return {
            "method": METHOD,
            "cases": len(self.cases),
            "untold": len(self.cases) - len(self._questions),
            "in_prompt": len(prompt),
            "in_corpus": len(self._in_corpus.found),
            "found": tuple(leaked[:MOST_NAMED]),
        }


def _told(texts: dict[str, str]) -> dict[str, Wanted]:
    return {name: found for name, text in texts.items() if (found := wanted(text)) is not None}
