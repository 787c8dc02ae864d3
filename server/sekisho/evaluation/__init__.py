"""Suites, scorers, statistics, the runner and its reports. `score` is the door for notebooks and scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


def score(
    rows: Iterable[Mapping[str, Any]],
    scorers: Sequence[str | tuple[str, Mapping[str, Any]]] = ("grounding",),
    **params: Any,
) -> Iterator[dict[str, Any]]:
    """Score rows without a server, one at a time: a generator in, a generator out, in memory that does not grow.

    A row holds what its scorers read: ``context`` (text, a list of passages, or a JSON object), ``response`` or
    ``answer``, ``question``, ``expected``, ``gold``, ``retrieved``, ``qrels``, ``latency_ms``, ``tokens_in``,
    ``tokens_out``; other fields are not read. `scorers` are names, or names with their parameters; `params` go to every
    scorer that takes them (``k=5``), or to one (``**{"recall.k": 5}``).

    Each result holds ``row`` (from 1), the row's ``id`` where it has one, and ``scores``: metric to ``{"value": …}`` or
    ``{"unscored": reason}``. `grounding` adds ``probability`` that the answer holds something unsupported (None where
    there is none, with the reason in ``unscored``), ``verdict``, and ``spans``, the flagged parts of the answer with
    their places and reasons::

        from sekisho.evaluation import score

        for found in score([{"context": "It opens at nine.", "response": "It opens at ten."}]):
            print(found["probability"], found["spans"])

    Raises `sekisho.kernel.errors.Invalid` for a scorer, a parameter or a row that is wrong, naming it, and
    `ExtraMissing` where a scorer needs a part of the package that is not installed; the scorers and their parameters
    are checked before the first row is asked for.
    """
    from sekisho.evaluation.scoring import make_scoring, score_rows  # `import sekisho.evaluation` stays light

    return score_rows(rows, make_scoring(scorers, params))
