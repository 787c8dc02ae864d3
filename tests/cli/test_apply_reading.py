"""What `apply` refuses before anything is sent: every problem by its file and place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cli.projects import PROJECT, WITH_AGENT, changed, write

from sekisho.cli.apply.reading import read_project
from sekisho.kernel.errors import Invalid

LIMIT = 100_000


def refused(file: Path) -> dict[str, str]:
    """The problems by place, with places named from the project's folder."""
    with pytest.raises(Invalid) as error:
        read_project(file, max_file_bytes=LIMIT)
    return {field.path.replace(f"{file.parent}/", ""): field.message for field in error.value.fields}


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("schema", "sekisho.project/v2", "$.schema"),
        ("schema", None, "$.schema"),
        ("project", "Not A Name", "$.project"),
        ("colour", "red", "$.colour"),
        ("prompt", [], "$.prompt"),
        ("prompt.Ask", {"messages": []}, "$.prompt.Ask"),
        ("prompt.ask", None, "$.agent.helper.prompt"),
        ("prompt.ask.colour", "red", "$.prompt.ask.colour"),
        ("prompt.ask.messages.0.role", "narrator", "$.prompt.ask.messages[0].role"),
        ("prompt.ask.messages.0.template", "{{ ''.__class__ }}", "$.prompt.ask.messages[0].template"),
        ("prompt.ask.messages.0.template", "{% for x in", "$.prompt.ask.messages[0].template"),
        ("system.docs.risk_class", "none", "$.system.docs.risk_class"),
        ("system.docs.purpose", None, "$.system.docs.purpose"),
        ("corpus.pages.folders.0.path", "../elsewhere", "$.corpus.pages.folders[0].path"),
        ("corpus.pages.folders.0.path", "/etc", "$.corpus.pages.folders[0].path"),
        ("corpus.pages.folders.0.path", "nowhere", "$.corpus.pages.folders[0].path"),
        ("corpus.pages.folders.0.include", ["*.rst"], "$.corpus.pages.folders[0].path"),
        ("corpus.pages.licence", "", "$.corpus.pages.licence"),
        ("dataset.questions.path", "../questions.jsonl", "$.dataset.questions.path"),
        ("dataset.questions.path", "nothing.jsonl", "$.dataset.questions.path"),
        ("suite.finding.dataset", "answers", "$.suite.finding.dataset"),
        ("suite.finding.scorers.0.name", "vibes", "$.suite.finding.scorers[0].name"),
        ("suite.finding.scorers.0.params", {"k": 0}, "$.suite.finding.scorers[0].params.k"),
        ("index.pages.corpus", "books", "$.index.pages.corpus"),
        ("index.pages.chunker.overlap", 64, "$.index.pages.chunker.overlap"),
        ("index.pages.retriever", {"mode": "dense", "rrf_k": 10}, "$.index.pages.retriever.rrf_k"),
        ("index.pages.embedder", "something", "$.index.pages.embedder"),
        ("agent.helper.model", "large", "$.agent.helper.model"),
        ("agent.helper.limits.max_steps", 0, "$.agent.helper.limits.max_steps"),
        ("agent.helper.generation", {"temperature_bp": 0.7}, "$.agent.helper.generation.temperature_bp"),
        ("agent.helper.index", "sha256:" + "0" * 64, "$.agent.helper.index"),
        ("model.plain", {"file": "../model.yaml"}, "$.model.plain.file"),
        ("model.plain", {"file": "model.yaml"}, "$.model.plain"),
    ],
)
def test_each_problem_is_named_by_its_place(tmp_path: Path, path: str, value: Any, place: str) -> None:
    """One wrong value, one place."""
    found = refused(write(tmp_path, changed(WITH_AGENT, path, value)))
    assert f"sekisho.yaml:{place}" in found or "model.yaml:$" in found, found


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Whoever mends them runs `apply` twice, not ten times."""
    project = changed(changed(WITH_AGENT, "system.docs.owner", None), "suite.finding.scorers.0.name", "vibes")
    project = changed(project, "agent.helper.limits.timeout_ms", "soon")
    file = write(tmp_path, project)
    (tmp_path / "questions.jsonl").write_bytes(b"\x89PNG\x00")
    assert set(refused(file)) == {
        "sekisho.yaml:$.system.docs.owner",
        "sekisho.yaml:$.suite.finding.scorers[0].name",
        "sekisho.yaml:$.agent.helper.limits.timeout_ms",
        "sekisho.yaml:$.dataset.questions.path",
    }


def test_files_that_are_no_text_or_lie_elsewhere_are_refused(tmp_path: Path) -> None:
    """Binary, invalid UTF-8, too large, and links that lead out: each left out and named, and the rest is taken."""
    secret = tmp_path / "secret.md"
    secret.write_text("key")
    folder = tmp_path / "project"
    folder.mkdir()
    file = write(folder)
    (folder / "pages" / "link.md").symlink_to(secret)
    (folder / "pages" / "binary.md").write_bytes(b"a\x00b")
    (folder / "pages" / "large.md").write_bytes(b"a" * (LIMIT + 1))
    (folder / "pages" / "broken.md").write_bytes(b"\xff\xfe")
    project = read_project(file, max_file_bytes=LIMIT)
    (corpus,) = (one for one in project.declared if one.label == "corpus/pages")
    assert [text.path for text in corpus.content.files] == ["pages/approvals.md"]
    found = {one["path"]: one["reason"] for one in project.refused}
    assert set(found) == {f"pages/{name}.md" for name in ("link", "binary", "large", "broken")}
    assert "link out" in found["pages/link.md"]


def test_a_corpus_of_which_nothing_is_left_is_refused(tmp_path: Path) -> None:
    """Where every document is bad there is no corpus, and each reason is told."""
    file = write(tmp_path)
    (tmp_path / "pages" / "approvals.md").write_bytes(b"a\x00b")
    assert "approvals.md: is binary" in refused(file)["sekisho.yaml:$.corpus.pages"]


def test_a_folder_that_is_a_link_out_is_refused(tmp_path: Path) -> None:
    """The folder itself may not lead out either."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.md").write_text("text")
    folder = tmp_path / "project"
    folder.mkdir()
    file = write(folder, changed(PROJECT, "corpus.pages.folders.0.path", "linked"))
    (folder / "linked").symlink_to(tmp_path / "outside")
    assert "link out" in refused(file)["sekisho.yaml:$.corpus.pages.folders[0].path"]


def test_two_folders_may_not_give_one_path(tmp_path: Path) -> None:
    """Which of two would win is not for `apply` to choose."""
    folders = [{"path": "pages"}, {"path": "pages", "include": ["approvals.md"]}]
    found = refused(write(tmp_path, changed(PROJECT, "corpus.pages.folders", folders)))
    assert set(found) == {"sekisho.yaml:$.corpus.pages.folders[1].path"}


def test_a_datasets_lines_are_named(tmp_path: Path) -> None:
    """A repeated id, a line that is no JSON, and one without an id, each by its line."""
    file = write(tmp_path)
    (tmp_path / "questions.jsonl").write_text('{"id": "a"}\n{"id": "a"}\nno\n{"question": "?"}\n')
    assert set(refused(file)) == {f"questions.jsonl:line {number}" for number in (2, 3, 4)}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("schema: [", "line"),
        ("- a\n- b\n", "mapping"),
        ("schema: sekisho.project/v1\n", "declares nothing"),
        ("schema: sekisho.project/v1\nprompt: {}\nprompt: {}\n", "stands twice"),
        ("schema: sekisho.project/v1\n1: {}\n", "not text"),
        ("schema: sekisho.project/v1\nprompt: {a: !!python/object/apply:os.system [id]}\n", "constructor"),
        ("schema: sekisho.project/v1\nprompt: {a: }\n", "empty"),
        ("a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(f"b{i}: &{c} [*{p},*{p},*{p},*{p},*{p},*{p},*{p},*{p},*{p},*{p}]\n"
         for i, (p, c) in enumerate(zip("abcdef", "bcdefg", strict=True))), "more than"),
    ],
)  # fmt: skip
def test_yaml_that_says_nothing_or_too_much_is_refused(tmp_path: Path, text: str, word: str) -> None:
    """Broken YAML, duplicate keys, objects of Python, and anchors that multiply."""
    file = tmp_path / "sekisho.yaml"
    file.write_text(text)
    assert any(word in message for message in refused(file).values())


def test_a_file_that_is_not_there_or_not_utf8_is_refused(tmp_path: Path) -> None:
    """The first thing that can go wrong is told as well as the last."""
    file = tmp_path / "sekisho.yaml"
    assert "no such file" in refused(file)["sekisho.yaml:$"]
    file.write_bytes(b"\xff")
    assert refused(file)


def test_a_declaration_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    """It means the same there, and its problems are named by that file."""
    prompt = PROJECT["prompt"]["ask"]
    file = write(tmp_path, changed(PROJECT, "prompt.ask", {"file": "ask.yaml"}))
    (tmp_path / "ask.yaml").write_text(yaml.safe_dump(prompt))
    inline = tmp_path / "inline"
    inline.mkdir()
    here, there = read_project(file, max_file_bytes=LIMIT), read_project(write(inline), max_file_bytes=LIMIT)
    assert [one.declaration for one in here.declared] == [one.declaration for one in there.declared]
    (tmp_path / "ask.yaml").write_text(yaml.safe_dump({**prompt, "colour": "red"}))
    assert set(refused(file)) == {"ask.yaml:$.colour"}


def test_what_is_made_of_others_comes_after_them(tmp_path: Path) -> None:
    """The order in the file does not matter: registration follows the pins."""
    backwards = dict(reversed(list(WITH_AGENT.items())))
    kinds = [one.kind.value for one in read_project(write(tmp_path, backwards), max_file_bytes=LIMIT).declared]
    assert kinds == ["prompt", "system", "model", "corpus", "dataset", "suite", "index", "agent"]
