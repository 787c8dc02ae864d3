"""Settings and where they come from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sekisho.cli import main
from sekisho.kernel.errors import Invalid
from sekisho.kernel.settings import OTHER_VARIABLES, Settings, load_settings


def test_the_environment_wins_over_the_file_over_the_default(tmp_path: Path) -> None:
    """And each value says where it came from."""
    (tmp_path / "sekisho.toml").write_text('port = 9000\nlog_level = "warning"\n')
    settings, sources = load_settings({"SEKISHO_PORT": "9001", "SEKISHO_OLLAMA_HOSTS": "http://a, http://b"}, tmp_path)
    origin = {one.name: one.source for one in sources}
    assert (settings.port, origin["port"]) == (9001, "SEKISHO_PORT")
    assert (settings.log_level, origin["log_level"]) == ("warning", str(tmp_path / "sekisho.toml"))
    assert (settings.host, origin["host"]) == ("127.0.0.1", "default")
    assert settings.ollama_hosts == ("http://a", "http://b")


def test_every_wrong_setting_is_named_with_its_source(tmp_path: Path) -> None:
    """Unknown names and ill-typed values, all at once."""
    (tmp_path / "sekisho.toml").write_text('prot = 9000\npolicy_engine = "wasm"\n')
    with pytest.raises(Invalid) as caught:
        load_settings({"SEKISHO_PORT": "seventy"}, tmp_path)
    assert {field.path for field in caught.value.fields} == {"$.prot", "$.policy_engine", "$.port"}
    assert "SEKISHO_PORT" in str(caught.value)


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("SEKISHO_POLICY_ENGIN", "SEKISHO_POLICY_ENGINE"),
        ("SEKISHO_OLLAMA_HOST", "SEKISHO_OLLAMA_HOSTS"),
        ("SEKISHO_PROJCT", "SEKISHO_PROJECT"),
        ("SEKISHO_policy_engine", "SEKISHO_POLICY_ENGINE"),
        ("SEKISHO_", "unknown variable"),
    ],
)
def test_a_variable_that_nobody_reads_is_refused(misspelt: str, meant: str, tmp_path: Path) -> None:
    """A misspelt name would leave a default in force; the closest known name is told."""
    with pytest.raises(Invalid) as caught:
        load_settings({misspelt: "opa"}, tmp_path)
    assert [field.path for field in caught.value.fields] == [misspelt]
    assert meant in caught.value.fields[0].message


def test_variables_of_other_parts_are_let_pass(tmp_path: Path) -> None:
    """Options of the CLI, the compose file's and the tests' variables are no settings, and no mistakes."""
    others = {**dict.fromkeys(OTHER_VARIABLES, "x"), "SEKISHO_TEST_OPA_URL": "x", "PATH": "x", "SEKISHOX": "x"}
    others |= {"SEKISHO_API_PORT": "tcp://10.0.0.1:80", "SEKISHO_API_SERVICE_HOST": "10.0.0.1"}  # of Kubernetes
    settings, _ = load_settings(others, tmp_path)
    assert settings == Settings()


def test_the_help_lists_every_setting() -> None:
    """With its name in the environment, its meaning, what it takes and its default."""
    told = CliRunner().invoke(main, ["settings", "--help"]).stdout
    for name in Settings.__struct_fields__:
        assert f"SEKISHO_{name.upper()}" in told
    words = " ".join(told.split())
    assert "Which engine decides: regorus in a child process" in words
    assert "[regorus or opa; default: regorus]" in words
    assert "[number; default: 8321]" in words


def test_wrong_settings_leave_the_others_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sekisho settings` prints what it can, names what is wrong, and exits with 2; other commands do not start."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sekisho.toml").write_text('prt = 1\nlog_level = "debug"\n')
    environment = {"SEKISHO_PORT": "many", "SEKISHO_POLICY_ENGIN": "opa"}
    told = CliRunner().invoke(main, ["settings", "--json"], env=environment)
    shown = {item["name"]: (item["value"], item["source"]) for item in json.loads(told.stdout)["settings"]}
    assert told.exit_code == 2
    assert (shown["port"], shown["log_level"][0]) == (("8321", "default"), "debug")
    assert all(word in told.stderr for word in ("$.prt", "did you mean port?", "$.port", "SEKISHO_POLICY_ENGINE"))
    refused = CliRunner().invoke(main, ["policy", "digest"], env=environment)
    assert refused.exit_code == 2


def test_secrets_are_masked(tmp_path: Path) -> None:
    """A token is never shown, and a database URL only without its password."""
    url = "postgresql+asyncpg://sekisho:hunter2@db/sekisho"
    _, sources = load_settings({"SEKISHO_TOKEN": "sks_x", "SEKISHO_DATABASE_URL": url}, tmp_path)
    shown = {one.name: one.shown for one in sources}
    assert shown["token"] == "********"
    assert shown["database_url"] == "postgresql+asyncpg://sekisho:********@db/sekisho"


def test_a_host_is_an_address(tmp_path: Path) -> None:
    """A JSON list, or a name without a scheme, is refused at the start, and not by the first request."""
    for text in ('["http://127.0.0.1:11434"]', "127.0.0.1:11434"):
        with pytest.raises(Invalid) as error:
            load_settings({"SEKISHO_OLLAMA_HOSTS": text}, tmp_path)
        assert [field.path for field in error.value.fields] == ["$.ollama_hosts"]
    read, _ = load_settings({"SEKISHO_OLLAMA_HOSTS": "http://a:11434,https://b"}, tmp_path)
    assert read.ollama_hosts == ("http://a:11434", "https://b")
