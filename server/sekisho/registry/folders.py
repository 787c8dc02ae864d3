"""Reading files on the caller's side, before anything is sent: only plain files, and only from within their folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.registry.content import text_problem


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A text; `path` is its name, with '/' between steps.

    `about` are the fields of its entry in a corpus's manifest that not every file has.
    """

    path: str
    data: bytes
    digest: str
    media_type: str
    about: Mapping[str, Any] = field(default_factory=dict)


def read_files(root: Path, paths: Sequence[str], *, max_bytes: int) -> tuple[FolderFile, ...]:
    """The texts at these paths from `root`, sorted by path.

    Raises `Invalid`, naming every file that leads or links out of the root, is over `max_bytes`, binary, not UTF-8,
    or not a plain file.
    """
    files: list[FolderFile] = []
    wrong: list[FieldError] = []
    for path in sorted(set(paths)):
        read = read_plainly(root.resolve(), path, max_bytes)
        problem = read if isinstance(read, str) else text_problem(read)
        if isinstance(read, str) or problem:
            wrong.append(FieldError(path, str(problem)))
        else:
            files.append(FolderFile(path, read, digest_of_bytes(read), "text/plain"))
    if wrong:
        raise Invalid(f"files of {root} cannot be read", fields=wrong, remedy="mend or leave out the files named")
    return tuple(files)


def paths_below(root: Path) -> Iterator[str]:
    """Every path below `root`, links to folders among them, without names that begin with a dot."""
    for folder, folders, names in os.walk(root, followlinks=False):
        here = Path(folder)
        linked = [name for name in folders if (here / name).is_symlink()]
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in linked)
        for name in sorted([*names, *linked]):
            if not name.startswith("."):
                yield (here / name).relative_to(root).as_posix()


def read_plainly(root: Path, path: str, max_bytes: int) -> bytes | str:
    """The bytes at `path` from `root` (which is resolved), or why they may not be read."""
    if Path(path).is_absolute() or ".." in Path(path).parts or "\\" in path:
        return "leads out of the folder; write it from the folder's root"
    try:
        real = (root / path).resolve(strict=True)
        if not real.is_relative_to(root):
            return f"is a link out of the folder, to {real}"
        status = real.stat()
        if not stat.S_ISREG(status.st_mode):
            return "is not a plain file"
        if status.st_size > max_bytes:
            return f"has {status.st_size} bytes; at most {max_bytes} are taken"
        data = real.read_bytes()
    except (OSError, RuntimeError) as error:
        return f"cannot be read: {error}"
    return data if len(data) <= max_bytes else f"has more than {max_bytes} bytes"
