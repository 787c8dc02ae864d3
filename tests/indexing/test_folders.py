"""`sekisho index evaluate`: retrieval over a folder in BEIR form, without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sekisho.cli.folders import evaluate
from sekisho.cli.session import Session
from sekisho.evaluation.folders import read_beir
from sekisho.kernel.errors import Invalid

DOCUMENTS = {
    "d1": "The lock file names the digest of every artifact.",
    "d2": "A waiver accepts one named finding for thirty days.",
    "d3": "Cats sleep for sixteen hours a day on average.",
    "d4": "Approvals lapse when the evidence changes.",
}
QUERIES = {"q1": "What does the lock file name?", "q2": "How long does a waiver last?", "q3": "Who approves?"}
QRELS = {"q1": {"d1": 1}, "q2": {"d2": 2, "d4": 0}, "q3": {"d4": 1}}


def beir(folder: Path, *, qrels: dict[str, dict[str, int]] | None = None, extra: str = "") -> Path:
    (folder / "qrels").mkdir()
    (folder / "corpus.jsonl").write_text(
        "".join(json.dumps({"_id": n, "title": "", "text": t}) + "\n" for n, t in DOCUMENTS.items()) + extra
    )
    (folder / "queries.jsonl").write_text("".join(json.dumps({"_id": n, "text": t}) + "\n" for n, t in QUERIES.items()))
    lines = [f"{q}\t{d}\t{g}" for q, grades in (qrels or QRELS).items() for d, g in grades.items()]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "\n".join(lines) + "\n")
    return folder


def sekisho(*words: str, as_json: bool = True) -> Result:
    return CliRunner().invoke(evaluate, words, obj=Session(as_json=as_json), catch_exceptions=False)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    """Every file that is absent is named at once."""
    with pytest.raises(Invalid) as refusal:
        read_beir(tmp_path)
    assert {field.path for field in refusal.value.fields} == {"corpus.jsonl", "queries.jsonl", "qrels/test.tsv"}


@pytest.mark.parametrize(
    ("qrels", "extra", "path"),
    [
        ({"q1": {"nobody": 1}}, "", "qrels"),
        ({"q1": {"d1": 0}}, "", "qrels"),
        (None, "no json\n", "corpus.jsonl line 5"),
        (None, '{"_id": "d1", "text": "again"}\n', "corpus.jsonl line 5"),
        (None, '{"text": "no id"}\n', "corpus.jsonl line 5"),
        (None, '["a list"]\n', "corpus.jsonl line 5"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, qrels: Any, extra: str, path: str) -> None:
    """A judgement of a document that is not there, nothing relevant at all, a broken or repeated line."""
    with pytest.raises(Invalid) as refusal:
        read_beir(beir(tmp_path, qrels=qrels, extra=extra))
    assert refusal.value.fields[0].path == path


def test_relevant_documents_may_stand_in_the_queries(tmp_path: Path) -> None:
    """A folder without qrels, whose queries name what is relevant, is read too; a query without any is left out."""
    beir(tmp_path)
    (tmp_path / "qrels" / "test.tsv").unlink()
    (tmp_path / "queries.jsonl").write_text('{"id": 1, "text": "a", "relevant": ["d1"]}\n{"id": 2, "text": "b"}\n')
    found = read_beir(tmp_path)
    assert found.judged == ("1",)
    assert found.qrels["1"] == {"d1": 1}


def test_a_blank_line_of_judgements_is_none(tmp_path: Path) -> None:
    """Editors leave one at the end."""
    path = beir(tmp_path) / "qrels" / "test.tsv"
    before = read_beir(tmp_path).qrels
    path.write_text(path.read_text() + "\n")
    assert read_beir(tmp_path).qrels == before


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("--retriever", "bm25", "--dense-weight", "30"), "--dense-weight"),
        (("--retriever", "dense", "--compare", "bm25", "--candidates", "5"), "--candidates"),
        (("--retriever", "bm25", "--overlap", "8"), "--overlap"),
        (("--retriever", "bm25", "--overlap", "20", "--max-tokens", "20"), "--overlap"),
    ],
)
def test_options_that_would_change_nothing_are_refused(tmp_path: Path, words: tuple[str, ...], option: str) -> None:
    """Figures would be taken for those of a setting that was not measured."""
    with pytest.raises(Invalid) as error:
        sekisho(str(beir(tmp_path)), *words)
    assert [field.path for field in error.value.fields] == [option]


def test_terms_alone_need_no_embedder(tmp_path: Path) -> None:
    """BM25 finds what shares words, and the figures come with intervals, the time and the number of queries."""
    found = sekisho(str(beir(tmp_path)), "--retriever", "bm25")
    assert found.exit_code == 0, found.output
    result = json.loads(found.stdout)
    (bm25,) = result["retrievers"]
    assert (result["documents"], result["queries"], result["embedder"]) == (4, 3, None)
    assert bm25["metrics"]["recall@1"]["mean"] == pytest.approx(2 / 3)  # "approves" is not the word "approvals"
    assert set(bm25["metrics"]) == {
        f"{name}@{k}" for name in ("recall", "mrr", "map", "ndcg") for k in (1, 3, 5, 10, 100)
    }
    for cell in bm25["metrics"].values():
        assert 0 <= cell["low"] <= cell["mean"] <= cell["high"] <= 1
    assert bm25["seconds"] >= 0
    assert result["comparisons"] == []


@pytest.mark.slow
def test_retrievers_are_compared_over_the_same_queries(tmp_path: Path) -> None:
    """The real embedder beside terms and both fused; the difference is the difference of the means."""
    found = sekisho(str(beir(tmp_path)), "--retriever", "bm25", "--compare", "dense", "--compare", "hybrid")
    result = json.loads(found.stdout)
    means = {one["retriever"]: one["metrics"]["ndcg@3"]["mean"] for one in result["retrievers"]}
    assert set(means) == {"bm25", "dense", "hybrid"}
    assert means["dense"] == pytest.approx(1.0)
    dense = next(one for one in result["comparisons"] if one["candidate"] == "dense")
    assert dense["metrics"]["ndcg@3"]["difference"] == pytest.approx(means["dense"] - means["bm25"])


def test_a_person_gets_tables(tmp_path: Path) -> None:
    """One table a retriever, with every cut as a column."""
    found = sekisho(str(beir(tmp_path)), "--retriever", "bm25", "--max-tokens", "32", as_json=False)
    assert "4 documents, 3 judged queries" in found.stdout
    assert "@100" in found.stdout
