"""BM25 and its files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from sekisho.indexing.terms import TermIndexes

TEXTS = [
    "The gate asks the policy engine.",
    "承認は十四日で失効します。",
    "A policy is written in Rego.",
    "!!!",
    "免除には理由が要ります。",
    "The gate asks the policy engine.",
]
ROOT = "sha256:" + "a" * 64


class Texts:
    """Counts how often the texts are asked for."""

    def __init__(self, texts: Sequence[str] = TEXTS) -> None:
        self.texts, self.asked = texts, 0

    def __call__(self) -> Sequence[str]:
        self.asked += 1
        return self.texts


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / ("a" * 64)).iterdir())}


@pytest.mark.parametrize("query", ["", "!?", "zebra", "the of and", "しますが"])
def test_a_query_that_shares_no_term_finds_nothing(tmp_path: Path, query: str) -> None:
    """No hits of score zero; stop words and pairs of hiragana are no terms."""
    assert TermIndexes(tmp_path).open(ROOT, Texts()).best(query, 3) == []


def test_the_best_come_first_and_ties_keep_their_order(tmp_path: Path) -> None:
    """In both languages; equal texts in the order of the corpus; k beyond the end gives what there is."""
    index = TermIndexes(tmp_path).open(ROOT, Texts())
    assert [place for place, _ in index.best("gate engine", 10)] == [0, 5]
    assert [place for place, _ in index.best("承認の失効", 2)] == [1]
    assert [place for place, _ in index.best("policy", 1)] == [2]
    scores = [score for _, score in index.best("policy gate", 10)]
    assert scores == sorted(scores, reverse=True)


def test_the_best_are_what_sorting_all_scores_gives(tmp_path: Path) -> None:
    """For every depth, where many scores are equal at the place where the list is cut."""
    texts = [f"gate {'policy ' * (n % 4)}" if n % 3 else "nothing of it" for n in range(40)]
    index = TermIndexes(tmp_path).open(ROOT, Texts(texts))
    every = index.best("policy gate", 40)
    assert every == sorted(every, key=lambda one: (-one[1], one[0]))
    assert len(every) == sum("gate" in text for text in texts)
    assert all(index.best("policy gate", k) == every[:k] for k in range(1, 40))


def test_a_corpus_without_terms_is_searched_all_the_same(tmp_path: Path) -> None:
    """Nothing to find is not an error."""
    index = TermIndexes(tmp_path).open(ROOT, Texts(["!!!", "…"]))
    assert index.best("gate", 3) == []


def test_the_files_are_made_once(tmp_path: Path) -> None:
    """A second look reads them, in another process too."""
    texts = Texts()
    first = TermIndexes(tmp_path).open(ROOT, texts).best("policy", 3)
    assert TermIndexes(tmp_path).open(ROOT, texts).best("policy", 3) == first
    assert texts.asked == 1


@pytest.mark.parametrize("damage", ["truncate", "remove", "seal", "garble"])
def test_broken_files_are_made_again(tmp_path: Path, damage: str) -> None:
    """A missing, cut or altered file, or a missing seal: what is searched is always what was built."""
    texts = Texts()
    first = TermIndexes(tmp_path).open(ROOT, texts).best("policy", 3)
    before = files(tmp_path)
    folder = tmp_path / ("a" * 64)
    victim = folder / ("seal.json" if damage == "seal" else "data.csc.index.npy")
    match damage:
        case "truncate":
            victim.write_bytes(victim.read_bytes()[:-4])
        case "garble":
            victim.write_bytes(victim.read_bytes()[:-4] + b"\0\1\2\3")
        case _:
            victim.unlink()
    assert TermIndexes(tmp_path).open(ROOT, texts).best("policy", 3) == first
    assert texts.asked == 2
    assert files(tmp_path) == before


def test_the_files_do_not_depend_on_the_process(tmp_path: Path) -> None:
    """The same texts give the same bytes, whatever seed Python hashes strings with."""
    code = (
        "import sys; from pathlib import Path; from sekisho.indexing.terms import TermIndexes;"
        f"TermIndexes(Path(sys.argv[1])).open({ROOT!r}, lambda: {TEXTS!r})"
    )
    made = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(folder)], check=True, env=environment)
        made.append(files(folder))
    assert made[0] == made[1]
