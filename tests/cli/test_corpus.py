"""`sekisho corpus profile` on a folder, without a server."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner
from tests.indexing.sources.originals import pdf_of

from sekisho.cli import main


def test_a_folder_is_profiled_as_words_json_and_a_page(tmp_path: Path) -> None:
    """Bad files are named; the page is written where it was asked for."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(pdf_of(["Write to ada@example.org"]))
    (folder / "b.docx").write_bytes(b"no")
    page = tmp_path / "page.html"
    done = CliRunner().invoke(main, ["corpus", "profile", str(folder), "--json", "--html", str(page)])
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["documents"] == 1
    assert [one["path"] for one in found["refused"]] == ["b.docx"]
    assert [one["detector"] for one in found["findings"]] == ["e-mail"]
    assert "<svg" in page.read_text("utf-8")
    words = CliRunner().invoke(main, ["corpus", "profile", str(folder)])
    assert "refused b.docx" in words.stdout
    assert "a.pdf" in words.stdout


def test_a_page_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With exit code 2, as for any wrong input."""
    (tmp_path / "a.md").write_text("text")
    done = CliRunner().invoke(main, ["corpus", "profile", str(tmp_path), "--html", str(tmp_path / "none" / "page")])
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
