"""The sources that a corpus may declare, read from sekisho.yaml as `apply` reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.indexing.sources.hostile import hostile_tar
from tests.indexing.sources.originals import docx_of, paragraph, zip_of
from tests.indexing.sources.remote import COMMIT, cached, cached_folder, committed, git, lakefs, md5, served

from sekisho.cli.apply.corpora import read_corpus
from sekisho.cli.apply.declarations import CorpusDeclaration
from sekisho.cli.apply.manifests import Content, raw_manifest
from sekisho.kernel.errors import Invalid
from sekisho.kernel.references import Kind
from sekisho.registry.manifests import address_problem, parse_manifest

PAGES = {"docs/a.md": b"# A\n", "docs/deep/b.txt": b"B", "readme.md": b"# Not this\n"}


def read(base: Path, **sources: Any) -> Content:
    """The corpus, whose manifest must be a valid one."""
    declaration = msgspec.convert({"licence": "MIT", **sources}, CorpusDeclaration)
    content = read_corpus(base, declaration, 100_000, lambda error: error)
    parse_manifest(Kind.CORPUS, raw_manifest(Kind.CORPUS, declaration, content, {}, ""))
    return content


def refused(base: Path, **sources: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as error:
        read(base, **sources)
    return {field.path: field.message for field in error.value.fields}


def texts(content: Content) -> dict[str, bytes]:
    return {file.path: file.data for file in content.files}


def test_a_git_commit_gives_its_bytes_and_not_the_working_trees(tmp_path: Path) -> None:
    """Whatever was edited since, staged or not, is not seen; each document has the commit's URI and time."""
    commit = committed(tmp_path / "repository", PAGES)
    (tmp_path / "repository" / "docs" / "a.md").write_text("edited")
    (tmp_path / "repository" / "docs" / "new.md").write_text("new")
    git(tmp_path / "repository", "add", "--all")
    source = {"repository": "repository", "commit": commit, "path": "docs", "licence": "CC-BY-4.0"}
    content = read(tmp_path, git=[source])
    assert texts(content) == {"docs/a.md": b"# A\n", "docs/deep/b.txt": b"B"}
    about = content.files[0].about
    assert about["uri"] == f"git:repository@{commit}#docs/a.md"
    assert about["licence"] == "CC-BY-4.0"
    assert about["time"] > 1_700_000_000_000
    (kept,) = content.sources
    assert (kept.uri, kept.digest) == (f"git:repository@{commit}#docs", f"git:{commit}")


def test_one_file_of_a_commit_and_a_remote_are_read_alike(tmp_path: Path) -> None:
    """A path may be a file; a server is cloned for the while (here over git's own dumb HTTP protocol)."""
    commit = committed(tmp_path / "repository", PAGES)
    content = read(tmp_path, git=[{"repository": "repository", "commit": commit, "path": "docs/a.md", "into": "x"}])
    assert texts(content) == {"x/a.md": b"# A\n"}
    git(tmp_path / "repository", "update-server-info")
    root = tmp_path / "repository" / ".git"
    files = {f"/r.git/{path.relative_to(root)}": path.read_bytes() for path in root.rglob("*") if path.is_file()}
    with served(files) as address:
        content = read(tmp_path, git=[{"repository": f"{address}/r.git", "commit": commit, "path": "docs"}])
    assert set(texts(content)) == {"docs/a.md", "docs/deep/b.txt"}


def test_links_and_pointers_of_a_commit_are_named(tmp_path: Path) -> None:
    """A link is not followed, and a pointer of Git LFS is not taken for its text."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "link.md").symlink_to("/etc/passwd")
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    commit = committed(folder, {"a.md": b"# A\n", "large.md": pointer})
    content = read(tmp_path, git=[{"repository": "repository", "commit": commit}])
    assert texts(content) == {"a.md": b"# A\n"}
    assert {one.path: one.reason.split(":")[0] for one in content.refused} == {
        "link.md": "is a link",
        "large.md": "is a pointer of Git LFS",
    }


@pytest.mark.parametrize(
    ("change", "place", "word"),
    [
        ({"commit": "0" * 40}, "$.git[0].commit", "no commit"),
        ({"path": "none"}, "$.git[0].path", "nothing at"),
        ({"repository": "none"}, "$.git[0].repository", "not a folder"),
        ({"repository": "--upload-pack=touch x"}, "$.git[0].repository", "option"),
    ],
)
def test_a_git_source_that_is_not_there_is_named(tmp_path: Path, change: dict[str, str], place: str, word: str) -> None:
    """By the field that is wrong."""
    commit = committed(tmp_path / "repository", PAGES)
    found = refused(tmp_path, git=[{"repository": "repository", "commit": commit, **change}])
    assert word in found[place]


def test_a_branch_is_no_commit(tmp_path: Path) -> None:
    """It would mean other bytes tomorrow."""
    with pytest.raises(msgspec.ValidationError, match="regex"):
        read(tmp_path, git=[{"repository": "repository", "commit": "main"}])


def dvc_repository(base: Path, tracked: Mapping[str, bytes]) -> tuple[str, Path]:
    cache = base / "repository" / ".dvc" / "cache"
    listed = cached_folder(cache, tracked)
    one = cached(cache, b"One page.\n")
    commit = committed(
        base / "repository",
        {
            "data/pages.dvc": f"outs:\n- md5: {listed}\n  hash: md5\n  path: pages\n".encode(),
            "data/one.md.dvc": f"outs:\n- md5: {one}\n  hash: md5\n  path: one.md\n".encode(),
            ".gitignore": b"/.dvc/cache\n",
        },
    )
    return commit, cache


def test_what_dvc_tracks_is_read_from_its_cache_and_hashed_again(tmp_path: Path) -> None:
    """A folder and a file; the source is kept with the MD5 that the commit names."""
    commit, _ = dvc_repository(tmp_path, {"a.md": b"# A\n", "deep/b.md": b"# B\n"})
    sources = [
        {"repository": "repository", "commit": commit, "path": f"data/{name}.dvc"} for name in ("pages", "one.md")
    ]
    content = read(tmp_path, dvc=sources)
    assert texts(content) == {"data/pages/a.md": b"# A\n", "data/pages/deep/b.md": b"# B\n", "one.md": b"One page.\n"}
    assert content.sources[1].digest == f"md5:{md5(b'One page.' + bytes([10]))}"
    assert content.sources[1].uri == f"dvc+git:repository@{commit}#data/one.md.dvc"


def test_a_list_that_is_not_in_the_cache_is_told_once(tmp_path: Path) -> None:
    """With what brings it there."""
    commit, _ = dvc_repository(tmp_path, {"a.md": b"# A\n"})
    source = {"repository": "repository", "commit": commit, "path": "data/pages.dvc", "cache": "nowhere"}
    assert refused(tmp_path, dvc=[source])["$.dvc[0].path"].count("dvc fetch") == 1


def test_a_dvc_file_with_other_bytes_or_none_is_named(tmp_path: Path) -> None:
    """An altered cache, an absent file and a path that climbs are refused one by one."""
    commit, cache = dvc_repository(
        tmp_path, {"a.md": b"# A\n", "b.md": b"# B\n", "c.md": b"# C\n", "../d.md": b"# D\n"}
    )
    for data, change in ((b"# B\n", b"# X\n"), (b"# C\n", None)):
        place = cache / "files" / "md5" / md5(data)[:2] / md5(data)[2:]
        place.unlink() if change is None else place.write_bytes(change)
    content = read(tmp_path, dvc=[{"repository": "repository", "commit": commit, "path": "data/pages.dvc"}])
    assert set(texts(content)) == {"data/pages/a.md"}
    reasons = {one.path: one.reason for one in content.refused}
    assert "other bytes" in reasons["data/pages/b.md"]
    assert "not in the cache" in reasons["data/pages/c.md"]
    assert "leads out" in reasons["data/pages/../d.md"]


LAKE = {"docs/a.md": b"# A\n", "docs/b.md": b"# B\n", "docs/c.md": b"# C\n", "docs/d.md": b"# D\n", "x.md": b"X"}


def lake_source() -> dict[str, Any]:
    return {"lakefs": [{"repository": "pages", "commit": COMMIT, "path": "docs"}]}


def test_a_lakefs_commit_is_read_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects page by page; one whose bytes have another checksum, or none that can be checked, is named."""
    monkeypatch.setenv("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", "secret")
    with lakefs(LAKE, {"docs/b.md": "0" * 32, "docs/c.md": "multipart-2"}) as address:
        monkeypatch.setenv("LAKECTL_SERVER_ENDPOINT_URL", address)
        content = read(tmp_path, **lake_source())
    assert texts(content) == {"docs/a.md": b"# A\n", "docs/d.md": b"# D\n"}
    assert content.files[0].about == {"uri": f"lakefs://pages/{COMMIT}/docs/a.md", "time": 1_700_000_000_000}
    assert {one.path: one.reason.split()[1] for one in content.refused} == {"docs/b.md": "other", "docs/c.md": "no"}


def test_lakefs_without_a_server_or_credentials_says_which_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing about the server stands in sekisho.yaml."""
    monkeypatch.delenv("LAKECTL_SERVER_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", raising=False)
    assert "LAKECTL_SERVER_ENDPOINT_URL" in refused(tmp_path, **lake_source())["$.lakefs[0]"]
    with lakefs(LAKE, {}) as address:
        monkeypatch.setenv("LAKECTL_SERVER_ENDPOINT_URL", address)
        assert "LAKECTL_CREDENTIALS_ACCESS_KEY_ID" in str(refused(tmp_path, **lake_source()))


def archive_source(address: str, name: str, data: bytes, **more: Any) -> dict[str, Any]:
    return {"archives": [{"url": f"{address}/{name}", "sha256": hashlib.sha256(data).hexdigest(), **more}]}


def test_an_archive_is_taken_where_it_has_its_hash(tmp_path: Path) -> None:
    """A ZIP and a TAR; documents inside may be of any format, and name where they were."""
    zipped = zip_of({"r-1/docs/a.md": b"# A\n", "r-1/docs/b.docx": docx_of(paragraph("B")), "r-1/x.md": b"X"})
    tarred, words = hostile_tar()
    with served({"/a.zip": zipped, "/a.tgz": tarred}) as address:
        content = read(tmp_path, **archive_source(address, "a.zip", zipped, path="r-1/docs", into="docs"))
        assert texts(content) == {"docs/a.md": b"# A\n", "docs/b.docx": b"B\n"}
        assert content.files[0].about["uri"] == f"{address}/a.zip#r-1/docs/a.md"
        content = read(tmp_path, **archive_source(address, "a.tgz", tarred))
    assert texts(content) == {"good.md": b"words"}
    assert {one.path for one in content.refused} == set(words)


def test_an_archive_with_another_hash_is_refused(tmp_path: Path) -> None:
    """Not a byte of it is unpacked."""
    data = zip_of({"a.md": b"# A\n"})
    with served({"/a.zip": data + b" "}) as address:
        assert "sha256" in refused(tmp_path, **archive_source(address, "a.zip", data))["$.archives[0].sha256"]
        assert "404" in refused(tmp_path, **archive_source(address, "b.zip", data))["$.archives[0].url"]


def test_a_corpus_without_a_source_is_refused(tmp_path: Path) -> None:
    """The kinds of source are named."""
    assert "git, dvc, lakefs or archives" in refused(tmp_path)["$"]


def test_a_files_fields_are_what_its_folder_declares(tmp_path: Path) -> None:
    """Licence, personal data and retention stand in each entry, and win over what a document says of itself."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a.html").write_text("<html lang=fr><title>Page</title>")
    folder = {"path": "pages", "language": "en", "licence": "CC0-1.0", "personal_data": True, "retention_days": 30}
    (file,) = read(tmp_path, folders=[folder]).files
    expected = {"language": "en", "licence": "CC0-1.0", "personal_data": True, "retention_days": 30, "title": "Page"}
    assert file.about == expected


def test_a_folder_may_say_where_it_comes_from(tmp_path: Path) -> None:
    """The hash beside the URI is over what was read: it moves with a word or a name, and with nothing else."""
    (tmp_path / "pages").mkdir()
    page = tmp_path / "pages" / "a.md"
    page.write_text("# A\n")
    folder = {"path": "pages", "uri": "https://example.org/handbook"}
    (source,) = read(tmp_path, folders=[folder]).sources
    assert source.uri == folder["uri"]
    assert read(tmp_path, folders=[folder]).sources == (source,)
    page.write_text("# B\n")
    (changed,) = read(tmp_path, folders=[folder]).sources
    assert changed.digest != source.digest
    assert read(tmp_path, folders=[{"path": "pages"}]).sources == ()


def test_a_folder_may_be_one_file(tmp_path: Path) -> None:
    """It gets the path that it would have had from its folder, and may have rows; what is not there is named."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a.md").write_text("# A\n")
    (tmp_path / "pages" / "b.csv").write_text("body\nwords\n")
    (tmp_path / "c.txt").write_text("C")
    files = [{"path": "pages/a.md"}, {"path": "pages/b.csv", "rows": {"text": "body"}}, {"path": "c.txt"}]
    expected = {"pages/a.md": b"# A\n", "pages/b.csv/1": b"words\n", "c.txt": b"C"}
    assert texts(read(tmp_path, folders=files)) == expected
    assert "there is no" in refused(tmp_path, folders=[{"path": "d.md"}])["$.folders[0].path"]


@pytest.mark.parametrize(
    ("address", "secret"),
    [
        ("https://ada:pw@example.org/a.git", True),
        ("https://ghp_token@example.org/a.git", True),
        ("ssh://ada:pw@example.org/a.git", True),
        ("ssh://git@example.org/a.git", False),
        ("https://example.org/@ada/a.git", False),
    ],
)
def test_credentials_in_an_address_are_refused_before_it_is_tried(tmp_path: Path, address: str, secret: bool) -> None:
    """They would stand in the manifest, which everybody reads and nobody can change; the server refuses them too."""
    assert bool(address_problem(address)) is secret
    digest = "a" * 64
    manifest = {
        "schema": "sekisho.corpus/v1",
        "licence": "MIT",
        "files": [{"path": "a.md", "digest": f"sha256:{digest}", "bytes": 1, "media_type": "text/plain"}],
        "sources": [{"uri": f"git:{address}@{digest}#a"}],
    }
    if secret:
        assert "password" in refused(tmp_path, git=[{"repository": address, "commit": digest}])["$.git[0].repository"]
        with pytest.raises(Invalid, match=r"sources\[0\]"):
            parse_manifest(Kind.CORPUS, manifest)
    else:
        parse_manifest(Kind.CORPUS, manifest)
