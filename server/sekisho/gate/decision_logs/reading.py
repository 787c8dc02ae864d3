"""From the bytes that OPA sends to lines about our question. Their size, form and words are not trusted.

Bodies come gzipped: they are unpacked only as far as `MOST_BYTES`, whatever they promise. What somebody asked OPA
behind our back may hold anything; it must not keep our own lines out, so inputs and answers are read one by one.
"""

from __future__ import annotations

import zlib
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from sekisho.gate.decision_logs.types import PATH, Logged, content_of, masked
from sekisho.gate.engines.port import BUNDLE
from sekisho.kernel.digests import canonical_json, digest_of
from sekisho.kernel.errors import FieldError, Invalid, TooLarge
from sekisho.kernel.json import decode_json

MOST_BYTES: Final = 32 << 20
"""Of one body, unpacked."""
MOST_LINES: Final = 10_000
MOST_WORDS: Final = 16_384
"""Bytes that are kept of one line beside its digests."""
_GZIP: Final = 16 + zlib.MAX_WBITS
_SELF_TEST: Final = digest_of({})
"""Our own self-tests ask about nothing; whoever else does learns nothing."""


class _Bundle(msgspec.Struct, frozen=True):
    revision: Annotated[str, msgspec.Meta(max_length=71, pattern=r"^[!-~]*$")] = ""


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is compared and kept of an OPA event; it holds more, such as the times that it took."""

    decision_id: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,64}$")]
    path: str = ""
    input: Raw | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    bundles: dict[str, _Bundle] = {}
    labels: dict[str, str] = {}
    timestamp: str = ""
    requested_by: str = ""
    error: Any = None
    erased: list[str] = []
    masked: list[str] = []


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its content encoding.

    Raises `TooLarge` where it unpacks to more than `MOST_BYTES`, `Invalid` where it is cut short, damaged, or packed in
    another way than gzip.
    """
    if encoding in ("", "identity"):
        whole = body
    elif encoding in ("gzip", "x-gzip"):
        whole = _inflated(body)
    else:
        raise _refused("$.headers.Content-Encoding", f"{encoding[:40]!r} is not gzip or identity")
    if len(whole) > MOST_BYTES:
        raise TooLarge(
            f"the decision log unpacks to more than {MOST_BYTES} bytes",
            remedy="lower decision_logs.reporting.upload_size_limit_bytes in OPA's configuration",
        )
    return whole


def _inflated(body: bytes) -> bytes:
    packed = zlib.decompressobj(_GZIP)
    try:
        whole = packed.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise _refused("$", f"the gzip stream is damaged: {error}") from error
    if len(whole) <= MOST_BYTES and not packed.eof:
        raise _refused("$", "the gzip stream ends too early")
    if packed.unused_data:
        raise _refused("$", "more follows after the gzip stream")
    return whole


def read_lines(data: bytes, received_at: int) -> tuple[list[Logged], int]:
    """The lines about our question, and how many others there were.

    Raises `Invalid`, naming the line: a log that cannot be read whole is not taken in part.
    """
    try:
        lines = msgspec.json.decode(data, type=list[Raw])
    except msgspec.MsgspecError as error:
        raise _refused("$", f"the body is not a list of decisions in JSON: {error}") from error
    except RecursionError as error:
        raise _refused("$", "the body is nested too deep") from error
    if len(lines) > MOST_LINES:
        raise TooLarge(f"the decision log has {len(lines)} lines; {MOST_LINES} are taken at a time")
    read = [_read(place, line, received_at) for place, line in enumerate(lines)]
    ours = [line for line in read if line is not None]
    return ours, len(read) - len(ours)


def _read(place: int, raw: Raw, received_at: int) -> Logged | None:
    try:
        line = msgspec.json.decode(raw, type=_Line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message, _, path = str(error).partition(" - at `$")
        raise _refused(f"$[{place}]{path.rstrip('`')}", message) from error
    asked = _digest(line.input)
    if line.path.strip("/") != PATH or asked == _SELF_TEST:
        return None
    answer, bundle, words = _digest(line.result), line.bundles.get(BUNDLE), _words(line)
    policy = (bundle.revision or None) if bundle else None
    altered = bool(line.erased or line.masked)
    content = content_of(line.decision_id, asked, answer, policy, altered, words)
    return Logged(line.decision_id, content, received_at, asked, answer, policy, altered, words)


def _digest(part: Raw | UnsetType) -> str | None:
    if part is UNSET:
        return None
    try:
        return digest_of(decode_json(bytes(part)))
    except Invalid:  # it has none, and so it is not what we sent or saw
        return None


def _words(line: _Line) -> dict[str, Any]:
    plain = msgspec.to_builtins(msgspec.structs.replace(line, input=UNSET, result=UNSET))
    words: dict[str, Any] = masked({name: value for name, value in plain.items() if name != "decision_id"})
    try:
        fits = len(canonical_json(words)) <= MOST_WORDS
    except Invalid:
        fits = False
    return words if fits else {"left_out": "what else the line says is too long, or not JSON that can be kept"}


def _refused(path: str, message: str) -> Invalid:
    return Invalid(
        "the decision log cannot be taken",
        fields=[FieldError(path, message)],
        remedy="have OPA send its log as it is: a list of decisions in JSON, gzipped or not",
    )
