"""Installations as a user has them: the built wheel in a fresh environment that holds one extra's packages only.

Nothing is downloaded: the packages are links to those of the environment that runs the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[2]


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True)
    (wheel,) = folder.glob("sekisho-*.whl")
    return wheel


@dataclass(frozen=True)
class Installation:
    """One environment. `run` starts its `sekisho`; `python` a script in it."""

    folder: Path

    def run(self, *words: str, cwd: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return self._call([str(self.folder / "bin" / "sekisho"), *words], cwd, env or {})

    def python(self, script: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        return self._call([str(self.folder / "bin" / "python"), "-c", script, *words], cwd, {})

    def _call(self, command: list[str], cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("SEKISHO_", "PYTHON"))}
        # Wide, so that no sentence is broken where a test looks for it.
        return subprocess.run(
            command,
            cwd=cwd,
            env={**bare, "COLUMNS": "300", **env},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def install(wheel: Path, folder: Path, extras: Iterable[str] = ()) -> Installation:
    """The wheel, installed with what its base and these extras require."""
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
    subprocess.run([*command, "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True)
    for needed in closure(extras):
        _link(needed, site)
    return Installation(folder)


def closure(extras: Iterable[str]) -> list[Distribution]:
    """What `sekisho` with these extras pulls in, and all that those pull in."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    queue = [("sekisho", extra) for extra in ("", *extras)]
    while queue:
        name, extra = queue.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # for another platform
            continue
        for text in found[name].requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                queue += [(canonicalize_name(requirement.name), wanted) for wanted in ("", *requirement.extras)]
    del found["sekisho"]
    return list(found.values())


def _link(package: Distribution, site: Path) -> None:
    for top in {Path(str(file)).parts[0] for file in package.files or []}:
        if top != ".." and top != "__pycache__" and not (site / top).exists():
            (site / top).symlink_to(Path(str(package.locate_file(top))).resolve())
