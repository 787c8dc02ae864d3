"""Settings and where they come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekisho.kernel.errors import Invalid
from sekisho.kernel.settings import load_settings


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


def test_secrets_are_masked(tmp_path: Path) -> None:
    """A token is never shown, and a database URL only without its password."""
    url = "postgresql+asyncpg://sekisho:hunter2@db/sekisho"
    _, sources = load_settings({"SEKISHO_TOKEN": "sks_x", "SEKISHO_DATABASE_URL": url}, tmp_path)
    shown = {one.name: one.shown for one in sources}
    assert shown["token"] == "********"
    assert shown["database_url"] == "postgresql+asyncpg://sekisho:********@db/sekisho"
