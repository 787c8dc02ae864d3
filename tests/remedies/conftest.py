"""The demo, mended and measured once; every walk has a copy of its own."""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.remedies.walk import prepare


@pytest.fixture(scope="session")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a minute on a quiet machine: an index is built and three suites run."""
    folder: Path = tmp_path_factory.mktemp("mended")
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, prepare(folder)).result()
    return folder


@pytest.fixture
def demo(mended: Path, tmp_path: Path) -> Path:
    """A copy of its own."""
    folder = tmp_path / "demo"
    shutil.copytree(mended, folder)
    return folder
