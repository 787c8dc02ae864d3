"""Retrieval measured over a folder in BEIR form, without a server.

``corpus.jsonl`` (``_id``, ``title``, ``text``), ``queries.jsonl`` (``_id``, ``text``), ``qrels/test.tsv`` (query-id,
corpus-id, score, with a heading). ``id`` for ``_id``, ``qrels.tsv``, and ``relevant`` inside the queries are read too.
Thakur et al. 2021, "BEIR: A Heterogeneous Benchmark for Zero-shot Evaluation of Information Retrieval Models".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sekisho.evaluation import retrieval, statistics
from sekisho.evaluation.statistics import Observation
from sekisho.evaluation.types import Hit
from sekisho.indexing.retrieval import OpenIndex
from sekisho.indexing.types import UNKNOWN_LANGUAGE, Document
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.json import decode_json

CUTS: Final = (1, 3, 5, 10, 100)
DEPTH: Final = max(CUTS)
SEED: Final = 20_261_123
MAX_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Folder:
    """Documents, queries by id, and per query the grades of the documents that were judged for it."""

    documents: tuple[Document, ...]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]

    @property
    def judged(self) -> tuple[str, ...]:
        """The queries that have anything relevant, in the order of the file: the others measure nothing."""
        return tuple(name for name in self.queries if any(grade > 0 for grade in self.qrels.get(name, {}).values()))


def read_beir(folder: Path, split: str = "test") -> Folder:
    """Read and check a folder. Raises `Invalid`, naming files and lines."""
    wrong: list[FieldError] = []
    documents = tuple(_documents(folder / "corpus.jsonl", wrong))
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    for place, row in _rows(folder / "queries.jsonl", wrong):
        name, text = _id(row), row.get("text")
        if not name or not isinstance(text, str) or not text.strip() or name in queries:
            wrong.append(FieldError(place, "a query has `_id` (once) and `text`, both texts that are not empty"))
            continue
        queries[name] = text
        if isinstance(row.get("relevant"), list):
            qrels[name] = {str(document): 1 for document in row["relevant"]}
    _judgements(folder, split, qrels, wrong)
    known = {document.path for document in documents}
    stray = sorted({document for grades in qrels.values() for document in grades} - known)
    if stray:
        wrong.append(
            FieldError("qrels", f"{len(stray)} judged documents are not in the corpus: {', '.join(stray[:5])}")
        )
    found = Folder(documents, queries, qrels)
    if not wrong and not found.judged:
        wrong.append(FieldError("qrels", "no query has a relevant document"))
    if wrong:
        raise Invalid(f"{folder} cannot be evaluated", fields=wrong[:MAX_NAMED], remedy="give a folder in BEIR form")
    return found


@dataclass(frozen=True, slots=True)
class Measured:
    """Per metric, such as ``ndcg@10``, one value per judged query, in the order of `Folder.judged`."""

    values: Mapping[str, tuple[float, ...]]


async def measure(index: OpenIndex, folder: Folder, told: Any = lambda done, total: None) -> Measured:
    """Search every judged query, and score what comes back by the judgements."""
    values: dict[str, list[float]] = {}
    names = folder.judged
    for done, name in enumerate(names, 1):
        found = await index.search(folder.queries[name], DEPTH)
        hits = [Hit(one.chunk_id, one.document, one.text) for one in found]
        for metric, value in _scores(retrieval.judge_by_qrels(hits, folder.qrels[name])):
            values.setdefault(metric, []).append(value)
        told(done, len(names))
    return Measured({metric: tuple(found) for metric, found in values.items()})


def summary(measured: Measured) -> dict[str, dict[str, float]]:
    """Per metric the mean over the queries with its 95 % interval."""
    found = {}
    for metric, values in measured.values.items():
        observations = [Observation(value, str(place)) for place, value in enumerate(values)]
        interval = statistics.mean_interval(observations, seed=SEED)
        found[metric] = {"mean": statistics.mean(values), "low": interval.low, "high": interval.high}
    return found


def paired(first: Measured, second: Measured) -> dict[str, dict[str, float]]:
    """Per metric the mean of second minus first over the same queries, with its 95 % interval."""
    found = {}
    for metric, values in first.values.items():
        differences = [after - before for before, after in zip(values, second.values[metric], strict=True)]
        observations = [Observation(value, str(place)) for place, value in enumerate(differences)]
        interval = statistics.difference_interval(observations, seed=SEED)
        found[metric] = {"difference": statistics.mean(differences), "low": interval.low, "high": interval.high}
    return found


def _scores(judged: retrieval.Judged) -> Iterator[tuple[str, float]]:
    for k in CUTS:
        yield f"recall@{k}", retrieval.recall(judged, k)
        yield f"mrr@{k}", retrieval.reciprocal_rank(judged, k)
        yield f"map@{k}", retrieval.average_precision(replace(judged, ranks=judged.ranks[:k]))
        yield f"ndcg@{k}", retrieval.ndcg(judged, k)


def _documents(path: Path, wrong: list[FieldError]) -> Iterator[Document]:
    seen: set[str] = set()
    for place, row in _rows(path, wrong):
        name, text, title = _id(row), row.get("text", ""), row.get("title") or ""
        if not name or name in seen or not isinstance(text, str) or not isinstance(title, str):
            wrong.append(FieldError(place, "a document has `_id` (once), `text` and, where it has one, `title`"))
            continue
        seen.add(name)
        yield Document(name, f"{title} {text}".strip(), "text/plain", UNKNOWN_LANGUAGE)


def _judgements(folder: Path, split: str, qrels: dict[str, dict[str, int]], wrong: list[FieldError]) -> None:
    found = [path for path in (folder / "qrels" / f"{split}.tsv", folder / "qrels.tsv") if path.is_file()]
    if not found:
        if not qrels:
            wrong.append(FieldError(f"qrels/{split}.tsv", "is not there, and no query names what is `relevant`"))
        return
    for number, line in enumerate(found[0].read_text("utf-8").splitlines(), 1):
        cells = line.split("\t")
        if number == 1 and not cells[-1].lstrip("-").isdigit():
            continue
        if not line.strip():
            continue
        if len(cells) != 3 or not cells[2].lstrip("-").isdigit():
            wrong.append(FieldError(f"{found[0].name} line {number}", "give query-id, corpus-id and a whole score"))
            continue
        qrels.setdefault(cells[0], {})[cells[1]] = int(cells[2])


def _rows(path: Path, wrong: list[FieldError]) -> Iterator[tuple[str, dict[str, Any]]]:
    if not path.is_file():
        wrong.append(FieldError(path.name, "is not there"))
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            place = f"{path.name} line {number}"
            try:
                row = decode_json(line)
            except Invalid as error:
                wrong += [FieldError(place, problem.message) for problem in error.fields]
                continue
            if isinstance(row, dict):
                yield place, row
            else:
                wrong.append(FieldError(place, "is not a JSON object"))


def _id(row: Mapping[str, Any]) -> str:
    name = row.get("_id", row.get("id"))
    return str(name) if isinstance(name, str | int) and not isinstance(name, bool) else ""


def compared(names: Sequence[str], results: Mapping[str, Measured]) -> list[dict[str, Any]]:
    """Every later retriever against the first, paired over the same queries."""
    return [
        {"baseline": names[0], "candidate": name, "metrics": paired(results[names[0]], results[name])}
        for name in names[1:]
    ]
