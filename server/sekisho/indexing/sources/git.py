"""Files of a git commit, by the git executable, from the objects and never from a working tree."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sekisho.indexing.sources.types import Limits, Original, Refused
from sekisho.kernel.errors import FieldError, Invalid, Unavailable

COMMIT: Final = re.compile(r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")
_REMOTE: Final = re.compile(r"^(?:https?|ssh|git)://|^[\w.-]+@[\w.-]+:")
_TIMEOUT_S: Final = 300
_LFS: Final = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of ``git ls-tree``."""

    mode: str
    kind: str
    object_id: str
    size: int
    path: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of a repository on this machine. `name` is how its declaration writes the repository."""

    folder: Path
    name: str
    commit: str

    def entries(self, path: str) -> Iterator[Entry]:
        """Everything under `path`, which may be a file."""
        words = ["ls-tree", "-r", "-z", "-l", "--full-tree", self.commit, *(["--", path] if path else [])]
        for line in _git(self.folder, *words).split(b"\0"):
            if line:
                head, _, name = line.partition(b"\t")
                mode, kind, object_id, size = head.decode().split()
                yield Entry(mode, kind, object_id, 0 if size == "-" else int(size), name.decode("utf-8", "replace"))

    def blob(self, object_id: str) -> bytes:
        return _git(self.folder, "cat-file", "blob", object_id)

    def blobs(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
        """The bytes of each entry, out of one process of git for all of them."""
        with subprocess.Popen(  # noqa: S603  # our own words
            _command(self.folder, ["cat-file", "--batch"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        ) as process:
            assert process.stdin is not None  # noqa: S101  # both are pipes, as said above
            assert process.stdout is not None  # noqa: S101
            for entry in entries:
                process.stdin.write(f"{entry.object_id}\n".encode())
                process.stdin.flush()
                head = process.stdout.readline().split()
                if len(head) != 3 or head[1] != b"blob":
                    raise _wrong("$.commit", f"the repository lacks the bytes of {entry.path}")
                yield entry, process.stdout.read(int(head[2]) + 1)[:-1]
            process.stdin.close()

    def time(self) -> int:
        """The committer's time, in epoch milliseconds."""
        return 1000 * int(_git(self.folder, "show", "--no-patch", "--format=%ct", self.commit).split()[0])

    def uri(self, path: str) -> str:
        return f"git:{self.name}@{self.commit}#{path}"


@contextmanager
def commit_of(repository: str, commit: str, base: Path) -> Iterator[Commit]:
    """The commit, of a folder below `base` or anywhere, or of a remote that is cloned for the while.

    Raises `Invalid` where there is no such commit, and `Unavailable` where git or the remote is not there.
    """
    if not COMMIT.match(commit):
        raise _wrong("$.commit", f"{commit!r} is not the full hexadecimal id of a commit; a branch moves")
    if repository.startswith("-"):
        raise _wrong("$.repository", "is an option of git, not a repository")
    if _REMOTE.match(repository):
        with tempfile.TemporaryDirectory(prefix="sekisho-git-") as scratch:
            folder = Path(scratch) / "repository"
            _git(Path(scratch), "clone", "--quiet", "--bare", "--", repository, str(folder))
            yield _checked(Commit(folder, repository, commit))
    else:
        yield _checked(Commit(base / repository, repository, commit))


def git_files(commit: Commit, path: str, limits: Limits) -> Iterator[Original | Refused]:
    """The files under `path`, named from there. Links, submodules and pointers of Git LFS are refused."""
    time, within = commit.time(), path.strip("/")
    entries = list(commit.entries(within))
    if not entries:
        raise _wrong("$.path", f"the commit has nothing at {path!r}")
    good = [entry for entry in entries if _problem(entry, limits) is None]
    yield from (
        Refused(_name(entry, within), str(_problem(entry, limits))) for entry in entries if _problem(entry, limits)
    )
    for entry, data in commit.blobs(good):
        if data.startswith(_LFS):
            yield Refused(_name(entry, within), "is a pointer of Git LFS: the commit does not hold its bytes")
        else:
            yield Original(_name(entry, within), data, commit.uri(entry.path), time)


def _name(entry: Entry, within: str) -> str:
    return entry.path.rpartition("/")[2] if entry.path == within else entry.path.removeprefix(f"{within}/")


def _problem(entry: Entry, limits: Limits) -> str | None:
    if entry.mode == "120000":
        return "is a link"
    if entry.kind != "blob":
        return "is a submodule"
    over = entry.size > limits.original_bytes
    return f"has {entry.size} bytes; at most {limits.original_bytes} are taken" if over else None


def _checked(commit: Commit) -> Commit:
    if not commit.folder.is_dir():
        raise _wrong("$.repository", f"{commit.name!r} is not a folder")
    try:
        _git(commit.folder, "cat-file", "-e", f"{commit.commit}^{{commit}}")
    except Invalid as error:
        raise _wrong("$.commit", f"{commit.name} has no commit {commit.commit}") from error
    return commit


def _git(folder: Path, *words: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603  # no shell, and no word of it can be an option but ours
            _command(folder, words), capture_output=True, timeout=_TIMEOUT_S, check=False, env=_environment()
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"git gave no answer: {error}", remedy="install git, or look at the remote") from error
    if done.returncode:
        words_of_git = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise _wrong("$.repository", f"git says: {words_of_git[-1] if words_of_git else 'no'}")
    return done.stdout


def _environment() -> dict[str, str]:
    # Replacement refs would show other bytes under a commit's id; a prompt for a password would wait for ever.
    return os.environ | {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def _command(folder: Path, words: Sequence[str]) -> list[str]:
    return ["git", "-C", str(folder), "-c", "protocol.ext.allow=never", "-c", "core.fsmonitor=false", *words]


def _wrong(path: str, message: str) -> Invalid:
    return Invalid("the git source cannot be read", fields=[FieldError(path, message)])
