"""The demo's sekisho.yaml and what stands beside it."""

from __future__ import annotations

import json

import jsonschema
import msgspec
import pytest
import yaml

from sekisho.cli.apply.declarations import json_schema
from sekisho.cli.apply.manifests import raw_manifest
from sekisho.cli.apply.reading import Project, read_project
from sekisho.evidence.types import CardDocument
from sekisho.gate.policies import load_policies
from sekisho.kernel.references import Kind
from sekisho.kernel.trees import tree
from sekisho.registry.kinds import MANIFESTS

DEMO = tree("evals") / "demo"


@pytest.fixture(scope="module")
def project() -> Project:
    return read_project(DEMO / "sekisho.yaml", max_file_bytes=10_000_000)


def test_it_is_valid_and_declares_every_kind(project: Project) -> None:
    """A change that could not be applied is told before the demo is played."""
    assert {one.kind for one in project.declared} == set(Kind)


def test_it_follows_its_json_schema_which_is_the_generated_one() -> None:
    """The file that editors read is what the types say; `sekisho schema` makes it anew."""
    written = json.loads((DEMO / "sekisho.schema.json").read_text("utf-8"))
    assert written == json.loads(json.dumps(json_schema()))
    jsonschema.Draft202012Validator(written).validate(yaml.safe_load((DEMO / "sekisho.yaml").read_text("utf-8")))


@pytest.mark.parametrize("path", sorted((DEMO / "suites").glob("*.yaml")), ids=lambda path: path.stem)
def test_suites_follow_the_generated_schema(path: object) -> None:
    """Each suite stands in a file of its own, and its schema is generated from the types."""
    assert hasattr(path, "read_text")
    jsonschema.Draft202012Validator(json_schema(Kind.SUITE)).validate(yaml.safe_load(path.read_text("utf-8")))


def test_the_corpus_is_the_handbook_in_both_languages(project: Project) -> None:
    """Every page is in it, each with its language."""
    (corpus,) = [one for one in project.declared if one.kind is Kind.CORPUS]
    pages = {path.relative_to(DEMO).as_posix() for path in (DEMO / "handbook").glob("*/*.md")}
    assert {file.path for file in corpus.content.files} == pages
    assert {file.about["language"] for file in corpus.content.files} == {"en", "ja"}


def test_the_card_says_something_in_every_part() -> None:
    """What policy asks of a card at production is there to be attested."""
    card = msgspec.convert(yaml.safe_load((DEMO / "card.yaml").read_text("utf-8")), CardDocument)
    assert all(card.filled().values())


def test_the_shipped_policy_pins_these_suites_and_this_dataset(project: Project) -> None:
    """A change of the demo's questions or suites needs `sekisho policy pin`, or nothing counts as evidence."""
    digests: dict[str, str] = {}
    for one in project.declared:
        if one.kind in {Kind.DATASET, Kind.SUITE}:
            raw = raw_manifest(one.kind, one.declaration, one.content, digests, "")
            digests[one.label] = msgspec.convert(raw, MANIFESTS[one.kind]).own_digest()
    pinned = dict(load_policies(tree("policies")).parameters.suites)
    assert {"docs-retrieval", "docs-answers", "docs-askers"} <= set(pinned)
    assert {name: pin.suite for name, pin in pinned.items()} == {name: digests[f"suite/{name}"] for name in pinned}
    assert pinned.pop("docs-askers").dataset == digests["dataset/docs-askers"]
    assert {pin.dataset for pin in pinned.values()} == {digests["dataset/docs-questions"]}
