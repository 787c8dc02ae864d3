"""BM25 over words and character pairs. Its files are derived from the chunks: absent or broken, they are made again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import threading
import unicodedata
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sekisho.inference.text import STOP_WORDS, VERSION, terms
from sekisho.kernel.digests import PREFIX
from sekisho.kernel.errors import ExtraMissing

ANALYSER: Final = 2
_STOPPED: Final = frozenset(STOP_WORDS)
_HIRAGANA_PAIR: Final = re.compile("[ぁ-ゟー]{2}")
_IDEOGRAPH: Final = re.compile("[ァ-ヺㇰ-ㇿ㐀-䶿一-鿿豈-﫿々〆]")
_SEAL: Final = "seal.json"
_METHOD: Final = "lucene"
_K1: Final = 1.5
_B: Final = 0.75


def search_terms(text: str) -> list[str]:
    """What is indexed and asked for. `ANALYSER` is this function's version, and stands in each index's manifest.

    The terms of the text without English stop words and pairs of hiragana alone, which say nothing of what it is
    about, and beside the pairs each single kanji or katakana character.
    """
    kept = [term for term in terms(text) if term not in _STOPPED and not _HIRAGANA_PAIR.fullmatch(term)]
    return kept + _IDEOGRAPH.findall(unicodedata.normalize("NFKC", text))


class TermIndex:
    """The loaded index of one list of texts; positions are places in that list."""

    def __init__(self, engine: Any, vocabulary: dict[str, int]) -> None:
        self._engine, self._vocabulary = engine, vocabulary

    def best(self, query: str, k: int) -> list[tuple[int, float]]:
        """At most k positions with their scores, best first, equal ones in their order; none that shares no term."""
        import numpy as np

        known = [self._vocabulary[term] for term in search_terms(query) if term in self._vocabulary]
        if not known:
            return []
        scores = self._engine.get_scores_from_ids(known)
        places = np.flatnonzero(scores > 0)
        if len(places) > k:  # sort those that may be among the k best, with all that equal the last of them
            places = places[scores[places] >= np.partition(scores[places], -k)[-k]]
        order = places[np.argsort(-scores[places], kind="stable")[:k]]
        return [(int(place), float(scores[place])) for place in order]

    def matched(self, query: str, positions: Sequence[int]) -> dict[int, dict[str, float]]:
        """For each position the query's terms that its text has, each with what it adds to the score there."""
        found: dict[int, dict[str, float]] = {position: {} for position in positions}
        for term, times in Counter(search_terms(query)).items():
            if term not in self._vocabulary:
                continue
            scores = self._engine.get_scores_from_ids([self._vocabulary[term]] * times)
            for position in positions:
                if scores[position] > 0:
                    found[position][term] = float(scores[position])
        return found


@dataclass(frozen=True)
class TermIndexes:
    """The folder of term indexes, one per chunk root: indexes over the same chunks share theirs."""

    folder: Path
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def open(self, root: str, texts: Callable[[], Sequence[str]]) -> TermIndex:
        """Load the index of these chunks; where its files are absent or not as they were sealed, make it first."""
        place = self.folder / root.removeprefix(PREFIX)
        with self._turn:
            if not _sealed(place):
                _write(place, texts())
            return _load(place)

    def delete(self, root: str) -> None:
        """Nothing happens where there is none."""
        with self._turn:
            shutil.rmtree(self.folder / root.removeprefix(PREFIX), ignore_errors=True)


def _write(place: Path, texts: Sequence[str]) -> None:
    """Make the files aside and move them into place whole."""
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = place.with_name(f"{place.name}.{uuid.uuid4().hex}")
    aside.mkdir()
    try:
        vocabulary = _index(texts, aside)
        (aside / "terms.json").write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
        seal = {"format": _format(), "files": {path.name: _sha256(path) for path in sorted(aside.iterdir())}}
        (aside / _SEAL).write_text(json.dumps(seal), "utf-8")
        shutil.rmtree(place, ignore_errors=True)
        os.replace(aside, place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _index(texts: Sequence[str], folder: Path) -> list[str]:
    """Write the engine's files; gives the terms, sorted, in the order of their ids: the files are reproducible."""
    split = [search_terms(text) for text in texts]
    vocabulary = sorted({term for words in split for term in words})
    if not vocabulary:
        return []
    bm25s = _engine()
    ids = {term: number for number, term in enumerate(vocabulary)}
    engine = bm25s.BM25(method=_METHOD, k1=_K1, b=_B)
    tokens = bm25s.tokenization.Tokenized([[ids[term] for term in words] for words in split], ids)
    engine.index(tokens, show_progress=False)
    engine.save(folder, show_progress=False)
    return vocabulary


def _load(place: Path) -> TermIndex:
    vocabulary = json.loads((place / "terms.json").read_text("utf-8"))
    engine = _engine().BM25.load(place, load_vocab=False, show_progress=False) if vocabulary else None
    return TermIndex(engine, {term: number for number, term in enumerate(vocabulary)})


def _sealed(place: Path) -> bool:
    """Whether every file is there with the bytes it was written with, by this version's rules."""
    try:
        seal = json.loads((place / _SEAL).read_text("utf-8"))
        return seal["format"] == _format() and all(
            _sha256(place / name) == digest for name, digest in seal["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _format() -> dict[str, Any]:
    return {
        "text": VERSION,
        "analyser": ANALYSER,
        "method": _METHOD,
        "k1": _K1,
        "b": _B,
        "bm25s": _engine().__version__,
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _engine() -> Any:
    try:
        import bm25s
        import bm25s.tokenization
    except ImportError as error:
        raise ExtraMissing(
            f"term search needs the package {error.name}", remedy='run `pip install "sekisho[worker]"`'
        ) from error
    return bm25s
