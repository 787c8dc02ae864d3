"""Chunks as rows of a Chroma collection, and rows as what is believed of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sekisho.indexing.types import Chunk
from sekisho.indexing.vectors import Stored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TEXT: Final = "text"


def metadata(ordinal: int, chunk: Chunk) -> dict[str, str | int]:
    return {
        "document": chunk.document,
        "heading": chunk.heading,
        "language": chunk.language,
        "ordinal": ordinal,
        # As a `document` it would enter Chroma's full-text index, which nothing here asks and which is half of what
        # writing a chunk costs.
        _TEXT: chunk.text,
    }


def products(rows: Any, vector: NDArray[np.float32]) -> list[float]:
    """Chroma's own distances are rounded differently by the embedded engine and the server. A server's vectors are
    decimal text of float32: exact once they are float32 again."""
    import numpy as np

    exact = np.asarray(rows, np.float32).reshape(-1, len(vector)).astype(np.float64)
    products: list[float] = (exact @ vector.astype(np.float64)).tolist()
    return products


def all_stored(rows: Mapping[str, Any]) -> list[Stored]:
    import numpy as np

    vectors = np.asarray(rows["embeddings"], np.float32)
    return list(map(_stored, rows["ids"], rows["documents"], rows["metadatas"], vectors))


def _stored(chunk_id: str, text: str | None, metadata: Mapping[str, Any] | None, vector: NDArray[np.float32]) -> Stored:
    """What is there, whatever has become of it: a field that is gone or of another type is empty."""
    held = metadata or {}
    ordinal = held.get("ordinal")
    return Stored(
        id=chunk_id,
        document=word(held, "document"),
        heading=word(held, "heading"),
        language=word(held, "language"),
        text=word(held, _TEXT) if text is None else text,
        ordinal=ordinal if isinstance(ordinal, int) else -1,
        vector=vector,
    )


def word(held: Mapping[str, Any], name: str) -> str:
    value = held.get(name)
    return value if isinstance(value, str) else ""
