"""What a file is, by its name, and whether its first bytes agree. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from sekisho.indexing.sources.types import Refusal

MEDIA_TYPES: Final = {
    ".md": "text/markdown", ".markdown": "text/markdown", ".html": "text/html", ".htm": "text/html",
    ".csv": "text/csv", ".rst": "text/x-rst", ".jsonl": "text/plain",
    ".pdf": "application/pdf", ".parquet": "application/vnd.apache.parquet",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}  # fmt: skip
PARSED: Final = {
    ".html": "html", ".htm": "html", ".csv": "csv", ".jsonl": "jsonl",
    ".pdf": "pdf", ".docx": "docx", ".parquet": "parquet",
}  # fmt: skip
"""Which files go through the parsing process, and which parser there has them. All others are text as they are."""
BINARY: Final = frozenset({"pdf", "docx", "parquet"})
TABLES: Final = frozenset({"csv", "jsonl", "parquet"})
_MAGIC: Final = {
    "pdf": (b"%PDF-", "a PDF"),
    "docx": (b"PK\x03\x04", "a DOCX (or another ZIP)"),
    "parquet": (b"PAR1", "a Parquet file"),
}
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF_HEAD: Final = 1024
"""How far into a file the mark of a PDF may stand, after ISO 32000-1, annex H.3.4.1."""


def media_type_of(path: str) -> str:
    return MEDIA_TYPES.get(PurePosixPath(path).suffix.lower(), "text/plain")


def kind_of(path: str, data: bytes) -> str:
    """The parser's name, or ``text`` for text as it is. Raises `Refusal` where name and bytes disagree."""
    kind = PARSED.get(PurePosixPath(path).suffix.lower(), "text")
    if kind == "docx" and data.startswith(_OLE):
        raise Refusal("is encrypted, or a Word file of before 2007: save it as DOCX without a password")
    if kind in _MAGIC and not _has(kind, data):
        raise Refusal(f"is not {_MAGIC[kind][1]}, by its first bytes, though its name says so")
    if kind not in _MAGIC:
        for other, (magic, words) in _MAGIC.items():
            if data.startswith(magic):
                raise Refusal(f"is {words}, by its first bytes; its name should end in .{other}")
    return kind


def _has(kind: str, data: bytes) -> bool:
    magic = _MAGIC[kind][0]
    return magic in data[:_PDF_HEAD] if kind == "pdf" else data.startswith(magic)
