"""From files to documents: what is taken, what it says of itself, and what is refused by name."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.indexing.sources.archives import archive_files
from sekisho.indexing.sources.gathering import Said, gather
from sekisho.indexing.sources.local import local_files
from sekisho.indexing.sources.process import ParserProcess
from sekisho.indexing.sources.types import Gathered, Limits, Original, Rows
from sekisho.kernel.digests import digest_of_bytes
from tests.indexing.sources.hostile import hostile_tar, write_hostile
from tests.indexing.sources.originals import CORE, docx_of, paragraph, pdf_of

LIMITS = Limits(text_bytes=4_000_000, pages=50, seconds=30)


@pytest.fixture(scope="module")
def parser() -> Iterator[ParserProcess]:
    with ParserProcess(LIMITS) as process:
        yield process


def gathered(parser: ParserProcess, path: str, data: bytes, said: Said | None = None) -> Gathered:
    return gather([Original(path, data)], said or Said(), parser)


def test_every_bad_file_is_named_and_the_rest_goes_on(tmp_path: Path, parser: ParserProcess) -> None:
    """Of a folder with every bad file we know of, the good ones are taken and each bad one is named with a reason."""
    root = tmp_path / "corpus"
    root.mkdir()
    (root / "first.md").write_text("# Good\n")
    (root / "last.pdf").write_bytes(pdf_of(["Good words"]))
    (root / "zone.docx").write_bytes(docx_of(paragraph("Good words")))
    words = write_hostile(root)
    found = gather(local_files(root, LIMITS), Said(), parser)
    assert [document.path for document in found.documents] == ["first.md", "last.pdf", "zone.docx"]
    reasons = {one.path: one.reason for one in found.refused}
    assert reasons.keys() == words.keys()
    wrong = {path: reason for path, reason in reasons.items() if words[path] not in reason or not reason}
    assert wrong == {}


def test_an_archives_tricks_are_named(parser: ParserProcess) -> None:
    """Paths that climb, links and devices of a TAR are refused one by one; its good page is taken."""
    data, words = hostile_tar()
    found = gather(archive_files(data, "https://example.org/a.tgz", "", LIMITS), Said(), parser)
    assert [document.path for document in found.documents] == ["good.md"]
    reasons = {one.path: one.reason for one in found.refused}
    assert reasons.keys() == words.keys()
    assert all(word in reasons[path] for path, word in words.items())


def test_a_plain_text_is_taken_as_it_is(parser: ParserProcess) -> None:
    """Nothing is said of it but what was declared, so that its entry is what it always was."""
    (document,) = gathered(parser, "a.md", "# 関所\n".encode()).documents
    assert (document.data, document.media_type, document.about) == ("# 関所\n".encode(), "text/markdown", {})


def test_a_word_document_becomes_markdown(parser: ParserProcess) -> None:
    """Headings by the style's own name, tables by rows; title, time and language are the document's."""
    table = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p/></w:tc></w:tr></w:tbl>"
    deleted = "<w:del><w:r><w:t>gone</w:t></w:r></w:del>"
    body = paragraph("Rules", "berschrift1") + paragraph("# One &amp; two") + f"<w:p>{deleted}</w:p>" + table
    data = docx_of(body, docProps__core=CORE)
    (document,) = gathered(parser, "rules.docx", data).documents
    assert document.data.decode() == "# Rules\n\n\\# One & two\n\na | \n"
    assert document.media_type == "text/markdown"
    assert document.about == {
        "title": "Barrier rules",
        "language": "en-GB",
        "time": 1767323045000,
        "original": {
            "digest": digest_of_bytes(data),
            "bytes": len(data),
            "media_type": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "extractor": {"name": "docx", "version": 1},
        },
    }


def test_a_pdf_becomes_text_page_by_page(parser: ParserProcess) -> None:
    """Pages are parted by a blank line, and the file's own hash is kept."""
    data = pdf_of(["One page", "Another page"])
    (document,) = gathered(parser, "paper.pdf", data, Said(about={"personal_data": True})).documents
    assert document.data == b"One page\n\nAnother page\n"
    assert document.about["original"]["digest"] == digest_of_bytes(data)
    assert document.about["original"]["extractor"] == {"name": "pdf", "version": 1}
    assert document.about["personal_data"] is True


def test_html_keeps_its_bytes_and_tells_its_title(parser: ParserProcess) -> None:
    """The chunker wants the structure; unclosed paragraphs without number are no depth."""
    data = b"<html lang=ja><title> The\n barrier </title>" + b"<p>text<br>" * 2000
    (document,) = gathered(parser, "a.html", data).documents
    assert (document.data, document.media_type) == (data, "text/html")
    assert document.about == {"title": "The barrier", "language": "ja"}


def parquet_of(columns: dict[str, list[object]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


TABLES = {
    "t.csv": 'key,body,head\nr1,"one, two",First\nr2,three,\nr2,again,\n,four,\nr5,,\n',
    "t.jsonl": '{"key":"r1","body":"one, two","head":"First"}\n{"key":"r2","body":"three"}\n'
    '{"key":"r2","body":"again"}\n{"body":"four"}\n{"key":"r5"}\n',
}


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_rows_of_a_table_are_documents(parser: ParserProcess, kind: str) -> None:
    """A row's text, name and title come from columns; rows without text, or with another's name, are named."""
    rows = Said(rows=Rows(text="body", id="key", title="head"))
    data = (
        parquet_of({
            "key": ["r1", "r2", "r2", None, "r5"], "body": ["one, two", "three", "again", "four", None],
            "head": ["First", None, None, None, None],
        })
        if kind == "parquet"
        else TABLES[f"t.{kind}"].encode()
    )  # fmt: skip
    found = gathered(parser, f"t.{kind}", data, rows)
    assert [(one.path, one.data.decode(), one.media_type) for one in found.documents] == [
        (f"t.{kind}/r1", "# First\n\none, two\n", "text/markdown"),
        (f"t.{kind}/r2", "three\n", "text/plain"),
    ]
    assert found.documents[0].about["original"]["extractor"] == {"name": f"{kind}-rows", "version": 1}
    assert [one.path for one in found.refused] == [f"t.{kind}: row {number}" for number in (3, 4, 5)]


def test_tables_that_are_bombs_or_broken_are_refused(parser: ParserProcess) -> None:
    """A Parquet file of a megabyte's text twenty thousand times, one that is none, and JSON nested without end."""
    buffer = io.BytesIO()
    column = pa.array(["a" * 900_000]).dictionary_encode()
    many = pa.DictionaryArray.from_arrays(pa.array([0] * 5_000, pa.int32()), column.dictionary)
    pq.write_table(pa.table({"body": many}), buffer)
    said = Said(rows=Rows(text="body"))
    assert len(buffer.getvalue()) < 1_000_000
    for name, data, word in (
        ("bomb.parquet", buffer.getvalue(), "rows hold more than"),
        ("torn.parquet", b"PAR1" + b"\x00" * 40 + b"PAR1", "Parquet"),
    ):
        (refused,) = gathered(parser, name, data, said).refused
        assert word in refused.reason, refused
    deep = b'{"body": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n" + b'{"body": "words"}\n'
    found = gathered(parser, "deep.jsonl", deep, said)
    assert [one.path for one in found.documents] == ["deep.jsonl/2"]
    assert [one.path for one in found.refused] == ["deep.jsonl: row 1"]


GOOD = {"a.pdf": pdf_of(["One page", "Another"]), "a.docx": docx_of(paragraph("text"), docProps__core=CORE)}


@settings(max_examples=40)
@given(data=st.data(), name=st.sampled_from(sorted(GOOD)))
def test_altered_files_give_a_document_or_a_reason(parser: ParserProcess, data: st.DataObject, name: str) -> None:
    """Whatever byte is changed or missing, there is an answer, and the process lives for the next file."""
    altered = bytearray(GOOD[name])
    for _ in range(data.draw(st.integers(1, 8))):
        altered[data.draw(st.integers(0, len(altered) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(altered[: data.draw(st.integers(len(altered) // 2, len(altered)))])
    found = gathered(parser, name, cut)
    assert len(found.documents) + len(found.refused) == 1


def test_a_column_that_is_not_there_is_named(parser: ParserProcess) -> None:
    """The columns that there are stand beside it."""
    (refused,) = gathered(parser, "t.csv", b"a,b\n1,2\n", Said(rows=Rows(text="body"))).refused
    assert "no column 'body'" in refused.reason
    assert "a, b" in refused.reason


def test_a_parser_that_takes_too_long_is_killed_and_the_next_file_is_read() -> None:
    """The limit is named, and a new process reads on."""
    with ParserProcess(Limits(seconds=0.01)) as hasty:
        found = gathered(hasty, "a.html", b"<p>text")
        assert "over 0.01 s" in found.refused[0].reason
        hasty.limits = Limits(seconds=60)
        assert gathered(hasty, "a.html", b"<p>text").documents


def test_a_parser_that_takes_too_much_memory_is_stopped() -> None:
    """The kernel stops it; the limit is named, and a new process reads on."""
    with ParserProcess(Limits(memory_bytes=250_000_000)) as poor:
        (refused,) = gathered(poor, "a.docx", docx_of("<w:p/>" * 4_000_000, packed=False)).refused
        assert "memory" in refused.reason
        assert gathered(poor, "a.html", b"<p>text").documents


def test_a_row_and_its_columns_are_told_in_plain_words(parser: ParserProcess) -> None:
    """Once, and in the right number."""
    (row,) = gathered(parser, "t.jsonl", b'{"body": "words"}\nno\n', Said(rows=Rows(text="body"))).refused
    assert row.reason.startswith("cannot be read: not JSON: ")
    (table,) = gathered(parser, "t.csv", b"a\n1\n", Said(rows=Rows(text="body", id="key"))).refused
    assert "no columns 'body', 'key'" in table.reason
