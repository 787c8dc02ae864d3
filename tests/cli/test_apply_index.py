"""`sekisho apply` with an index: built by a real worker, once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.projects import WITH_AGENT, changed, write

from sekisho.cli.demo.server import Server, free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def environment(data_dir: Path) -> dict[str, str]:
    """Settings of a server of its own, and nothing of whoever runs the tests."""
    return {
        **{name: "" for name in os.environ if name.startswith("SEKISHO_")},
        "SEKISHO_DATA_DIR": str(data_dir),
        "SEKISHO_PORT": str(free_port("127.0.0.1", 0, exactly=False)),
    }


@pytest.fixture
def server(environment: dict[str, str], data_dir: Path) -> Iterator[Server]:
    plain = {name: value for name, value in environment.items() if value}
    with Server(f"http://127.0.0.1:{plain['SEKISHO_PORT']}", plain, data_dir / "log") as server:
        yield server


def apply(file: Path, environment: dict[str, str]) -> dict[str, Any]:
    """What `apply --json` gives, as the first admin."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SEKISHO_")}
    plain = {name: value for name, value in environment.items() if value}
    done = subprocess.run(
        [sys.executable, "-m", "sekisho.cli", "apply", str(file), "--author", "Ada", "--json"],
        env={**mine, **plain},
        cwd=file.parent,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_an_index_is_built_once_and_again_where_its_recipe_changes(
    server: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    """The second apply asks no worker; another retriever is another index, made without embedding anything again."""
    folder = tmp_path / "project"
    folder.mkdir()
    file = write(folder, WITH_AGENT)
    first = {one["label"]: one for one in apply(file, environment)["versions"]}
    assert first["index/pages"]["state"] == first["agent/helper"]["state"] == "new"
    lock = (folder / "sekisho.lock").read_bytes()
    assert apply(file, environment)["changed"] is False
    assert (folder / "sekisho.lock").read_bytes() == lock
    write(folder, changed(WITH_AGENT, "index.pages.retriever", {"mode": "hybrid", "rrf_k": 60}))
    second = {one["label"]: one for one in apply(file, environment)["versions"]}
    assert (second["index/pages"]["number"], second["agent/helper"]["number"]) == (2, 2)
    assert " 0 embedded" in second["index/pages"]["note"]
    assert second["corpus/pages"]["state"] == "unchanged"
    assert server.running
