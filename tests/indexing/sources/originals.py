"""Well-made files of each format, made by hand so that every byte of a test is known."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
STYLES = (
    f'<w:styles {_W}><w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:styleId="Titel"><w:name w:val="Title"/></w:style></w:styles>'
)
CORE = (
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
    "<dc:title>Barrier rules</dc:title><dc:language>en-GB</dc:language>"
    "<dcterms:modified>2026-01-02T03:04:05Z</dcterms:modified></cp:coreProperties>"
)


def zip_of(members: dict[str, bytes | str], *, packed: bool = True) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def docx_of(body: str, *, head: str = "", packed: bool = True, **parts: str) -> bytes:
    """A Word document with this body; `head` stands before its root element."""
    document = f'<?xml version="1.0"?>{head}<w:document {_W}><w:body>{body}</w:body></w:document>'
    members: dict[str, bytes | str] = {"word/document.xml": document, "word/styles.xml": STYLES}
    return zip_of(
        members | {name.replace("__", "/") + ".xml": content for name, content in parts.items()}, packed=packed
    )


def paragraph(text: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}<w:r><w:t>{text}</w:t></w:r></w:p>"


def pdf_of(pages: Sequence[str], *, tree: str = "", trailer: str = "", content: bytes = b"") -> bytes:
    """A PDF whose pages show these texts, in Helvetica. `tree` replaces the page tree's root, `trailer` adds to it.

    `content`, packed by zlib, takes the place of every page's own.
    """
    first = 4
    kids = " ".join(f"{first + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        (tree or f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>").encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
        resources = "/Resources << /Font << /F1 3 0 R >> >> /MediaBox [0 0 595 842]"
        objects.append(f"<< /Type /Page /Parent 2 0 R {resources} /Contents {first + 2 * number + 1} 0 R >>".encode())
        packed = b" /Filter /FlateDecode" if content else b""
        stream = content or stream
        objects.append(b"<< /Length %d%s >>\nstream\n%s\nendstream" % (len(stream), packed, stream))
    return _pdf_file(objects, trailer)


def _pdf_file(objects: Sequence[bytes], trailer: str) -> bytes:
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)
