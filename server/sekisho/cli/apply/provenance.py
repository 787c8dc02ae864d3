"""Who brings a change, from which commit and CI run: from options, else the environment, else git."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of one act of registering. Empty means unknown."""

    author: str = ""
    message: str = ""
    commit: str = ""
    ci_run: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def provenance(file: Path, environ: Mapping[str, str], given: Said) -> Said:
    """`given` (from options) wins over the environment of a CI job, and that over what git says of `file`'s folder."""
    git = _from_git(file)
    return Said(
        author=given.author or git.author,
        message=given.message or git.message,
        commit=given.commit or environ.get("GITHUB_SHA") or environ.get("CI_COMMIT_SHA") or git.commit,
        ci_run=given.ci_run or _github_run(environ) or environ.get("CI_JOB_URL", ""),
    )


def _github_run(environ: Mapping[str, str]) -> str:
    parts = [environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
    return f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else ""


def _from_git(file: Path) -> Said:
    """The last commit, where `file` is tracked; ``-dirty`` is added where the folder differs from it."""
    folder = file.resolve().parent
    if _git(folder, "ls-files", "--error-unmatch", file.name) is None:
        return Said()
    log = _git(folder, "log", "-1", "--format=%H%x00%an <%ae>%x00%s")
    if log is None or log.count("\0") != 2:
        return Said()
    commit, author, message = log.strip("\n").split("\0")
    dirty = _git(folder, "status", "--porcelain", "--", ".")
    return Said(author=author, message=message, commit=f"{commit}-dirty" if dirty else commit)


def _git(folder: Path, *words: str) -> str | None:
    """What git prints; None where it is not installed, or says no."""
    try:
        done = subprocess.run(  # noqa: S603  # our own words
            ["git", "-C", str(folder), *words],  # noqa: S607  # the git of whoever calls
            capture_output=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", errors="replace")
