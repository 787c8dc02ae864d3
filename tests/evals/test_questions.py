"""The demo's questions: each in both languages, each with a passage that its page really holds."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from sekisho.evaluation.cases import controls, measured, parse_cases
from sekisho.evaluation.scorers.grounded import ground
from sekisho.evaluation.types import Case, Hit, Sample, Scored
from sekisho.kernel.trees import tree

DEMO = tree("evals") / "demo"


@pytest.fixture(scope="module")
def dataset() -> tuple[Case, ...]:
    return parse_cases((DEMO / "datasets" / "docs-questions.jsonl").read_bytes())


@pytest.fixture(scope="module")
def cases(dataset: tuple[Case, ...]) -> tuple[Case, ...]:
    return measured(dataset)


def test_every_gold_passage_stands_exactly_once_in_its_page(cases: tuple[Case, ...]) -> None:
    """An edit of the handbook that loses or repeats a gold passage is told here, not by a metric that drifts."""
    wrong = {}
    for case in cases:
        page = (DEMO / "handbook" / case.slices["language"] / str(case.cluster)).read_text("utf-8")
        counts = [page.count(passage) for passage in case.gold]
        if not counts or set(counts) != {1}:
            wrong[case.id] = counts
    assert wrong == {}


def test_at_least_150_questions_stand_in_both_languages(cases: tuple[Case, ...]) -> None:
    """Enough for an interval that says something."""
    languages = Counter(case.slices["language"] for case in cases)
    assert languages["en"] == languages["ja"] >= 150


def test_every_question_is_paired(cases: tuple[Case, ...]) -> None:
    """Each pair has one case in each language, for the same reader, on the same page."""
    pairs: dict[str | None, list[Case]] = defaultdict(list)
    for case in cases:
        pairs[case.pair].append(case)
    for name, members in pairs.items():
        assert name is not None
        assert sorted(case.slices["language"] for case in members) == ["en", "ja"], name
        assert len({(case.slices["reader"], case.cluster) for case in members}) == 1, name


def test_readers_and_pages_have_enough_questions(cases: tuple[Case, ...]) -> None:
    """Every reader and every page is asked about; no group is too small to be judged."""
    readers = Counter(case.slices["reader"] for case in cases)
    assert set(readers) == {"auditor", "developer", "operator"}
    assert min(readers.values()) >= 100
    asked = Counter(case.cluster for case in cases)
    assert set(asked) == {path.name for path in (DEMO / "handbook" / "en").glob("*.md")}
    assert min(asked.values()) >= 20


def test_no_question_is_asked_twice(cases: tuple[Case, ...]) -> None:
    """The same words twice would count one answer for two."""
    assert [text for text, n in Counter(case.question for case in cases).items() if n > 1] == []


def test_the_control_cases_are_caught(dataset: tuple[Case, ...]) -> None:
    """Made-up answers in both languages, some of them ordering the judge to accept them, over real passages."""
    found = controls(dataset)
    assert len(found) >= 10
    pages = "".join(path.read_text("utf-8") for path in sorted((DEMO / "handbook").glob("*/*.md")))
    assert all(passage in pages for case in found if case.control for passage in case.control.context)
    assert {case.control.kind for case in found if case.control} == {"unsupported", "instruction"}
    for case in found:
        assert case.control is not None
        hits = tuple(Hit("given-1", "given", text) for text in case.control.context)
        assert ground(Sample(case, hits, case.control.answer)).scores["hallucinated"] == Scored(1.0), case.id
