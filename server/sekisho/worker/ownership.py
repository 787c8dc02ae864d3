"""One owner for an embedded Chroma: a second process on the same folder would miss what the first one writes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sekisho.kernel.errors import Conflict

LOCK: Final = "worker.lock"


@contextmanager
def sole_owner(data_dir: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises `Conflict` where a living process has it; a killed one leaves it free."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise Conflict(
                f"another worker (process {file.read().strip() or 'unknown'}) owns the vectors in {data_dir.resolve()}",
                remedy="stop it first, or set SEKISHO_CHROMA_URL: a Chroma server takes any number of workers",
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
