"""Chunks as rows of a Chroma collection, and rows as what is believed of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from sekisho.indexing.types import Chunk
from sekisho.indexing.vectors import Stored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HELD: Final = "chunk"


class Held(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a row says of its chunk, as JSON in one piece of metadata.

    Chroma writes and indexes every piece of metadata by itself, which costs more than the words in it. As a `document`
    the text would enter Chroma's full-text index too, which nothing here asks. The place stands first, so that in
    Chroma's index of all metadata the rows of a collection stand together, in the order that they are written in.
    """

    place: str = ""
    """The collection's own id, and the ordinal, as long in every row."""
    document: str = ""
    heading: str = ""
    language: str = ""
    text: str = ""

    @property
    def ordinal(self) -> int:
        """-1 where the place has become something else."""
        digits = self.place.rpartition(" ")[2]
        return int(digits) if digits.isdecimal() else -1


_NOTHING: Final = Held()
_TO_JSON: Final = msgspec.json.Encoder()
_OF_JSON: Final = msgspec.json.Decoder(Held)


def held_of(collection: str, ordinal: int, chunk: Chunk) -> Held:
    return Held(place_of(collection, ordinal), chunk.document, chunk.heading, chunk.language, chunk.text)


def place_of(collection: str, ordinal: int) -> str:
    return f"{collection} {ordinal:010}"


def metadata(said: Held) -> dict[str, str]:
    return {_HELD: _TO_JSON.encode(said).decode()}


def held(metadata: Mapping[str, Any] | None) -> Held:
    """What is there, whatever has become of it: all of it is empty where it cannot be read."""
    try:
        return _OF_JSON.decode((metadata or {})[_HELD])
    except (KeyError, TypeError, ValueError):
        return _NOTHING


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
    return list(map(_stored, rows["ids"], rows["metadatas"], vectors))


def _stored(chunk_id: str, metadata: Mapping[str, Any] | None, vector: NDArray[np.float32]) -> Stored:
    said = held(metadata)
    return Stored(chunk_id, said.document, said.heading, said.language, said.text, said.ordinal, vector)
