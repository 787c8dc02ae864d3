"""Where the demo plays, what it edits, and how it ends; the whole of it is `make demo ONCE=1`."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from sekisho.cli import main
from sekisho.cli.apply.reading import read_project
from sekisho.cli.demo.acts import DENSE, HYBRID
from sekisho.cli.demo.findings import Findings, Version
from sekisho.cli.demo.scene import Scene
from sekisho.cli.demo.server import Server, free_port
from sekisho.kernel.errors import Conflict, Unavailable
from sekisho.kernel.trees import tree

DEMO = tree("evals") / "demo"


class Shown(Console):
    """A console that keeps what is printed."""

    def __init__(self) -> None:
        self.kept = io.StringIO()
        super().__init__(file=self.kept, width=200)


def test_a_folder_that_is_not_the_demos_is_left_alone(tmp_path: Path) -> None:
    """It deletes what an earlier demo left, and nothing else."""
    (tmp_path / "thesis.md").write_text("years of work")
    with pytest.raises(Conflict):
        Scene(tmp_path, "http://127.0.0.1:1", Shown()).prepare()
    assert (tmp_path / "thesis.md").exists()


def test_each_demo_begins_anew(tmp_path: Path) -> None:
    """The last one's data and edits are gone; the project is a fresh copy without a lock."""
    scene = Scene(tmp_path / "demo", "http://127.0.0.1:1", Shown())
    scene.prepare()
    (scene.data / "sekisho.sqlite3").write_text("old")
    (scene.project / "sekisho.yaml").write_text("edited")
    (scene.project / "sekisho.lock").write_text("old")
    scene.prepare()
    assert list(scene.data.iterdir()) == []
    assert not (scene.project / "sekisho.lock").exists()
    assert (scene.project / "sekisho.yaml").read_bytes() == (DEMO / "sekisho.yaml").read_bytes()


def test_what_the_demo_edits_is_there_and_stays_valid(tmp_path: Path) -> None:
    """The mended project can be applied: the edit of act 5 finds its place, once."""
    scene = Scene(tmp_path / "demo", "http://127.0.0.1:1", Shown())
    scene.prepare()
    file = scene.project / "sekisho.yaml"
    text = file.read_text("utf-8")
    assert text.count(DENSE) == 1
    file.write_text(text.replace(DENSE, HYBRID), "utf-8")
    assert read_project(file, max_file_bytes=10_000_000).declared


def test_a_command_is_shown_as_it_is_typed_and_gives_its_exit_code(tmp_path: Path) -> None:
    """Nothing but the command's own output stands between the lines of the demo."""
    shown = Shown()
    scene = Scene(tmp_path / "demo", "http://127.0.0.1:1", shown)
    scene.prepare()
    assert scene.run("schema", "agent", by=None) == 0
    assert scene.run("resolve", "agent/docs-assistant@production", by=None, offline=True) == 4
    printed = shown.kept.getvalue()
    assert "$ sekisho schema agent" in printed
    assert "exit code 4" in printed


def test_another_story_is_told_and_fails(tmp_path: Path) -> None:
    """One expectation that the data do not bear out is enough; none at all is no success either."""
    shown = Shown()
    findings = Findings(shown)
    told = [findings.as_told]
    findings.expect("v1 is denied at production", "deny", holds=True)
    told.append(findings.as_told)
    findings.expect("v2 is allowed at production", "deny (FAI-02)", holds=False)
    told.append(findings.as_told)
    assert told == [False, True, False]
    assert "tell another story" in shown.kept.getvalue()


def test_the_summary_shows_what_was_not_measured_as_such() -> None:
    """A version without a run has dashes, not zeros."""
    shown = Shown()
    findings = Findings(shown, versions=[Version("v3", "hybrid", "a model", {}, {"staging": "denied (EVA-01)"})])
    findings.show()
    printed = shown.kept.getvalue()
    assert "denied (EVA-01)" in printed
    assert "not asked" in printed
    assert "0.0 %" not in printed


def test_a_taken_port_gives_way_unless_it_was_asked_for() -> None:
    """The default port may be another program's; a port from the settings is meant."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port("127.0.0.1", port, exactly=False) != port
        assert free_port("127.0.0.1", port, exactly=True) == port


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    """The end of its log is told, with where the rest is."""
    environment = {"SEKISHO_DATA_DIR": str(tmp_path / "data"), "SEKISHO_POLICY_ENGINE": "dice"}
    with pytest.raises(Unavailable, match="policy_engine") as refused:
        Server("http://127.0.0.1:9", environment, tmp_path / "log").start()
    assert str(tmp_path / "log") in str(refused.value.remedy)


def test_a_server_that_never_answers_is_ended(tmp_path: Path) -> None:
    """Nothing is left running behind a demo that gave up."""
    server = Server("http://127.0.0.1:9", {}, tmp_path / "log", command=("sleep", "600"), patience_s=0.5)
    with pytest.raises(Unavailable, match="not ready"):
        server.start()
    assert not server.running


def test_demo_explains_itself() -> None:
    """`--help` says that it needs no server and how it ends."""
    shown = CliRunner().invoke(main, ["demo", "--help"])
    assert shown.exit_code == 0
    assert "--once" in shown.output
