"""The lock: what a commit means."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.cli.lock import Lock, read_lock, read_lock_or_empty, write_lock
from sekisho.cli.session import exit_code_of
from sekisho.kernel.errors import Invalid, NotFound

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", "$.schema"),
        ('schema = "sekisho.lock/v2"\nproject = "default"\n[versions]\n', "$.schema"),
        ('schema = "sekisho.lock/v1"\nproject = "No"\n[versions]\n', "$.project"),
        ('schema = "sekisho.lock/v1"\nproject = 7\n[versions]\n', "$.project"),
        ('schema = "sekisho.lock/v1"\nproject = "default"\n', "$.versions"),
        ('schema = "sekisho.lock/v1"\nproject = "default"\nmore = 1\n[versions]\n', "$.more"),
        (f'schema = "sekisho.lock/v1"\nproject = "default"\n[versions]\n"thing/a" = "{A}"\n', "$.versions.thing/a"),
        (f'schema = "sekisho.lock/v1"\nproject = "default"\n[versions]\n"p/agent/a" = "{A}"\n', "$.versions.p/agent/a"),
        ('schema = "sekisho.lock/v1"\nproject = "default"\n[versions]\n"agent/a" = "v1"\n', "$.versions.agent/a"),
        ("<<<<<<< ours\n", "$"),
    ],
)
def test_what_is_no_lock_is_refused_by_place(tmp_path: Path, text: str, path: str) -> None:
    """A lock that was edited, or holds a merge conflict, decides nothing."""
    (tmp_path / "sekisho.lock").write_text(text)
    with pytest.raises(Invalid) as refused:
        read_lock(tmp_path / "sekisho.lock")
    assert path in {field.path for field in refused.value.fields}


def test_no_lock_and_an_unknown_name_exit_2(tmp_path: Path) -> None:
    """Without a selector there is nothing to fall back to: never `latest`."""
    with pytest.raises(NotFound) as absent:
        read_lock(tmp_path / "sekisho.lock")
    with pytest.raises(NotFound, match="does not hold agent/b") as unknown:
        Lock(tmp_path, "default", {"agent/a": A}).digest("agent/b")
    assert {exit_code_of(absent.value), exit_code_of(unknown.value)} == {2}
    assert read_lock_or_empty(tmp_path / "sekisho.lock").labels == ()


def test_writing_the_same_again_touches_nothing(tmp_path: Path) -> None:
    """The bytes depend on the versions alone, not on the order in which they were registered."""
    path = tmp_path / "sekisho.lock"
    assert write_lock(Lock(path, "default", {"agent/a": A, "prompt/a": B}))
    before = path.stat().st_mtime_ns
    assert not write_lock(Lock(path, "default", {"prompt/a": B, "agent/a": A}))
    assert path.stat().st_mtime_ns == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["sekisho.lock"]


names = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?", fullmatch=True)
digests = st.integers(0, 2**256 - 1).map(lambda n: f"sha256:{n:064x}")


@given(st.dictionaries(st.builds("agent/{}".format, names), digests, max_size=5), names)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, versions: dict[str, str], name: str) -> None:
    """Any versions survive the file."""
    path = tmp_path_factory.mktemp("lock") / "sekisho.lock"
    write_lock(Lock(path, name, versions))
    assert read_lock(path) == Lock(path, name, versions)
