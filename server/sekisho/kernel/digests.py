"""Digests: sha256 over RFC 8785 canonical JSON, written ``sha256:<64 hex digits>``."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import rfc8785

from sekisho.kernel.errors import FieldError, Invalid

PREFIX: Final = "sha256:"
_PLAIN: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value.

    Raises `Invalid` for what canonical JSON cannot hold: integers of 2**53 and beyond, NaN and infinities,
    lone surrogates, keys that are not strings.
    """
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise Invalid(
            "the value has no canonical JSON form",
            fields=[FieldError("$", str(error) or type(error).__name__)],
            remedy="use strings, booleans, arrays, objects and integers below 2**53",
        ) from error


def canonical_flat(value: Mapping[str, str] | Sequence[str | int]) -> bytes:
    """RFC 8785 bytes of strings under ASCII keys, or of a list of strings and integers below 2**53.

    The same as `canonical_json` in a tenth of its time, for what is done for each of a hundred thousand chunks.
    Raises `Invalid` as it does.
    """
    try:
        return _PLAIN.encode(value).encode()
    except UnicodeEncodeError:
        return canonical_json(value)


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
