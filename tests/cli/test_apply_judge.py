"""`sekisho apply` of suites that name a judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.cli.projects import PROJECT, changed, write

from sekisho.cli.apply.declarations import SuiteDeclaration
from sekisho.cli.apply.manifests import Content, raw_manifest
from sekisho.cli.apply.reading import read_project
from sekisho.kernel.errors import Invalid
from sekisho.kernel.references import Kind

JUDGED = {
    "dataset": "questions",
    "target": "answers",
    "scorers": [{"name": "judge.faithfulness", "params": {"votes": 3}}],
    "judge": "smollm2",
}
MODEL = {
    "name": "smollm2:135m",
    "provider": "ollama",
    "family": "llama",
    "licence": "Apache-2.0",
    "digest": "sha256:" + "a" * 64,
}
WITH_JUDGE = changed(changed(PROJECT, "suite.judged", JUDGED), "model.smollm2", MODEL)


def test_a_judge_is_resolved_to_the_digest_of_its_model(tmp_path: Path) -> None:
    """By its name in the same file, which comes before its suite in the order of registration."""
    project = read_project(write(tmp_path, WITH_JUDGE), max_file_bytes=1_000_000)
    labels = [one.label for one in project.declared]
    assert labels.index("model/smollm2") < labels.index("suite/judged")
    (suite,) = [one for one in project.declared if one.label == "suite/judged"]
    digests = {"dataset/questions": "sha256:" + "1" * 64, "model/smollm2": "sha256:" + "2" * 64}
    raw = raw_manifest(Kind.SUITE, suite.declaration, suite.content, digests, "")
    assert (raw["dataset"], raw["judge"]) == (digests["dataset/questions"], digests["model/smollm2"])


def test_a_suite_without_a_judge_has_the_manifest_that_it_had(tmp_path: Path) -> None:
    """No field at all, so that no digest of before moves."""
    project = read_project(write(tmp_path), max_file_bytes=1_000_000)
    (suite,) = [one for one in project.declared if one.kind is Kind.SUITE]
    assert isinstance(suite.declaration, SuiteDeclaration)
    digests = {"dataset/questions": "sha256:" + "1" * 64}
    assert "judge" not in raw_manifest(Kind.SUITE, suite.declaration, Content(), digests, "")


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("suite.judged.judge", None, "$.suite.judged.judge"),
        ("suite.judged.judge", "nobody", "$.suite.judged.judge"),
        ("suite.judged.judge", "No Name", "$.suite.judged.judge"),
        ("suite.judged.scorers.0.params.votes", 99, "$.suite.judged.scorers[0].params.votes"),
        ("suite.finding.judge", "smollm2", "$.suite.finding.judge"),
    ],
)
def test_what_is_wrong_about_a_judge_is_named(tmp_path: Path, path: str, value: Any, place: str) -> None:
    """A judge that is missing, unknown or asked by nobody: the field in sekisho.yaml, before anything is sent."""
    with pytest.raises(Invalid) as refusal:
        read_project(write(tmp_path, changed(WITH_JUDGE, path, value)), max_file_bytes=1_000_000)
    assert any(field.path.endswith(place) for field in refusal.value.fields), refusal.value
