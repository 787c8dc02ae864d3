"""Where documents were cut before: the same chunks as ever, no token counted twice, and never a wrong cut."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.indexing.chunking import chunks_of
from sekisho.indexing.cut_cache import CutCache, Cutting
from sekisho.indexing.types import ChunkerRecipe, Document
from tests.indexing.embedders import HashedWords

PAGE = "# Gate\n\n## Papers\n\nEvery traveller shows papers. Nobody passes without.\n\n第一章。関所では手形を見せる。\n"
RECIPE = ChunkerRecipe("markdown", max_tokens=16)


@dataclass
class Counting(HashedWords):
    """Remembers what it counted."""

    counted: list[str] = field(default_factory=list)

    def count_tokens(self, text: str) -> int:
        self.counted.append(text)
        return super().count_tokens(text)


@pytest.fixture
def embedder() -> Counting:
    return Counting()


@pytest.fixture
def cutting(tmp_path: Path, embedder: Counting) -> Cutting:
    return Cutting(embedder, RECIPE, CutCache(tmp_path / "cuts.sqlite3"))


def page(path: str = "a.md", text: str = PAGE, media_type: str = "text/markdown") -> Document:
    return Document(path, text, media_type, "en")


def test_a_document_is_counted_once(cutting: Cutting, embedder: Counting) -> None:
    """Under another path it is cut at the same places, and its chunks are that path's."""
    first = cutting.chunks([page()])
    embedder.counted.clear()
    second = cutting.chunks([page("b.md"), page()])
    assert embedder.counted == []
    assert second[len(first) :] == first
    assert [chunk.text for chunk in second[: len(first)]] == [chunk.text for chunk in first]
    assert {chunk.document for chunk in second[: len(first)]} == {"b.md"}


@pytest.mark.parametrize(
    "other",
    [
        page(text=PAGE + "More.\n"),
        page(media_type="text/plain"),
    ],
)
def test_another_document_is_counted(cutting: Cutting, embedder: Counting, other: Document) -> None:
    """Other words, or the same ones read as another kind of text."""
    cutting.chunks([page()])
    embedder.counted.clear()
    assert cutting.chunks([other]) == chunks_of(other, HashedWords().count_tokens, 16, 0)
    assert embedder.counted


@pytest.mark.parametrize(
    "recipe",
    [ChunkerRecipe("markdown", 17), ChunkerRecipe("markdown", 16, 3), ChunkerRecipe("sentence", 16)],
)
def test_another_recipe_is_another_cut(cutting: Cutting, recipe: ChunkerRecipe) -> None:
    """Limit, overlap and chunker all decide."""
    assert replace(cutting, recipe=recipe).key(page()) != cutting.key(page())


def test_another_embedder_is_another_cut(cutting: Cutting) -> None:
    """Tokens are those of its own tokenizer."""
    assert replace(cutting, embedder=Counting(dimension=32)).key(page()) != cutting.key(page())


@settings(max_examples=25, deadline=None)
@given(
    text=st.text(alphabet=st.sampled_from("ab .\n#関所。「」<p>"), max_size=120),
    name=st.sampled_from(["markdown", "html", "sentence", "tokens", "japanese"]),
    media_type=st.sampled_from(["text/markdown", "text/html", "text/plain"]),
    overlap=st.sampled_from([0, 6]),
)
def test_remembered_cuts_give_the_same_chunks(
    tmp_path_factory: pytest.TempPathFactory, text: str, name: str, media_type: str, overlap: int
) -> None:
    """For every chunker and kind of text, to the last field of every chunk."""
    recipe = ChunkerRecipe(name, 16, overlap)  # type: ignore[arg-type]
    cutting = Cutting(HashedWords(), recipe, CutCache(tmp_path_factory.mktemp("cuts") / "cuts.sqlite3"))
    document = page(text=text, media_type=media_type)
    expected = chunks_of(document, HashedWords().count_tokens, 16, overlap, name)
    assert cutting.chunks([document]) == cutting.chunks([document]) == expected


def test_damaged_cuts_are_absent(cutting: Cutting, embedder: Counting) -> None:
    """What does not match its seal, such as another document's cuts, is found anew."""
    other = page(text="# Other\n\nWords.\n")
    expected = cutting.chunks([page(), other])
    with sqlite3.connect(cutting.cache.file) as db:
        db.execute("UPDATE cuts SET cuts = (SELECT cuts FROM cuts WHERE document = ?)", (cutting.key(other),))
    db.close()
    embedder.counted.clear()
    assert list(cutting.cache.known([cutting.key(page()), cutting.key(other)])) == [cutting.key(other)]
    assert cutting.chunks([page(), other]) == expected
    assert embedder.counted


def test_a_broken_file_is_begun_again(cutting: Cutting) -> None:
    """It is derived: what it knew is gone, and it works."""
    expected = cutting.chunks([page()])
    cutting.cache.file.write_bytes(b"no database at all" * 1000)
    assert cutting.chunks([page()]) == expected
    assert cutting.chunks([page()]) == expected
    assert cutting.cache.known([cutting.key(page())])


def test_a_full_file_is_begun_again(cutting: Cutting) -> None:
    """It stays within its bound, at the cost of what it knew."""
    small = replace(cutting, cache=CutCache(cutting.cache.file, most_bytes=20_000))
    pages = [page(text=f"{PAGE}\n\nEdition {number}.\n") for number in range(400)]
    for one in pages:
        small.chunks([one])
    known = small.cache.known([small.key(one) for one in pages])
    assert small.key(pages[-1]) in known
    assert len(known) < len(pages)


def test_what_is_forgotten_was_never_known(cutting: Cutting, embedder: Counting) -> None:
    """After an erasure nothing is left, not even the hash of a document."""
    cutting.chunks([page()])
    cutting.cache.forget()
    assert not cutting.cache.file.exists()
    embedder.counted.clear()
    cutting.chunks([page()])
    assert embedder.counted
