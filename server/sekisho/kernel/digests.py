"""Digests: sha256 over RFC 8785 canonical JSON, written ``sha256:<64 hex digits>``."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

import msgspec
import rfc8785

from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.json import MAX_DEPTH, decode_json

PREFIX: Final = "sha256:"
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
# Where sorted JSON by msgspec may not be canonical: numbers with a point or an exponent, or of 16 digits and more;
# characters past U+FFFF, whose keys UTF-16 orders otherwise. A text may look like either, and takes the slow way then.
# A pattern for each thing that may stand before a number, and a search for each first byte of a wide character: what
# begins with one known byte is found three times faster than what begins with one of several.
_NUMBERS: Final = tuple(re.compile(before + rb"-?(?:\d+[.eE]|\d{16})") for before in (rb'":', rb"\[", rb","))
_WIDE: Final = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")
_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.Decoder().decode


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value.

    Raises `Invalid` for what canonical JSON cannot hold: integers of 2**53 and beyond, NaN and infinities,
    lone surrogates, keys that are not strings.
    """
    quick = _quickly(value)
    if quick is not None:
        return quick
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise Invalid(
            "the value has no canonical JSON form",
            fields=[FieldError("$", str(error) or type(error).__name__)],
            remedy="use strings, booleans, arrays, objects and integers below 2**53",
        ) from error


def decode_canonical(data: bytes) -> tuple[Any, bool]:
    """The JSON value of some bytes, decoded strictly, and whether they are its canonical form. Raises `Invalid`."""
    try:
        value = _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return decode_json(data), False  # which most likely says what is wrong
    shallow = data.count(b"[") + data.count(b"{") <= MAX_DEPTH
    if shallow and b"\\u0000" not in data and _encode(value) == data and not _odd(data):
        return value, True
    value = decode_json(data)
    return value, canonical_json(value) == data


def _quickly(value: Any) -> bytes | None:
    """The same bytes, a few times faster, for the usual value; None where it cannot be sure of them.

    What reads back as the very value is of JSON's own types; numbers and keys that the two write differently are odd.
    """
    try:
        quick = _encode(value)
        usual = not _odd(quick) and _decode(quick) == value
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return None
    return quick if usual else None


def _odd(data: bytes) -> bool:
    bare = data[:1].isdigit() or data[:1] == b"-"
    wide = not data.isascii() and any(first in data for first in _WIDE)
    return bare or wide or any(number.search(data) for number in _NUMBERS)


def digest_of(value: Any) -> str:
    """Digest of a JSON value's canonical form."""
    return digest_of_bytes(canonical_json(value))


def digest_of_bytes(data: bytes) -> str:
    """Digest of raw bytes."""
    return PREFIX + hashlib.sha256(data).hexdigest()


def is_digest(text: str) -> bool:
    """Whether the text is a whole digest, not a prefix of one."""
    return _DIGEST.fullmatch(text) is not None


def short(digest: str) -> str:
    """The first twelve hex digits, for people."""
    return digest.removeprefix(PREFIX)[:12]
