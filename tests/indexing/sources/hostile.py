"""A corpus of bad files, each with a word that the reason for its refusal must hold; made here, never kept."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from pathlib import Path
from typing import Final

from tests.indexing.sources.originals import docx_of, paragraph, pdf_of, zip_of

_BILLION = (
    "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
    + "".join(f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)
_OUTSIDE = "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
_LOOP = "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"
_LOCKED = (
    "/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <" + "00" * 32 + "> /U <" + "00" * 32 + "> >> /ID [<00> <00>]"
)


def hostile_files() -> dict[str, tuple[bytes, str]]:
    """Bytes and the word, by path."""
    nested = "<w:sdt>" * 400 + paragraph("deep") + "</w:sdt>" * 400
    big = b"a" * (3 * 1024 * 1024)
    return {
        "bomb.docx": (zip_of({"word/document.xml": b" " * 20_000_000}), "bomb"),
        "claims.docx": (_understated(), "cannot be unpacked"),
        "billion-laughs.docx": (docx_of(paragraph("&i;"), head=_BILLION), "entities"),
        "outside-entity.docx": (docx_of(paragraph("&a;"), head=_OUTSIDE), "entities"),
        "deep.docx": (docx_of(nested), "deep"),
        "torn.docx": (docx_of(paragraph("text"))[:200], "ZIP"),
        "old-word.docx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "encrypted"),
        "no-document.docx": (zip_of({"readme.txt": "no"}), "not a Word document"),
        "ill-formed.docx": (zip_of({"word/document.xml": "<w:p>"}), "well-formed"),
        "page.docx": (b"<html><p>a page</p></html>", "first bytes"),
        "encrypted.pdf": (pdf_of(["secret"], trailer=_LOCKED), "encrypted"),
        "loop.pdf": (pdf_of(["text"], tree=_LOOP), ""),
        "endless.pdf": (pdf_of(["page"] * 60), "pages"),
        "nested.pdf": (pdf_of(["text"], tree="[" * 100_000), ""),
        "bomb.pdf": (pdf_of([""], content=zlib.compress(b" " * 300_000_000)), ""),
        "scanned.pdf": (pdf_of([""]), "OCR"),
        "cut-off.pdf": (b"%PDF-1.7\n1 0 obj\n<<", "PDF"),
        "text.pdf": (b"just words", "first bytes"),
        "paper.txt": (pdf_of(["a paper"]), "first bytes"),
        "cell.csv": (b"a,b\n1," + big + b"\n", "cell"),
        "quote.csv": (b'a,b\n1,"never closed\n', "CSV"),
        "deep.html": (b"<div>" * 5_000 + b"text", "deep"),
        "binary.md": (b"# A\x00B", "NUL"),
        "latin.md": ("# Café".encode("latin-1"), "UTF-8"),
        "large.md": (b"a" * 4_000_001, "at most"),
        "torn.parquet": (b"PAR1" + b"\x00" * 40 + b"PAR1", "table"),
    }


ON_DISK: Final = {"out.md": "out of the folder", "loop.md": "", "pipe.md": "plain file", "linked": "out of the folder"}


def write_hostile(root: Path) -> dict[str, str]:
    """Write them all, links and pipes among them; the word of each by path."""
    files = hostile_files()
    for name, (data, _) in files.items():
        (root / name).write_bytes(data)
    (root.parent / "secret.md").write_text("a secret")
    (root / "out.md").symlink_to(root.parent / "secret.md")
    (root / "loop.md").symlink_to(root / "loop.md")
    (root / "linked").symlink_to(root.parent, target_is_directory=True)
    os.mkfifo(root / "pipe.md")
    return {name: word for name, (_, word) in files.items()} | ON_DISK


def hostile_tar() -> tuple[bytes, dict[str, str]]:
    """A gzipped TAR with one good page, and what is bad in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("good.md", "../climbs.md", "/etc/absolute.md", "back\\slash.md"):
            info = tarfile.TarInfo(name)
            info.size = 5
            archive.addfile(info, io.BytesIO(b"words"))
        for name, kind, target in (
            ("soft.md", tarfile.SYMTYPE, "/etc/passwd"),
            ("hard.md", tarfile.LNKTYPE, "good.md"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
        device = tarfile.TarInfo("device.md")
        device.type = tarfile.CHRTYPE
        archive.addfile(device)
    words = {
        "../climbs.md": "leads out",
        "/etc/absolute.md": "leads out",
        "back\\slash.md": "leads out",
        "soft.md": "link",
        "hard.md": "link",
        "device.md": "device",
    }
    return gzip.compress(buffer.getvalue()), words


def _understated() -> bytes:
    """A DOCX that states a member of ten bytes and packs a megabyte."""
    data = bytearray(zip_of({"word/document.xml": b" " * 1_000_000}))
    real = (1_000_000).to_bytes(4, "little")
    while (place := data.find(real)) >= 0:
        data[place : place + 4] = (10).to_bytes(4, "little")
    return bytes(data)
