"""Where the data trees stand: inside the wheel under ``_data/``, in a checkout at the repository's root."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def tree(name: str) -> Path:
    """The folder (or file) of that name: ``migrations``, ``policies``, ``evals`` or ``alembic.ini``.

    Raises FileNotFoundError where the installation is incomplete.
    """
    package = Path(str(files("sekisho")))
    for place in (package / "_data" / name, package.parents[1] / name):
        if place.exists():
            return place
    raise FileNotFoundError(f"{name} is neither in the installed package nor beside it; reinstall sekisho")
