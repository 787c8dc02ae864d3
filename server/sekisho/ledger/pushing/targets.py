"""Places that keep checkpoints: a file, a file in a git repository, a webhook.

The first two hold one checkpoint a line, as `sekisho ledger checkpoint --out` writes them; a webhook receives each as a
JSON object of the same form. `sekisho ledger verify --checkpoint` takes any of them.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from sekisho.kernel.errors import FieldError, Invalid, Unavailable
from sekisho.ledger.keeping import keep_checkpoint, last_line
from sekisho.ledger.pushing.types import Target
from sekisho.ledger.types import Checkpoint

LINES: Final = "sekisho-checkpoints.jsonl"
"""The file in a git repository, where the setting names no other."""
PATIENCE_S: Final = 60
FORMS: Final = "file:/path/to/file, git:/path/to/clone, git:/path/to/clone#file, or https://host/path"
_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class FileTarget:
    """A file, on a disk or mount that the server may only append to where that can be had."""

    path: Path

    @property
    def name(self) -> str:
        return f"file:{self.path}"

    async def last(self) -> bytes | None:
        return await asyncio.to_thread(last_line, self.path)

    async def push(self, checkpoint: Checkpoint) -> None:
        await asyncio.to_thread(_keep, self.path, checkpoint)


@dataclass(frozen=True, slots=True)
class GitTarget:
    """A file in a clone: each checkpoint is a commit, pushed to the remote where the clone has one.

    Only a remote that takes no forced pushes from us keeps the past; the clone itself is the server owner's.
    """

    clone: Path
    file: str = LINES

    @property
    def name(self) -> str:
        return f"git:{self.clone}#{self.file}"

    async def last(self) -> bytes | None:
        return await asyncio.to_thread(last_line, self.clone / self.file)

    async def push(self, checkpoint: Checkpoint) -> None:
        await asyncio.to_thread(self._push, checkpoint)

    def _push(self, checkpoint: Checkpoint) -> None:
        """Each step does nothing where an earlier, interrupted push has done it."""
        if Path(self._git("rev-parse", "--show-toplevel")).resolve() != self.clone.resolve():
            raise Invalid(f"{self.clone} is not the top of a git clone", remedy="git clone the repository there")
        _keep(self.clone / self.file, checkpoint)
        if self._git("status", "--porcelain", "--", self.file):
            self._git("add", "--", self.file)
            self._git("commit", "--message", f"Checkpoint of {checkpoint.size} entries", "--", self.file)
        if remote := self._git("remote").partition("\n")[0]:
            self._git("push", remote, "HEAD")

    def _git(self, *words: str) -> str:
        # Our own variables only: one of an outer git would lead it to another repository.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        command = ["git", "-C", str(self.clone), "-c", "user.name=Sekisho", "-c", "user.email=sekisho@localhost"]
        try:
            done = subprocess.run(  # noqa: S603 (the operator's own git, with our arguments)
                [*command, *words], env={**environment, "GIT_TERMINAL_PROMPT": "0"}, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=PATIENCE_S, check=False,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise Invalid("git is not installed here", remedy="install git beside the worker") from error
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"git {words[0]} in {self.clone} took longer than {PATIENCE_S} s") from error
        if done.returncode != 0:
            raise Unavailable(f"git {words[0]} in {self.clone} failed: {done.stderr.strip()[-500:]}")
        return done.stdout.strip()


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """An address that takes a checkpoint as JSON by POST. Its key, origin and size, says which are the same."""

    url: str

    @property
    def name(self) -> str:
        """Without user, password and query, which may be secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    async def last(self) -> bytes | None:
        return None

    async def push(self, checkpoint: Checkpoint) -> None:
        import httpx  # only the worker pushes; the API starts without it

        headers = {"Idempotency-Key": f"{checkpoint.origin}/{checkpoint.size}"}
        try:
            async with httpx.AsyncClient(timeout=PATIENCE_S, follow_redirects=False) as client:
                answer = await client.post(self.url, json=asdict(checkpoint), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(f"{self.name} did not take the checkpoint: {type(error).__name__}") from error
        if not answer.is_success:
            raise Unavailable(f"{self.name} did not take the checkpoint: it answered {answer.status_code}")


def _keep(file: Path, checkpoint: Checkpoint) -> None:
    with _alone(file):
        keep_checkpoint(file, asdict(checkpoint))


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Several workers may push to one file, each line whole."""
    try:
        with file.open("ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise Invalid(f"the checkpoint cannot be written to {file}: {error.strerror}") from error


def targets_of(texts: Iterable[str]) -> tuple[Target, ...]:
    """The targets that the settings name. Raises `Invalid`, naming each that is none."""
    found: list[Target] = []
    wrong: list[FieldError] = []
    for text in texts:
        target = _target(text)
        if target is None or len(target.name) > _NAME or target.name in {other.name for other in found}:
            problem = f"write each once, as {FORMS}, with at most {_NAME} characters"
            wrong.append(FieldError("$.checkpoint_targets", f"{text.partition('?')[0][:80]!r}: {problem}"))
        else:
            found.append(target)
    if wrong:
        raise Invalid("a place for checkpoints is not valid", fields=wrong, remedy="see SEKISHO_CHECKPOINT_TARGETS")
    return tuple(found)


def _target(text: str) -> Target | None:
    scheme, _, rest = text.partition(":")
    if scheme == "file" and rest.startswith("/"):
        return FileTarget(Path(rest))
    if scheme == "git" and rest.startswith("/"):
        clone, _, file = rest.partition("#")
        inside = not Path(file).is_absolute() and ".." not in Path(file).parts and ".git" not in Path(file).parts
        return GitTarget(Path(clone), file or LINES) if inside else None
    if scheme in ("http", "https") and urlsplit(text).hostname:
        return WebhookTarget(text)
    return None
