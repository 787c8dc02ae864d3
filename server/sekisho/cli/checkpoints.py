"""A file of checkpoints, one a line, that grows as the log does."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sekisho.kernel.errors import IntegrityFailed, Invalid
from sekisho.kernel.json import decode_json


def keep_checkpoint(file: Path, checkpoint: Mapping[str, Any]) -> bool:
    """Add the checkpoint; False where the last line is of the same size already. The line is on disk on return.

    Raises `IntegrityFailed` where the log is shorter than the last line says, is another log, or has another root at
    the same size, `Invalid` where the file holds something else or cannot be written.
    """
    last = _last(file)
    if last is not None:
        _refuse_other(last, checkpoint)
        if last["size"] == checkpoint["size"]:
            return False
    try:
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(dict(checkpoint), sort_keys=True) + "\n")
            lines.flush()
            os.fsync(lines.fileno())
    except OSError as error:
        raise Invalid(f"the checkpoint cannot be written to {file}: {error.strerror}") from error
    return True


def _last(file: Path) -> dict[str, Any] | None:
    lines = file.read_bytes().splitlines() if file.exists() else []
    if not lines:
        return None
    last = decode_json(lines[-1])
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
