"""The wheel, and what an installation with and without its extras can do."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import pytest
from tests.packaging.installation import CHECKOUT, Installation, build_wheel, install

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """`pip install sekisho`."""
    return install(wheel, tmp_path_factory.mktemp("light"))


@pytest.fixture(scope="module")
def server(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """`pip install 'sekisho[server]'`."""
    return install(wheel, tmp_path_factory.mktemp("server"), ["server"])


def test_the_wheel_carries_the_trees(wheel: Path) -> None:
    """Migrations, policies and evals are in it, file by file, with the mark that our types may be trusted."""
    names = set(zipfile.ZipFile(wheel).namelist())
    for tree in ("migrations", "policies", "evals"):
        for path in (CHECKOUT / tree).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"sekisho/_data/{path.relative_to(CHECKOUT)}" in names
    assert {"sekisho/py.typed", "sekisho/http/examples.yaml", "sekisho/_data/alembic.ini"} <= names
    templates = CHECKOUT / "server/sekisho/evaluation/reports/templates"
    assert {f"sekisho/evaluation/reports/templates/{path.name}" for path in templates.iterdir()} <= names
    assert not [name for name in names if name.startswith("tests/") or name.endswith((".pyc", ".pem", ".token"))]


def test_the_command_line_works_alone(light: Installation, tmp_path: Path) -> None:
    """Help of every command, without any of the server's packages."""
    told = light.run("--help", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    commands = [line.split()[0] for line in told.stdout.partition("Commands:\n")[2].splitlines() if line[2:3].strip()]
    assert {"up", "serve", "worker", "db", "settings", "apply", "eval", "promote", "resolve", "verify", "demo"} <= set(
        commands
    )
    for command in commands:
        assert light.run(command, "--help", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("words", "extra"),
    [("serve", "server"), ("up", "server"), ("db upgrade", "server"), ("db check", "server"), ("worker", "worker")],
)
def test_a_command_without_its_extra_says_which(light: Installation, tmp_path: Path, words: str, extra: str) -> None:
    """The message is the very line to type; the exit code is the one for usage."""
    told = light.run(*words.split(), cwd=tmp_path)
    assert told.returncode == 2, told.stderr
    assert f"pip install 'sekisho[{extra}]'" in told.stderr
    assert "Traceback" not in told.stderr


def test_verifying_offline_without_its_extra_says_which(light: Installation, tmp_path: Path) -> None:
    """`verify` needs no server, but a library of signatures."""
    for name in ("attestation.json", "key.pem"):
        (tmp_path / name).write_text("{}")
    told = light.run("verify", "attestation.json", "--key", "key.pem", cwd=tmp_path)
    assert told.returncode == 2, told.stderr
    assert "pip install 'sekisho[verify]'" in told.stderr


def test_a_client_without_a_server_says_how_to_start_one(light: Installation, tmp_path: Path) -> None:
    """The exit code is that of a server error."""
    told = light.run("resolve", "agent/docs@production", cwd=tmp_path, env={"SEKISHO_PORT": "9"})
    assert told.returncode == 4
    assert "sekisho up" in told.stderr


def test_settings_say_where_they_come_from(light: Installation, tmp_path: Path) -> None:
    """Default, file and environment; secrets and passwords are masked."""
    (tmp_path / "sekisho.toml").write_text('port = 9000\nhost = "0.0.0.0"\n')
    env = {
        "SEKISHO_PORT": "9001",
        "SEKISHO_TOKEN": "sks_very_secret",
        "SEKISHO_DATABASE_URL": "postgresql+asyncpg://me:very_secret@db/x",
    }
    told = light.run("--json", "settings", cwd=tmp_path, env=env)
    found = {item["name"]: item for item in json.loads(told.stdout)["settings"]}
    assert "very_secret" not in told.stdout
    assert (found["port"]["value"], found["port"]["source"]) == ("9001", "SEKISHO_PORT")
    assert (found["host"]["value"], found["host"]["source"]) == ("0.0.0.0", str(tmp_path / "sekisho.toml"))
    assert found["log_level"]["source"] == "default"
    assert "SEKISHO_PORT" in light.run("settings", cwd=tmp_path, env=env).stdout


def test_wrong_settings_are_refused_with_their_names(light: Installation, tmp_path: Path) -> None:
    """Every one of them, and where it stands."""
    (tmp_path / "sekisho.toml").write_text('prot = 9000\nhost = "0.0.0.0"\n')
    told = light.run("settings", cwd=tmp_path, env={"SEKISHO_PORT": "many"})
    assert told.returncode == 2
    assert "$.prot" in told.stderr
    assert "SEKISHO_PORT" in told.stderr


def test_the_servers_extra_migrates_and_builds_the_api(server: Installation, tmp_path: Path) -> None:
    """From the wheel's own trees, and without torch, Chroma or numpy: those belong to the worker."""
    assert server.run("db", "upgrade", cwd=tmp_path).returncode == 0
    checked = server.run("db", "check", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    script = (
        "import os, pathlib, sys\n"
        "from sekisho.http.app import create_app\n"
        "from sekisho.kernel.settings import load_settings\n"
        "from sekisho.wiring.services import build_services\n"
        "app = create_app(build_services(load_settings(os.environ, pathlib.Path.cwd())[0]))\n"
        "app.openapi_schema\n"
        "print(sorted({'torch', 'chromadb', 'numpy', 'sentence_transformers', 'bm25s'} & set(sys.modules)))"
    )
    told = server.python(script, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip() == "[]"
    refused = server.run("up", cwd=tmp_path)
    assert "pip install 'sekisho[worker]'" in refused.stderr


def test_the_interpreter_is_not_told_of_the_checkout(light: Installation, tmp_path: Path) -> None:
    """What these tests run is the wheel, not the source tree beside it."""
    told = light.python("import sekisho; print(sekisho.__file__)", cwd=tmp_path)
    assert Path(told.stdout.strip()).is_relative_to(light.folder)
    assert sys.prefix not in told.stdout
