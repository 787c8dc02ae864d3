"""Files that DVC tracks: the ``.dvc`` file of a git commit names them by MD5, and a cache has the bytes.

The format is that of DVC's own pages on ``.dvc`` files and on the structure of its cache. MD5 is DVC's choice; the
corpus holds each document by sha256.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import yaml

from sekisho.indexing.sources.git import Commit
from sekisho.indexing.sources.types import Limits, Original, Refused
from sekisho.indexing.sources.zips import path_problem
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.registry.folders import read_plainly

_MD5: Final = re.compile(r"^([0-9a-f]{32})(\.dir)?$")
_MOST_OF_A_LIST: Final = 50_000_000


@dataclass(frozen=True, slots=True)
class Tracked:
    """The output of a ``.dvc`` file. `exact`: its MD5 is over the bytes, as since DVC 3 (before, text files' line
    ends were made Unix ones first)."""

    path: str
    md5: str
    is_folder: bool
    exact: bool


def tracked_by(commit: Commit, path: str) -> Tracked:
    """Raises `Invalid` where the commit has no such file, or it does not track exactly one output by MD5."""
    found = [entry for entry in commit.entries(path) if entry.path == path and entry.kind == "blob"]
    if not found or found[0].size > 1_000_000:
        raise _wrong("$.path", f"the commit has no .dvc file at {path!r}")
    try:
        outs: Any = yaml.safe_load(commit.blob(found[0].object_id))["outs"]
        (out,) = outs
        match = _MD5.match(out["md5"])
        name = str(out["path"])
    except (yaml.YAMLError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise _wrong("$.path", f"{path} does not name one output with its md5") from error
    if match is None or path_problem(name):
        raise _wrong("$.path", f"{path} does not name one output with its md5")
    return Tracked(name, match[1], match[2] is not None, out.get("hash") == "md5")


def dvc_files(commit: Commit, path: str, cache: Path, limits: Limits) -> Iterator[Original | Refused]:
    """The tracked file, or those of the tracked folder, out of the cache; each is hashed again."""
    tracked, time = tracked_by(commit, path), commit.time()
    if not tracked.is_folder:
        read = _cached(cache, tracked.md5, "", limits.original_bytes, tracked.exact)
        name = PurePosixPath(tracked.path).name
        yield Refused(name, read) if isinstance(read, str) else Original(name, read, commit.uri(path), time)
        return
    listed = _cached(cache, tracked.md5, ".dir", _MOST_OF_A_LIST, True)
    if isinstance(listed, str):
        raise _wrong("$.path", f"the list of {tracked.path} {listed}")
    for name, md5 in _entries(listed, path):
        read = path_problem(name) or _cached(cache, md5, "", limits.original_bytes, tracked.exact)
        yield Refused(name, read) if isinstance(read, str) else Original(name, read, commit.uri(f"{path}/{name}"), time)


def _entries(listed: bytes, path: str) -> list[tuple[str, str]]:
    try:
        entries = [(str(one["relpath"]), str(one["md5"])) for one in json.loads(listed)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _wrong("$.path", f"the list that {path} names is not DVC's") from error
    if wrong := [name for name, md5 in entries if not _MD5.match(md5)]:
        raise _wrong("$.path", f"{wrong[0]} has no MD5 in the list that {path} names")
    return sorted(entries)


def _cached(cache: Path, md5: str, suffix: str, most: int, exact: bool) -> bytes | str:
    """The bytes under this MD5, or why they are not to be had. A cache of DVC 2 has no ``files/md5`` in its paths."""
    root = cache.resolve()
    for folder in ("files/md5/", ""):
        place = f"{folder}{md5[:2]}/{md5[2:]}{suffix}"
        if not (cache / place).exists():
            continue
        data = read_plainly(root, place, most)
        if isinstance(data, str) or md5 in _hashes(data, exact):
            return data
        return f"has other bytes in the cache than its MD5 {md5} says"
    return f"is not in the cache under its MD5 {md5}; `dvc fetch` brings it"


def _hashes(data: bytes, exact: bool) -> set[str]:
    forms = [data] if exact else [data, data.replace(b"\r\n", b"\n")]
    return {hashlib.md5(form, usedforsecurity=False).hexdigest() for form in forms}


def _wrong(path: str, message: str) -> Invalid:
    return Invalid("the DVC source cannot be read", fields=[FieldError(path, message)])
