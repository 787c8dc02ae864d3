"""An experiment, not shipped: MiniLM's upper two layers trained to read each answer against its whole context.

    python -m benchmarks.grounding_reader RAGTRUTH.jsonl [--folds 0 1 2 3 4] [--sources N] [--out CHANCES.json]

Prints, over the folds that were run, the AUROC per task of the head, of the reader, and of both (the mean of their two
logits, a weight fixed before any fold is seen), the calibration error, and 95 % intervals of both minus the head
(bootstrap over sources). Folds are those of `benchmarks.grounding`, grouped by source. Nothing is chosen on a held-out
fold: six passes, the last one counts. `--sources` takes the first N sources only, to try the code out; such figures
mean nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.grounding import FOLD_SEED, TASKS, auroc, ece, grounding, paired
from benchmarks.grounding_training import Bools, Floats, folds, made_up, read_rows, table
from sekisho.evaluation.grounding.context import read
from sekisho.evaluation.grounding.head import sigmoid
from sekisho.evaluation.grounding.terms import sentences
from sekisho.inference.minilm import model_folder
from sekisho.kernel.errors import ExtraMissing

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional
    from transformers import AutoModel, AutoTokenizer
except ImportError as absent:
    print(f"skipped: {absent}")
    raise SystemExit(0) from absent

FROZEN: Final = 4
WIDTH: Final = 384
HEADS: Final = 12
PASSES: Final = 6
FOLDS: Final = 5
PIECE: Final = 200
LONGEST: Final = 1200
"""Tokens of a context that are read; what lies beyond is not seen."""
LAYER_RATE: Final = 8e-5
OWN_RATE: Final = 1e-3
WARM: Final = 60
NOTHING: Final = -5.0
"""The logit of an answer without a sentence."""


@dataclass(frozen=True, slots=True)
class Text:
    """Token ids, their places in the text, and where their frozen states lie on disk."""

    ids: NDArray[np.int64]
    places: NDArray[np.int64]
    file: Path

    def states(self) -> Tensor:
        return torch.from_numpy(np.load(self.file)).float()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the reader sees of one answer, and its labels: per token, and the tokens of each sentence."""

    states: Tensor
    known: Tensor
    marked: Tensor
    sentences: tuple[Tensor, ...]


class Frozen:
    """The lower layers, run once over each text; their states are kept under `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._kept = folder, dict[str, Text]()
        self._tokens: Any = AutoTokenizer.from_pretrained(str(model_folder()))
        self._model: Any = AutoModel.from_pretrained(str(model_folder())).eval()
        self._model.encoder.layer = self._model.encoder.layer[:FROZEN]

    def text(self, text: str) -> Text:
        if text not in self._kept:
            parts = [self._piece(text, start, end) for start, end in self._pieces(text)]
            file = self._folder / f"{len(self._kept)}.npy"
            np.save(file, np.concatenate([np.zeros((0, WIDTH), np.float16), *(part[2] for part in parts)]))
            ids = np.concatenate([np.zeros(0, np.int64), *(part[0] for part in parts)])
            places = np.concatenate([np.zeros((0, 2), np.int64), *(part[1] for part in parts)])
            self._kept[text] = Text(ids, places, file)
        return self._kept[text]

    def _pieces(self, text: str) -> list[tuple[int, int]]:
        """Whole sentences, as many as fit."""
        found: list[tuple[int, int]] = []
        room = 0
        for start, end in sentences(text):
            size = len(self._tokens(text[start:end], add_special_tokens=False)["input_ids"])
            if found and size <= room:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
                room = PIECE
            room -= size
        return found

    def _piece(self, text: str, start: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[Any]]:
        made = self._tokens(
            text[start:end], return_offsets_mapping=True, truncation=True, max_length=512, return_tensors="pt"
        )
        places = made.pop("offset_mapping")[0, 1:-1].numpy() + start
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            states = self._model(**made).last_hidden_state[0, 1:-1]
        return made["input_ids"][0, 1:-1].numpy(), places, states.to(torch.float16).numpy()


class Reader(nn.Module):
    """The upper layers; each token of an answer attends to the answer and to the whole context."""

    def __init__(self) -> None:
        super().__init__()
        upper: Any = AutoModel.from_pretrained(str(model_folder())).encoder.layer[FROZEN:]
        self.layers = nn.ModuleList(upper)
        self.side = nn.Parameter(torch.zeros(WIDTH))
        self.known = nn.Embedding(4, WIDTH)
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(WIDTH, 1)
        nn.init.normal_(self.known.weight, std=0.02)
        nn.init.zeros_(self.out.weight)
        nn.init.constant_(self.out.bias, -2.5)

    def forward(self, answers: Sequence[tuple[Tensor, Tensor]], context: Tensor) -> list[Tensor]:
        """Of each answer (states and what is known of its tokens) to one context, a logit per token: unsupported?"""
        beside = context + self.side
        layers: list[Any] = list(self.layers)
        held = [(layer.attention.self.key(beside), layer.attention.self.value(beside)) for layer in layers]
        found = []
        for given, known in answers:
            states = given + self.known(known)
            for layer, (keys, values) in zip(layers, held, strict=True):
                states = _attend(layer, states, keys, values)
            found.append(self.out(self.drop(states.float()))[:, 0])
        return found


def _attend(layer: Any, states: Tensor, keys: Tensor, values: Tensor) -> Any:
    """One layer over an answer's tokens, which see each other and, by its keys and values, the context."""
    own = layer.attention.self
    keys, values = torch.cat([own.key(states), keys]), torch.cat([own.value(states), values])
    query, key, value = (
        part.view(1, -1, HEADS, WIDTH // HEADS).transpose(1, 2) for part in (own.query(states), keys, values)
    )
    mixed = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(states.shape)
    states = layer.attention.output(mixed, states)
    return layer.output(layer.intermediate(states), states)


def seen(row: Mapping[str, Any], frozen: Frozen) -> tuple[Answer, Tensor]:
    """One labelled answer and its context's states."""
    text, context = frozen.text(row["response"]), frozen.text(read(row["context"]).text)
    starts, ends = text.places[:, 0], text.places[:, 1]
    marked = np.zeros(len(starts), bool)
    for span in row.get("spans") or ():
        marked |= (starts < span["end"]) & (ends > span["start"])
    held = [np.flatnonzero((starts >= start) & (ends <= end)) for start, end in sentences(row["response"])]
    answer = Answer(
        text.states(),
        torch.from_numpy(_known(text.ids.tolist(), context.ids.tolist())),
        torch.from_numpy(marked.astype(np.float32)),
        tuple(torch.from_numpy(places) for places in held if len(places)),
    )
    return answer, context.states()[:LONGEST]


def _known(ids: list[int], context: list[int]) -> NDArray[np.int64]:
    """1 where the context has the token, 2 more where it has the token with a neighbour."""
    tokens, pairs = set(context), set(pairwise(context))
    beside = [pair in pairs for pair in pairwise(ids)]
    left, right = np.array([False, *beside])[: len(ids)], np.array([*beside, False])[: len(ids)]
    known: NDArray[np.int64] = np.array([token in tokens for token in ids], np.int64) + 2 * (left | right)
    return known


def sentence_logits(logits: Tensor, answer: Answer) -> list[Tensor]:
    """A soft maximum over each sentence's tokens."""
    return [torch.logsumexp(logits[places] * 2, 0) / 2 for places in answer.sentences]


def logits_of(net: Reader, rows: Sequence[Mapping[str, Any]], frozen: Frozen) -> list[tuple[Answer, Tensor]]:
    """Answers to one context, each with a logit per token."""
    answers, contexts = zip(*(seen(row, frozen) for row in rows), strict=True)
    with torch.autocast("cpu", torch.bfloat16):
        found = net([(answer.states, answer.known) for answer in answers], contexts[0])
    return list(zip(answers, (logits.float() for logits in found), strict=True))


def loss_of(answer: Answer, logits: Tensor) -> Tensor:
    """Cross entropy of the tokens and of the sentences against the marked spans."""
    cross = functional.binary_cross_entropy_with_logits
    if not answer.sentences:
        return torch.zeros((), requires_grad=True)
    labels = torch.stack([answer.marked[places].max() for places in answer.sentences])
    whole = torch.stack(sentence_logits(logits, answer))
    found: Tensor = cross(logits, answer.marked) + cross(whole, labels)
    return found


def chances(net: Reader, rows: Sequence[Mapping[str, Any]], frozen: Frozen) -> list[float]:
    """Of answers to one context: that at least one sentence is unsupported, were they independent of each other."""
    with torch.no_grad():
        found = [sentence_logits(logits, answer) for answer, logits in logits_of(net, rows, frozen)]
    each = [torch.stack(logits) if logits else torch.tensor([NOTHING]) for logits in found]
    return [float(1 - torch.exp(-functional.softplus(logits).sum())) for logits in each]


def trained(rows: Sequence[Mapping[str, Any]], source: NDArray[np.int64], frozen: Frozen) -> Reader:
    """Six passes, the answers to one source a step; the rate warms up, then falls in a line to its hundredth."""
    torch.manual_seed(1)
    net, random = Reader(), np.random.default_rng(0)
    own = [net.side, *net.known.parameters(), *net.out.parameters()]
    rates = (LAYER_RATE, OWN_RATE)
    groups = [{"params": [*net.layers.parameters()], "lr": rates[0]}, {"params": own, "lr": rates[1]}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.05)
    steps = [int(s) for _ in range(PASSES) for s in random.permutation(np.unique(source))]
    for step, chosen in enumerate(steps):
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * max(min(1.0, step / WARM) * (1 - step / len(steps)), 0.01)
        optimiser.zero_grad()
        answers = logits_of(net, [rows[i] for i in np.flatnonzero(source == chosen).tolist()], frozen)
        losses = [loss_of(answer, logits) for answer, logits in answers]
        torch.stack(losses).mean().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
    return net.eval()


def measure(rows: Sequence[dict[str, Any]], parts: Sequence[int], frozen: Frozen, out: Path | None) -> None:
    """Run the folds, keep every held-out probability after each if asked, print the figures."""
    data = table([*rows, *made_up(rows)])
    source, fold = data.source[: len(rows)], folds(data.source, FOLDS, FOLD_SEED)
    head, reader = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    for part in parts:
        test = np.flatnonzero(fold[: len(rows)] == part)
        train = np.flatnonzero(fold[: len(rows)] != part)
        head[test] = grounding()(data, fold != part)(test)
        net = trained([rows[i] for i in train.tolist()], source[train], frozen)
        for chosen in np.unique(source[test]):
            held = test[source[test] == chosen]
            reader[held] = chances(net, [rows[i] for i in held.tolist()], frozen)
        print(f"fold {part}: {len(test)} answers to {len(np.unique(source[test]))} sources", flush=True)
        if out:
            kept = {str(i): [head[i], reader[i]] for i in np.flatnonzero(~np.isnan(reader))}
            out.write_text(json.dumps(kept) + "\n", "utf-8")
    task = np.array([str(row["task"]) for row in rows])
    for name in TASKS:
        mine = ~np.isnan(reader) & (task == name)
        if mine.any():
            print(name, compared(data.hallucinated[: len(rows)][mine], source[mine], head[mine], reader[mine]))


def compared(labels: Bools, source: NDArray[np.int64], head: Floats, reader: Floats) -> str:
    both = sigmoid((_logit(head) + _logit(reader)) / 2)
    low, high = paired(source, lambda drawn: auroc(labels[drawn], both[drawn]) - auroc(labels[drawn], head[drawn]))
    figures = [
        f"{name} {auroc(labels, found):.3f} (ECE {ece(labels, found):.3f})"
        for name, found in (("head", head), ("reader", reader), ("both", both))
    ]
    return f"n={len(labels)} AUROC {', '.join(figures)}; both minus head [{low:+.3f}, {high:+.3f}]"


def _logit(chances: Floats) -> Floats:
    kept = chances.clip(1e-6, 1 - 1e-6)
    logits: Floats = np.log(kept / (1 - kept))
    return logits


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--folds", type=int, nargs="+", default=[*range(FOLDS)], choices=range(FOLDS))
    parser.add_argument("--sources", type=int)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args(arguments)
    if not chosen.data.is_file():
        print(f"skipped: {chosen.data} is not there; it is RAGTruth as one JSON object per line")
        return 0
    rows = read_rows(chosen.data)
    if chosen.sources:
        some = set(sorted({str(row["source_id"]) for row in rows})[: chosen.sources])
        rows = [row for row in rows if str(row["source_id"]) in some]
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        try:
            measure(rows, chosen.folds, Frozen(Path(folder)), chosen.out)
        except ExtraMissing as absent:
            print(f"skipped: {absent}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
