"""PDF to text, page after page, by pypdf. Scanned pages hold no text: there is no OCR here."""

from __future__ import annotations

import io
from typing import Final

from sekisho.indexing.sources.types import Limits, Part, Refusal

VERSION: Final = 1


def parse_pdf(data: bytes, limits: Limits) -> Part:
    """Pages are parted by a blank line. Raises `Refusal`; time and memory are bounded by the process around it."""
    try:
        from pypdf import PdfReader
        from pypdf.errors import PyPdfError
    except ModuleNotFoundError as error:
        raise Refusal("needs the extra 'sources' to be read: pip install 'sekisho[sources]'") from error
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted:
            raise Refusal("is encrypted: save it without a password")
        pages = reader.get_num_pages()
        if pages > limits.pages:
            raise Refusal(f"has {pages} pages; at most {limits.pages} are taken")
        texts: list[str] = []
        size = 0
        for page in reader.pages:
            # A broken font table gives halves of characters, which no UTF-8 has.
            text = page.extract_text().replace("\x00", "").encode("utf-8", "replace").decode("utf-8").strip()
            size += len(text.encode())
            if size > limits.text_bytes:
                raise Refusal(f"holds more than {limits.text_bytes} bytes of text")
            texts.append(text)
        info = reader.metadata
        title = (info.title or "").strip() if info else ""
        time = info.modification_date if info else None
    except PyPdfError as error:
        raise Refusal(f"is not a PDF that can be read: {error}") from error
    if not any(texts):
        raise Refusal("holds no text: scanned pages must go through OCR first")
    stamp = None if time is None or time.tzinfo is None or time.timestamp() < 0 else int(time.timestamp() * 1000)
    whole = "\n\n".join(filter(None, texts)) + "\n"
    return Part(text=whole, extractor="pdf", version=VERSION, title=title or None, time=stamp)
