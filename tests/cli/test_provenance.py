"""Who brings a change: options, then the CI's environment, then git."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sekisho.cli.apply.provenance import Said, provenance

GITHUB = {
    "GITHUB_SHA": "abc",
    "GITHUB_SERVER_URL": "https://forge.example",
    "GITHUB_REPOSITORY": "docs/assistant",
    "GITHUB_RUN_ID": "7",
}


def test_options_win_over_the_environment(tmp_path: Path) -> None:
    """What is said on the command line is what was meant."""
    said = provenance(tmp_path / "sekisho.yaml", GITHUB, Said(author="Ada", commit="def"))
    assert said == Said("Ada", "", "def", "https://forge.example/docs/assistant/actions/runs/7")


def test_a_gitlab_job_is_known_by_its_own_names(tmp_path: Path) -> None:
    """Both great forges say commit and run in the environment."""
    said = provenance(
        tmp_path / "sekisho.yaml", {"CI_COMMIT_SHA": "abc", "CI_JOB_URL": "https://forge.example/j/1"}, Said()
    )
    assert (said.commit, said.ci_run) == ("abc", "https://forge.example/j/1")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_is_asked_only_where_it_tracks_the_file(tmp_path: Path) -> None:
    """An untracked file in somebody's checkout is not that checkout's commit; a changed one is marked dirty."""
    file = tmp_path / "sekisho.yaml"
    file.write_text("a")

    def git(*words: str) -> None:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init", "-q")
    assert provenance(file, {}, Said()) == Said()
    git("add", "sekisho.yaml")
    git("commit", "-q", "--no-verify", "-m", "Why it changed")
    clean = provenance(file, {}, Said())
    assert (clean.author, clean.message, len(clean.commit)) == ("Ada <ada@example.org>", "Why it changed", 40)
    file.write_text("b")
    assert provenance(file, {}, Said()).commit == f"{clean.commit}-dirty"
