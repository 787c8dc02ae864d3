"""`sekisho score`: a file in, a file out, or nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sekisho.cli import main
from sekisho.cli.score import MAX_LINE

GOOD: list[Any] = [
    {"id": "a", "context": "The gate opens at nine.", "response": "The gate opens at nine."},
    {"id": "b", "context": ["The gate opens at nine."], "response": "Napoleon built it in 1809."},
    {"id": "c", "context": {"opens": "nine"}, "answer": ""},
]
BAD = ['{"response": 3}', "not json", '{"response": "a\\u0000b"}', "[1]", '{"id": 1, "id": 2}']


def lines(rows: list[Any]) -> str:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


def score(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, ["score", *words], input=given)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text(lines(GOOD))
    return path


def test_a_bad_line_stops_everything(file: Path, tmp_path: Path) -> None:
    """Exit 2, each bad line named, nothing on standard output, no file and no part of one."""
    file.write_text(lines([GOOD[0], *BAD, GOOD[1]]))
    out = tmp_path / "out.jsonl"
    for words in ([], ["--out", str(out)]):
        found = score(str(file), *words)
        assert found.exit_code == 2
        assert found.stdout == ""
        assert [f"line {number}:" in found.stderr for number in range(1, 8)] == [False, *[True] * 5, False]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.jsonl"]


def test_rows_come_out_in_order(file: Path, tmp_path: Path) -> None:
    """On standard output or in a file, the same; the summary stands beside them."""
    out = tmp_path / "out.jsonl"
    shown, kept = score(str(file)), score(str(file), "--out", str(out))
    assert (shown.exit_code, kept.exit_code) == (0, 0), shown.output
    assert out.read_text() == shown.stdout
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [(row["row"], row["id"], row["verdict"]) for row in rows] == [
        (1, "a", "supported"),
        (2, "b", "unsupported"),
        (3, "c", "unscored"),
    ]
    assert "the answer is empty (1)" in kept.stdout


def test_standard_input_is_read(file: Path) -> None:
    """A dash stands for it, blank lines are left out, and --json prints the rows and nothing else."""
    found = score("-", "--json", given="\n" + file.read_text())
    assert [json.loads(line)["row"] for line in found.stdout.splitlines()] == [2, 3, 4]
    assert found.stderr == ""


def test_bad_lines_are_left_out_where_asked(file: Path, tmp_path: Path) -> None:
    """And counted; where every line is bad, that is still an error."""
    out = tmp_path / "out.jsonl"
    file.write_text(lines([*BAD, *GOOD]))
    found = score(str(file), "--keep-going", "--json", "--out", str(out))
    assert found.exit_code == 0, found.output
    assert (json.loads(found.stdout)["rows"], json.loads(found.stdout)["bad"]) == (3, 5)
    assert [json.loads(line)["row"] for line in out.read_text().splitlines()] == [6, 7, 8]
    file.write_text(lines(BAD))
    assert score(str(file), "--keep-going", "--out", str(tmp_path / "none.jsonl")).exit_code == 2
    assert not (tmp_path / "none.jsonl").exists()


def test_nothing_scored_is_inconclusive(file: Path) -> None:
    """Exit 3: the rows are fine, and nothing can be said."""
    assert score(str(file), "--scorer", "exact_match").exit_code == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--scorer", "nothing"], "unknown scorer"),
        (["--scorer", "recall"], "params.k"),
        (["--scorer", "mrr", "--param", "k"], "NAME=VALUE"),
        (["--scorer", "mrr", "--param", "k=@nowhere.json"], "No such file"),
        (["--scorer", "mrr", "--param", "gain=linear"], "no scorer named takes it"),
    ],
)
def test_a_wrong_request_is_a_usage_error(file: Path, words: list[str], told: str) -> None:
    """Exit 2, before any row is read."""
    found = score(str(file), *words)
    assert found.exit_code == 2
    assert told in found.stderr


def test_a_file_that_is_not_there_or_empty_is_an_error(tmp_path: Path) -> None:
    """Exit 2, and what to do."""
    assert "cannot be read" in score(str(tmp_path / "none.jsonl")).stderr
    assert "cannot be read" in score(str(tmp_path)).stderr
    (tmp_path / "empty.jsonl").write_text("\n\n")
    found = score(str(tmp_path / "empty.jsonl"))
    assert found.exit_code == 2
    assert "holds no row" in found.stderr


def test_the_file_that_is_read_is_not_overwritten(file: Path, tmp_path: Path) -> None:
    """Nor one that cannot be written half-made."""
    before = file.read_text()
    assert score(str(file), "--out", str(file)).exit_code == 2
    assert file.read_text() == before
    assert score(str(file), "--out", str(tmp_path / "no" / "out.jsonl")).exit_code == 2


def test_parameters_are_json_or_text_or_a_file(file: Path, tmp_path: Path) -> None:
    """A list of cuts, a pattern, a schema in a file."""
    file.write_text(lines([{"retrieved": ["a", "b"], "gold": ["b"], "response": '{"n": 1}'}]))
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "required": ["n"]}')
    words = ["--scorer", "hit", "--param", "k=[1, 2]", "--scorer", "regex", "--param", r"pattern=\d"]
    found = score(str(file), *words, "--scorer", "json_schema", "--param", f"schema=@{schema}")
    values = {name: one["value"] for name, one in json.loads(found.stdout)["scores"].items()}
    assert values == {"hit@1": 0, "hit@2": 1, "regex": 1, "json_schema": 1}


def test_a_lone_surrogate_is_written_as_a_question_mark(file: Path) -> None:
    """JSON can escape what UTF-8 cannot hold."""
    file.write_text('{"id": "\\ud800", "response": "x\\ud800", "expected": "x"}\n')
    found = score(str(file), "--scorer", "token_f1")
    assert json.loads(found.stdout)["id"] == "?"


ABSENT = ("re2", "litestar", "sqlalchemy", "numpy", "torch", "structlog", "uuid_utils")
"""Nothing of an extra: what `pip install sekisho` alone does not bring."""


@pytest.mark.parametrize(("scorer", "code"), [("grounding", 2), ("rouge_l", 3), ("refused", 0), ("regex", 2)])
def test_only_the_extra_that_is_needed_is_asked_for(file: Path, scorer: str, code: int) -> None:
    """In an installation without any, what is pure works, and what is not says which extra it wants."""
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({ABSENT!r}));"
        f"from sekisho.cli import main; main(['score', {str(file)!r}, '--scorer', {scorer!r}, '--param', 'pattern=a']"
        f" if {scorer!r} == 'regex' else ['score', {str(file)!r}, '--scorer', {scorer!r}])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert found.returncode == code, found.stderr
    wanted = {"regex": "sekisho[server]", "grounding": "sekisho[worker]"}
    assert wanted.get(scorer, "") in found.stderr


def test_an_endless_line_is_no_row(file: Path) -> None:
    """It is passed over in pieces, and the next line is read as the next."""
    with file.open("wb") as rows:
        rows.write(b"x" * (2 * MAX_LINE + 5) + b"\n" + lines(GOOD[:1]).encode())
    found = score(str(file), "--keep-going", "--json")
    assert json.loads(found.stdout)["row"] == 2
