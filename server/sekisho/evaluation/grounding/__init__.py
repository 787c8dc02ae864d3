"""Does an answer stand on its context? Judged sentence by sentence, without an LLM.

`ground` is the one door. Each sentence becomes a row of features: how much of it stands in the context and how
closely together, its numbers, names and negations and their company, MiniLM's word vectors, and, where the context is
an object, its claims against the typed fields. A small trained head turns rows into a probability per sentence and per
answer, with the spans that look unsupported and the reasons in words. ``evals/grounding/README.md`` is its model card.

Heavy libraries load at the first call, and where one is missing `ExtraMissing` says which: there is no second,
quieter way to a number.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sekisho.evaluation.grounding.abstention import abstained
from sekisho.evaluation.grounding.context import Context, read
from sekisho.evaluation.grounding.evidence import Span
from sekisho.evaluation.grounding.verdict import Grounding, Sentence

if TYPE_CHECKING:
    from sekisho.evaluation.grounding.context import Material
    from sekisho.evaluation.grounding.features import Ground

__all__ = ["Context", "Grounding", "Sentence", "Span", "abstained", "digest", "ground"]

_CONTEXTS_KEPT: Final = 32
_KEPT_UP_TO: Final = 50_000
"""Characters: a longer context is taken apart for each answer anew rather than held in memory."""


def ground(answer: str, context: Context, question: str | None = None) -> Grounding:
    """Judge an answer that is not empty against a context that is not empty.

    `context` is text, a list of passages, or an object (or its JSON text). Thread-safe; the contexts seen last stay
    taken apart. An answer without any word gives no sentences. Raises `ExtraMissing`.
    """
    from sekisho.evaluation.grounding.head import shipped
    from sekisho.evaluation.grounding.verdict import judge

    material = read(context)
    prepared = _kept(material) if len(material.text) <= _KEPT_UP_TO else _prepared(material)
    return judge(prepared, shipped(), answer, question, abstained=abstained(answer))


def digest() -> str:
    """The scorer's identity: its head with the word vectors it looks words up in. Raises `ExtraMissing`."""
    from sekisho.evaluation.grounding.head import digest_of_shipped
    from sekisho.inference.minilm import digest as vectors
    from sekisho.kernel.digests import digest_of

    return digest_of({"head": digest_of_shipped(), "vectors": vectors()})


@lru_cache(maxsize=_CONTEXTS_KEPT)
def _kept(material: Material) -> Ground:
    return _prepared(material)


def _prepared(material: Material) -> Ground:
    from sekisho.evaluation.grounding.features import Ground
    from sekisho.evaluation.grounding.vectors import word_vectors

    return Ground(material, word_vectors())
