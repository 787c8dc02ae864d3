"""Files below a folder of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sekisho.indexing.sources.types import Limits, Original, Refused
from sekisho.registry.folders import paths_below, read_plainly


def local_files(root: Path, limits: Limits) -> Iterator[Original | Refused]:
    """Every file below `root`, by its path from there; names that begin with a dot are left out.

    A link out of the root, or what is no plain file, is refused. No time is given: a checkout's is the checkout's.
    """
    for path in paths_below(root):
        read = read_plainly(root.resolve(), path, limits.original_bytes)
        yield Refused(path, read) if isinstance(read, str) else Original(path, read)


def local_file(path: Path, limits: Limits) -> Iterator[Original | Refused]:
    """One file, by its name alone."""
    read = read_plainly(path.resolve().parent, path.resolve().name, limits.original_bytes)
    yield Refused(path.name, read) if isinstance(read, str) else Original(path.name, read)
