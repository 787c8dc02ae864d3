"""Reading plain files of a folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.errors import Invalid
from sekisho.registry.folders import paths_below, read_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "corpus"
    (root / "en").mkdir(parents=True)
    (root / "en" / "b.md").write_text("# B\n")
    (root / "a.txt").write_text("関所")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_bytes(b"\x00")
    (tmp_path / "secret.txt").write_text("secret")
    return root


def refused(root: Path) -> dict[str, str]:
    with pytest.raises(Invalid) as error:
        read_files(root, list(paths_below(root)), max_bytes=100)
    return {field.path: field.message for field in error.value.fields}


def test_everything_that_is_wrong_is_named_at_once(folder: Path) -> None:
    """Links out, binaries, files too large, other encodings and special files are refused in one go."""
    (folder / "link.md").symlink_to(folder.parent / "secret.txt")
    (folder / "linked").symlink_to(folder.parent, target_is_directory=True)
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "image.md").write_bytes(b"\x89PNG\x00")
    (folder / "big.md").write_bytes(b"x" * 101)
    (folder / "latin.md").write_bytes("é".encode("latin-1"))
    os.mkfifo(folder / "pipe")
    found = refused(folder)
    assert found.keys() == {"link.md", "linked", "loop", "image.md", "big.md", "latin.md", "pipe"}
    assert "out of the folder" in found["link.md"]
    assert "101 bytes" in found["big.md"]


@pytest.mark.parametrize("path", ["../secret.txt", "/etc/passwd", "en/../../secret.txt", "absent.md"])
def test_a_path_outside_the_root_is_refused(folder: Path, path: str) -> None:
    """A path that climbs, is absolute or is not there is named."""
    with pytest.raises(Invalid) as error:
        read_files(folder, ["a.txt", path], max_bytes=100)
    assert [field.path for field in error.value.fields] == [path]


def test_a_folder_is_read_in_the_order_of_its_paths(folder: Path) -> None:
    """Hidden names are left out; a link that stays inside is read."""
    (folder / "inner.md").symlink_to(folder / "en" / "b.md")
    found = read_files(folder, list(paths_below(folder)), max_bytes=100)
    assert [file.path for file in found] == ["a.txt", "en/b.md", "inner.md"]
    assert found[1].digest == found[2].digest == digest_of_bytes(b"# B\n")
