"""A file of checkpoints, one a line, that grows as the log does."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

from sekisho.kernel.errors import IntegrityFailed, Invalid
from sekisho.kernel.json import decode_json

_LONGEST: Final = 65_536
"""Bytes at the end of the file among which its last line is looked for."""


def keep_checkpoint(file: Path, checkpoint: Mapping[str, Any]) -> bool:
    """Add the checkpoint; False where the last line is of the same size already. The line is on disk on return.

    Raises `IntegrityFailed` where the log is shorter than the last line says, is another log, or has another root at
    the same size, `Invalid` where the file holds something else or cannot be written.
    """
    try:
        with file.open("a+b") as lines:
            return _added(file, lines, checkpoint)
    except OSError as error:
        raise Invalid(f"the checkpoint cannot be written to {file}: {error.strerror}") from error


def last_line(file: Path) -> bytes | None:
    """The file's last line; None where there is none. Raises `Invalid` for a line that is cut short."""
    try:
        with file.open("rb") as lines:
            return _last_line(file, lines)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Invalid(f"the checkpoints in {file} cannot be read: {error.strerror}") from error


def _added(file: Path, lines: BinaryIO, checkpoint: Mapping[str, Any]) -> bool:
    line = _last_line(file, lines)
    if line is not None:
        last = _checkpoint(file, line)
        _refuse_other(last, checkpoint)
        if last["size"] == checkpoint["size"]:
            return False
    lines.write(json.dumps(dict(checkpoint), sort_keys=True).encode() + b"\n")
    lines.flush()
    os.fsync(lines.fileno())
    return True


def _last_line(file: Path, lines: BinaryIO) -> bytes | None:
    end = lines.seek(0, os.SEEK_END)
    lines.seek(max(0, end - _LONGEST))
    tail = lines.read()
    if not tail:
        return None
    if not tail.endswith(b"\n"):
        raise Invalid(f"the last line of {file} is cut short", remedy="take its unfinished last line away")
    return tail.rstrip(b"\n").rpartition(b"\n")[2]


def _checkpoint(file: Path, line: bytes) -> dict[str, Any]:
    last = decode_json(line)
    if not isinstance(last, dict) or not {"origin", "size", "root"} <= last.keys():
        raise Invalid(f"{file} does not hold one checkpoint a line", remedy="name a new file")
    return last


def _refuse_other(last: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    if last["origin"] != now["origin"]:
        raise IntegrityFailed(f"the server's log is {now['origin']}; the file is of {last['origin']}")
    if last["size"] > now["size"]:
        raise IntegrityFailed(f"the log was cut short: it has {now['size']} entries and had {last['size']}")
    if last["size"] == now["size"] and last["root"] != now["root"]:
        raise IntegrityFailed(f"the first {now['size']} entries are not those that the file's last line is about")
