"""Reading a folder of texts on the caller's side, before anything is sent; all that is wrong is named at once."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.registry.content import text_problem

MEDIA_TYPES: Final = {
    ".md": "text/markdown", ".markdown": "text/markdown", ".html": "text/html", ".htm": "text/html",
    ".csv": "text/csv", ".rst": "text/x-rst",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A text file; `path` leads to it from the folder's root, with '/' between steps."""

    path: str
    data: bytes
    digest: str
    media_type: str


def read_folder(root: Path, *, max_bytes: int, include: Sequence[str] = ("*",)) -> tuple[FolderFile, ...]:
    """Every file under `root` whose path matches one of the patterns (``*`` also crosses folders), sorted by path.

    Names that begin with a dot are left out. Raises `Invalid`, naming every file that is a link out of the root,
    over `max_bytes`, binary, not UTF-8, or not a plain file.
    """
    if not root.is_dir():
        raise Invalid(f"{root} is not a folder", fields=[FieldError("$.path", "name a folder that exists")])
    found = [path for path in _walk(root) if any(fnmatchcase(path, pattern) for pattern in include)]
    return read_files(root, found, max_bytes=max_bytes)


def read_files(root: Path, paths: Sequence[str], *, max_bytes: int) -> tuple[FolderFile, ...]:
    """The files at these paths from `root`, sorted by path. Raises `Invalid` as `read_folder` does, and for a path
    that leads out of the root."""
    files: list[FolderFile] = []
    wrong: list[FieldError] = []
    for path in sorted(set(paths)):
        read = _read(root.resolve(), path, max_bytes)
        if isinstance(read, str):
            wrong.append(FieldError(path, read))
        else:
            media_type = MEDIA_TYPES.get(Path(path).suffix.lower(), "text/plain")
            files.append(FolderFile(path, read, digest_of_bytes(read), media_type))
    if not files and not wrong:
        wrong.append(FieldError("$.path", "there is no file in it"))
    if wrong:
        raise Invalid(f"{root} cannot be a corpus as it is", fields=wrong, remedy="mend or leave out the files named")
    return tuple(files)


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root, followlinks=False):
        here = Path(folder)
        linked = [name for name in folders if (here / name).is_symlink()]
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in linked)
        for name in sorted([*names, *linked]):
            if not name.startswith("."):
                yield (here / name).relative_to(root).as_posix()


def _read(root: Path, path: str, max_bytes: int) -> bytes | str:
    """The bytes, or why they may not be read."""
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
    if len(data) > max_bytes:
        return f"has more than {max_bytes} bytes"
    return text_problem(data) or data
