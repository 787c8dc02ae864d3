"""Train the head of the scorer `grounding` and write it as numbers in JSON.

    python -m benchmarks.grounding_training RAGTRUTH.jsonl [--out evals/grounding/head.json]

Same data, same seed, same library versions: the same file. Two stages. Sentences: boosted trees (monotone where a
feature can only raise or lower doubt) and a logistic regression, both on the labelled spans, blended. Answers: a
logistic regression over the sentences' logits, fitted on logits that were held out by source, so that it learns what
the first stage is worth on answers that it has not seen.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from sekisho.evaluation.grounding.context import read
from sekisho.evaluation.grounding.features import LOWERS, NAMES, RAISES, VERSION, Ground
from sekisho.evaluation.grounding.head import COPIED, SCHEMA, answer_row, line_of, sigmoid, trees_of
from sekisho.evaluation.grounding.terms import sentences
from sekisho.evaluation.grounding.vectors import word_vectors
from sekisho.evaluation.grounding.verdict import kind_of, rows_of

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SEED: Final = 20261125
INNER_FOLDS: Final = 3
BAGS: Final = 2
BLEND: Final = 0.6
_LEAST_OVERLAP: Final = 3
_LINE_C: Final = 0.01
_ANSWER_C: Final = 0.05
MADE_WEIGHT: Final = 0.3
SHORT: Final = 2
ALIGNED: Final = 0.4
EVEN: Final = 0.5
"""How a short answer with one altered word is judged (see `head.Short`), chosen on sentences broken on purpose."""


@dataclass(frozen=True, slots=True)
class Table:
    """Sentences of many answers: `owner` says to which answer each row belongs."""

    rows: Floats
    owner: NDArray[np.int64]
    unsupported: Bools
    copied: Bools
    kind: Floats
    hallucinated: Bools
    source: NDArray[np.int64]
    beside: NDArray[np.int64]
    """The source whose context the answer was laid beside; another than `source` only where we made the pair up."""
    made: Bools
    """Answers made up for training (see `made_up`); they are never measured."""


def table(answers: Sequence[Mapping[str, Any]]) -> Table:
    """Features and labels. A sentence is unsupported where a labelled span covers three characters of it."""
    grounds: dict[str, Ground] = {}
    rows: list[Floats] = []
    owner: list[int] = []
    labels: list[bool] = []
    copied: list[bool] = []
    kinds: list[tuple[float, float, float]] = []
    for index, answer in enumerate(answers):
        key = json.dumps(answer["context"], sort_keys=True)
        if key not in grounds:
            grounds = {key: Ground(read(answer["context"]), word_vectors())}
        judged = grounds[key].sentences(answer["response"], answer["question"])
        rows.append(rows_of(judged))
        owner += [index] * len(judged)
        labels += [_overlap(s.start, s.end, answer.get("spans") or ()) >= _LEAST_OVERLAP for s in judged]
        copied += [s.copied for s in judged]
        kinds.append(kind_of(grounds[key], answer["question"]))
    sources = {source: i for i, source in enumerate(sorted({str(a["source_id"]) for a in answers}))}
    return Table(
        np.concatenate(rows),
        np.array(owner, np.int64),
        np.array(labels, bool),
        np.array(copied, bool),
        np.array(kinds, np.float64),
        np.array([bool(a["hallucinated"]) for a in answers]),
        np.array([sources[str(a["source_id"])] for a in answers], np.int64),
        np.array([sources[str(a.get("beside", a["source_id"]))] for a in answers], np.int64),
        np.array([bool(a.get("made", False)) for a in answers]),
    )


def made_up(answers: Sequence[Mapping[str, Any]], seed: int = SEED) -> list[dict[str, Any]]:
    """Short answers, of which the data has next to none, from single sentences of labelled answers.

    Per source one sentence of an answer without any span (supported), and the same sentence beside another source's
    context of the same task (unsupported). So the head does not learn that one sentence is always fine.
    """
    random = np.random.default_rng(seed)
    clean: dict[str, list[Mapping[str, Any]]] = {}
    for answer in answers:
        if not answer["hallucinated"]:
            clean.setdefault(str(answer["source_id"]), []).append(answer)
    made: list[dict[str, Any]] = []
    for source in sorted(clean):
        own = clean[source][int(random.integers(len(clean[source])))]
        others = sorted({str(a["source_id"]) for a in answers if a["task"] == own["task"]} - {source})
        other = clean.get(others[int(random.integers(len(others)))], [own])[0]
        spans = [(s, e) for s, e in sentences(own["response"]) if len(own["response"][s:e].split()) > 6]
        if not spans or other is own:
            continue
        start, end = spans[int(random.integers(len(spans)))]
        text = own["response"][start:end]
        made.append({**own, "response": text, "made": True})
        whole = [{"start": 0, "end": len(text)}]
        made.append(
            {**own, "response": text, "context": other["context"], "beside": other["source_id"], "made": True}
            | {"hallucinated": True, "spans": whole}
        )
    return made


def folds(source: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """A fold per answer; answers to one source share it."""
    order = np.random.default_rng(seed).permutation(int(source.max()) + 1)
    placed: NDArray[np.int64] = (np.argsort(order) % count)[source]
    return placed


def fit(data: Table, answers: Bools, seed: int = SEED, blend: float = BLEND) -> dict[str, Any]:
    """A head from the answers that `answers` selects, as the JSON value that `head_of` reads."""
    answers = answers & np.isin(data.beside, data.source[answers])
    inside = answers[data.owner]
    held_out = np.zeros(len(data.rows))
    fold = folds(data.source, INNER_FOLDS, seed)[data.owner]
    for part in range(INNER_FOLDS):
        train, test = inside & (fold != part), inside & (fold == part)
        held_out[test] = sentence_logits(_first_stage(data, train, seed), data.rows[test], blend)
    held_out[data.copied] = COPIED
    sentence = _line(held_out[inside][:, None], data.unsupported[inside], 1.0)
    rows = answer_rows(data, held_out, answers)
    answer = _line(rows, data.hallucinated[answers], _ANSWER_C, np.where(data.made[answers], MADE_WEIGHT, 1.0))
    threshold = _balanced(rows, answer, data.hallucinated[answers])
    return {
        "schema": SCHEMA,
        "features_version": VERSION,
        "features": list(NAMES),
        **_first_stage(data, inside, seed),
        "blend": blend,
        "sentence": sentence,
        "answer": answer,
        "short": {"sentences": SHORT, "aligned": ALIGNED, "altered": max(EVEN, threshold)},
        "thresholds": {
            "sentence": _best_f1(held_out[inside], sentence, data.unsupported[inside]),
            "answer": threshold,
        },
    }


def _best_f1(logits: Floats, line: Mapping[str, Any], labels: Bools) -> float:
    """The probability from which on calling held-out sentences unsupported gives the best F1."""
    chances = sigmoid(line_of(line).logits(logits[:, None]))
    cuts = np.arange(0.1, 0.6, 0.02)
    scores = [2 * (labels & (chances >= cut)).sum() / ((chances >= cut).sum() + labels.sum()) for cut in cuts]
    return round(float(cuts[int(np.argmax(scores))]), 2)


def _balanced(rows: Floats, line: Mapping[str, Any], labels: Bools) -> float:
    """The probability from which on calling answers hallucinated gives the best mean of sensitivity and specificity."""
    chances = sigmoid(line_of(line).logits(rows))
    cuts = np.arange(0.2, 0.62, 0.02)
    scores = [(chances[labels] >= cut).mean() + (chances[~labels] < cut).mean() for cut in cuts]
    return round(float(cuts[int(np.argmax(scores))]), 2)


def answer_rows(data: Table, logits: Floats, answers: Bools) -> Floats:
    """What the second stage sees of each selected answer."""
    chosen = np.flatnonzero(answers)
    starts = np.searchsorted(data.owner, chosen, side="left")
    ends = np.searchsorted(data.owner, chosen, side="right")
    return np.array(
        [answer_row(logits[s:e], data.rows[s:e], data.kind[i]) for i, s, e in zip(chosen, starts, ends, strict=True)]
    )


def sentence_logits(stage: Mapping[str, Any], rows: Floats, blend: float) -> Floats:
    """The first stage by the product's own code."""
    boosted, _ = trees_of(stage["trees"]).walk(rows)
    logits: Floats = blend * boosted + (1 - blend) * line_of(stage["line"]).logits(rows)
    return logits


def _first_stage(data: Table, train: Bools, seed: int) -> dict[str, Any]:
    rows, labels = data.rows[train], data.unsupported[train]
    return {"trees": _trees(rows, labels, seed), "line": _line(rows, labels, _LINE_C)}


def _trees(rows: Floats, labels: Bools, seed: int) -> dict[str, Any]:
    found = [_boosted(rows, labels, seed + bag) for bag in range(BAGS)]
    nodes = [part[0].nodes for model in found for part in model._predictors]
    widest = max(len(tree) for tree in nodes)
    base = float(np.mean([model._baseline_prediction for model in found]))
    return {
        "base": base,
        "depth": int(max(tree["depth"].max() for tree in nodes)),
        "feature": [_padded(tree["feature_idx"], widest, 0) for tree in nodes],
        "threshold": [_padded(np.where(tree["is_leaf"], 0, tree["num_threshold"]), widest, 0.0) for tree in nodes],
        "left": [_padded(_child(tree, "left"), widest, 0) for tree in nodes],
        "right": [_padded(_child(tree, "right"), widest, 0) for tree in nodes],
        "value": [_padded(_values(tree) / BAGS, widest, 0.0) for tree in nodes],
    }


def _boosted(rows: Floats, labels: Bools, seed: int) -> Any:
    monotone = [1 if name in RAISES else -1 if name in LOWERS else 0 for name in NAMES]
    return HistGradientBoostingClassifier(
        max_iter=60,
        learning_rate=0.1,
        max_leaf_nodes=8,
        min_samples_leaf=30,
        l2_regularization=5.0,
        max_features=0.3,
        max_bins=64,
        monotonic_cst=monotone,
        early_stopping=False,
        random_state=seed,
    ).fit(rows, labels)


def _child(tree: Any, side: str) -> Any:
    """A leaf is its own child."""
    return np.where(tree["is_leaf"], np.arange(len(tree)), tree[side])


def _values(tree: Any) -> Floats:
    """Leaf values; an inner node's is the mean of its leaves by training rows, so that a path can be explained."""
    values: Floats = tree["value"].astype(np.float64)
    for node in range(len(tree) - 1, -1, -1):
        if not tree["is_leaf"][node]:
            left, right = tree["left"][node], tree["right"][node]
            weights = tree["count"][left], tree["count"][right]
            values[node] = (values[left] * weights[0] + values[right] * weights[1]) / sum(weights)
    return values


def _padded(values: Iterable[Any], width: int, blank: float) -> list[Any]:
    found = [round(v, 7) if isinstance(v, float) else v for v in np.asarray(values).tolist()]
    return found + [blank] * (width - len(found))


def _line(rows: Floats, labels: Bools, strength: float, weights: Floats | None = None) -> dict[str, Any]:
    scaler = StandardScaler().fit(rows)
    model = LogisticRegression(C=strength, max_iter=1000).fit(scaler.transform(rows), labels, weights)
    return {
        "mean": scaler.mean_.round(7).tolist(),
        "scale": scaler.scale_.round(7).clip(1e-6).tolist(),
        "weights": model.coef_[0].round(7).tolist(),
        "bias": round(float(model.intercept_[0]), 7),
    }


def _overlap(start: int, end: int, spans: Iterable[Mapping[str, Any]]) -> int:
    return sum(max(0, min(end, span["end"]) - max(start, span["start"])) for span in spans)


def read_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("evals/grounding/head.json"))
    chosen = parser.parse_args(arguments)
    answers = read_rows(chosen.data)
    answers += made_up(answers)
    data = table(answers)
    head = fit(data, np.ones(len(data.made), bool))
    head["training"] = {
        "data": chosen.data.name,
        "data_sha256": hashlib.sha256(chosen.data.read_bytes()).hexdigest(),
        "answers": int((~data.made).sum()),
        "made_up": int(data.made.sum()),
        "sentences": len(data.rows),
        "seed": SEED,
    }
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(head, separators=(",", ":")) + "\n", "utf-8")
    print(f"{chosen.out}: {chosen.out.stat().st_size / 1000:.0f} kB from {len(answers)} answers")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
