"""The demo, mended and measured once; every walk has a copy of its own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.remedies.walk import Scene, opened, prepare


@pytest.fixture(scope="session")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a minute on a quiet machine: an index is built and three suites run."""
    folder: Path = tmp_path_factory.mktemp("mended")
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, prepare(folder)).result()
    return folder


@pytest.fixture
async def scene(mended: Path, tmp_path: Path) -> AsyncIterator[Scene]:
    """A server of its own on a copy."""
    folder = tmp_path / "demo"
    shutil.copytree(mended, folder)
    async with opened(folder) as scene:
        yield scene
