"""The trained head: boosted trees and a line over a sentence's features, a line over the sentences of an answer.

The model is one JSON file of numbers, so that loading it runs nothing. Its digest, over the canonical JSON, is the
scorer's identity: it goes into a run's record, and a judge qualification binds to it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sekisho.evaluation.grounding.features import NAMES, VERSION
from sekisho.kernel.errors import ExtraMissing, IntegrityFailed
from sekisho.kernel.trees import tree

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SCHEMA: Final = "sekisho.grounding-head/v2"
FILE: Final = ("grounding", "head.json")
SUMMED: Final = ("novel_common", "novel_unasked")
SUMMED_FIELDS: Final = (
    *("novel_unasked", "novel_common", "novel_rare", "cover_plain", "window", "names_missing", "numbers_missing"),
    *("flag_agrees", "flag_conflict", "flag_invented", "flag_denied", "hours_wrong"),
)
"""Features of which an answer's sum says something of its own: how much it claims. The second list only for fields."""
_SUMMED_AT: Final = [NAMES.index(name) for name in SUMMED]
_SUMMED_FIELDS_AT: Final = [NAMES.index(name) for name in SUMMED_FIELDS]
_LOWEST: Final = -7.0
COPIED: Final = -6.0
"""Logit of a sentence that stands in the context word for word: a fact, not an estimate."""
PLAINLY: Final = ("altered_opposite", "altered_name", "altered_number", "negation_new", "denied_new")
"""Signs that can be pointed at: something else stands where the context has a name, a number, a yes or a no."""
_PLAINLY_AT: Final = [NAMES.index(name) for name in PLAINLY]
_ALIGNED_AT: Final = NAMES.index("aligned")


@dataclass(frozen=True, slots=True)
class Line:
    """A logistic regression over standardised inputs."""

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float

    def logits(self, rows: Floats) -> Floats:
        logits: Floats = self.parts(rows).sum(axis=1) + self.bias
        return logits

    def parts(self, rows: Floats) -> Floats:
        parts: Floats = (rows - self.mean) / self.scale * self.weights
        return parts


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosted trees as arrays of (tree, node): a leaf is its own child, so that walking on stays there."""

    base: float
    depth: int
    feature: NDArray[np.int64]
    threshold: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: Floats

    def walk(self, rows: Floats) -> tuple[Floats, Floats]:
        """Logits, and how much each feature moved each row (the change of the nodes' mean along its path)."""
        import numpy as np

        trees = np.arange(len(self.feature))[None, :]
        at = np.zeros((len(rows), len(self.feature)), np.int64)
        index = np.arange(len(rows))[:, None]
        moved = np.zeros_like(rows)
        for _ in range(self.depth):
            asked = self.feature[trees, at]
            goes_left = rows[index, asked] <= self.threshold[trees, at]
            after = np.where(goes_left, self.left[trees, at], self.right[trees, at])
            np.add.at(
                moved, (np.broadcast_to(index, asked.shape), asked), self.value[trees, after] - self.value[trees, at]
            )
            at = after
        return self.base + self.value[trees, at].sum(axis=1), moved


@dataclass(frozen=True, slots=True)
class Short:
    """How answers of at most `sentences` sentences are judged besides.

    Long answers that people labelled hardly ever turn on one word, so the head learns to forgive it. A short answer
    stands or falls with it: where one of its sentences runs along a context sentence (`aligned`, the share of its
    weight) and is plainly altered, even odds (`altered`) are the least that it gets.
    """

    sentences: int
    aligned: float
    altered: float

    def least(self, rows: Floats) -> Floats:
        """The least probability of each sentence."""
        import numpy as np

        plainly = (rows[:, _PLAINLY_AT] > 0).any(axis=1) & (rows[:, _ALIGNED_AT] >= self.aligned)
        return np.where(plainly & (len(rows) <= self.sentences), self.altered, 0.0)


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer read: logit and probability per sentence, what each feature added, the probability for the whole."""

    logits: Floats
    each: Floats
    moved: Floats
    whole: float


@dataclass(frozen=True, slots=True)
class Head:
    """Trees and a line give a logit per sentence; a second line makes of them a probability for the answer."""

    digest: str
    trees: Trees
    line: Line
    blend: float
    sentence_line: Line
    answer_line: Line
    short: Short
    sentence_threshold: float
    answer_threshold: float

    def read(self, rows: Floats, copied: Sequence[bool] | NDArray[np.bool_], kind: Sequence[float]) -> Reading:
        """Judge one answer of one sentence or more.

        A short answer (see `Short`) is never less doubtful than its most doubtful sentence; a long one was trained as
        a whole, and a floor under it cost order and calibration.
        """
        import numpy as np

        logits, moved = self._sentences(rows)
        logits = np.where(copied, COPIED, logits)
        each = np.maximum(
            sigmoid(self.sentence_line.logits(logits[:, None])), np.where(copied, 0, self.short.least(rows))
        )
        row = np.array([answer_row(logits, rows, kind)], np.float64)
        whole = float(sigmoid(self.answer_line.logits(row))[0])
        if len(rows) <= self.short.sentences:
            whole = max(whole, float(each.max(initial=0.0)))
        return Reading(logits, each, moved, whole)

    def _sentences(self, rows: Floats) -> tuple[Floats, Floats]:
        boosted, moved = self.trees.walk(rows)
        linear = self.line.logits(rows)
        mixed: Floats = self.blend * boosted + (1 - self.blend) * linear
        return mixed, self.blend * moved + (1 - self.blend) * self.line.parts(rows)


def answer_row(logits: Floats, rows: Floats, kind: Sequence[float]) -> list[float]:
    """What the second stage sees of an answer: its sentences' logits, sums of some of their features, its kind."""
    import numpy as np

    fields = np.log1p(rows[:, _SUMMED_FIELDS_AT].sum(axis=0)) * kind[-1]
    claims = np.log1p(rows[:, _SUMMED_AT].sum(axis=0))
    return [*pooled(logits), *fields.tolist(), *claims.tolist(), *kind]


def pooled(logits: Floats) -> list[float]:
    """An answer by its sentences: the three most doubtful, the mean, and the logit that any of them is unsupported."""
    import numpy as np

    worst = [*np.sort(logits)[::-1][:3], _LOWEST, _LOWEST, _LOWEST][:3]
    none = float(np.log1p(-np.clip(sigmoid(logits), 0, 0.999)).sum())
    any_of_them = math.log(math.expm1(min(20.0, max(1e-3, -none))))
    return [*(float(value) for value in worst), float(logits.mean()) if len(logits) else _LOWEST, any_of_them]


def sigmoid(logits: Floats) -> Floats:
    import numpy as np

    result: Floats = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return result


@lru_cache(maxsize=1)
def shipped() -> Head:
    """The head of this release. Raises `IntegrityFailed` where the file does not fit the code."""
    return load(tree("evals").joinpath(*FILE))


def digest_of_shipped() -> str:
    """The head's identity without loading numpy."""
    return _digest(_read(tree("evals").joinpath(*FILE)))


def load(path: Path) -> Head:
    """The head in a file. Raises `IntegrityFailed`, and `ExtraMissing` where numpy is not installed."""
    return head_of(_read(path), path.name)


def head_of(raw: Mapping[str, Any], name: str = "the head") -> Head:
    """The head that a JSON value describes."""
    if raw.get("schema") != SCHEMA or raw.get("features_version") != VERSION or raw.get("features") != list(NAMES):
        raise IntegrityFailed(
            f"{name} was trained for other features than this release computes",
            remedy="reinstall sekisho, or train the head again with `python -m benchmarks.grounding_training`",
        )
    try:
        import numpy as np  # noqa: F401
    except ImportError as error:
        raise ExtraMissing(
            "the scorer `grounding` needs numpy", remedy='run `pip install "sekisho[worker]"`'
        ) from error
    return Head(
        digest=_digest(raw),
        trees=trees_of(raw["trees"]),
        line=line_of(raw["line"]),
        blend=float(raw["blend"]),
        sentence_line=line_of(raw["sentence"]),
        answer_line=line_of(raw["answer"]),
        short=Short(**raw["short"]),
        sentence_threshold=float(raw["thresholds"]["sentence"]),
        answer_threshold=float(raw["thresholds"]["answer"]),
    )


def trees_of(raw: Mapping[str, Any]) -> Trees:
    import numpy as np

    return Trees(
        base=float(raw["base"]),
        depth=int(raw["depth"]),
        feature=np.array(raw["feature"], np.int64),
        threshold=np.array(raw["threshold"], np.float64),
        left=np.array(raw["left"], np.int64),
        right=np.array(raw["right"], np.int64),
        value=np.array(raw["value"], np.float64),
    )


def line_of(raw: Mapping[str, Any]) -> Line:
    import numpy as np

    mean, scale, weights = (np.array(raw[name], np.float64) for name in ("mean", "scale", "weights"))
    return Line(mean, scale, weights, float(raw["bias"]))


def _read(path: Path) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return raw


def _digest(raw: Mapping[str, Any]) -> str:
    body = {key: value for key, value in raw.items() if key != "training"}
    data = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    return "sha256:" + hashlib.sha256(data).hexdigest()
