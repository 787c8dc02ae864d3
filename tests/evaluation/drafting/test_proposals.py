"""Which questions are proposed, as what rows, and what a model may write."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from sekisho.evaluation.cases import parse_cases
from sekisho.evaluation.drafting.proposals import proposals, rows_of
from sekisho.evaluation.drafting.sentences import Sentence
from sekisho.evaluation.drafting.writing import ModelWriter, ollama_writer, usable
from sekisho.indexing.types import Document
from sekisho.inference.types import Answer, AnswerRequest
from sekisho.kernel.errors import Invalid, ModelFailed

DOCUMENTS = [
    Document(
        f"{name}.md",
        f"# {name}\n\nA {name} is a thing of kind {name}. The {name} lapses after {days} days.\n",
        "text/markdown",
        "en",
    )
    for name, days in (("slice", 14), ("run", 15), ("lease", 16))
]
JAPANESE = Document("ja/承認.md", "# 承認\n\n承認は十四日で失効します。\n", "text/markdown", "ja")


@dataclass
class Model:
    """Answers with what it is given, in turn."""

    answers: list[str]
    digest: str = "sha256:" + "0" * 64
    asked: list[AnswerRequest] = field(default_factory=list)

    async def answer(self, request: AnswerRequest) -> Answer:
        self.asked.append(request)
        return Answer(self.answers.pop(0), self.digest, 1, 1, 1, "stop")

    async def check(self) -> None:
        return None


async def test_drafts_are_no_cases() -> None:
    """Evaluation refuses every row of them, naming what to do; without the mark they are cases."""
    rows = rows_of(await proposals([*DOCUMENTS, JAPANESE], 10, 0))
    with pytest.raises(Invalid, match="cannot be evaluated") as error:
        parse_cases(rows)
    assert {one.path for one in error.value.fields} == {f"line {n}" for n in range(1, 1 + rows.count(b"\n"))}
    assert all("dataset accept" in one.message for one in error.value.fields)
    unmarked = [
        {name: value for name, value in json.loads(row).items() if name != "draft"} for row in rows.splitlines()
    ]
    cases = parse_cases("\n".join(map(json.dumps, unmarked)).encode())
    assert {case.cluster for case in cases} == {"slice.md", "run.md", "lease.md", "ja/承認.md"}
    assert {case.slices["language"] for case in cases} == {"en", "ja"}


async def test_a_draft_of_another_tools_row_is_refused_too() -> None:
    """The mark counts in every dialect."""
    with pytest.raises(Invalid) as error:
        parse_cases(b'{"user_input": "Who?", "retrieved_contexts": [], "draft": "somebody"}')
    assert "is a draft" in error.value.fields[0].message


async def test_documents_take_turns() -> None:
    """One of each before the second of any; the best form of each first; the same for a seed."""
    found = await proposals(DOCUMENTS, 4, 1)
    assert {one.sentence.document for one in found[:3]} == {"slice.md", "run.md", "lease.md"}
    assert {one.by for one in found[:3]} == {"builtin/definition/1"}
    assert found[3].by == "builtin/cloze/1"
    assert await proposals(list(reversed(DOCUMENTS)), 4, 1) == found
    assert len(await proposals(DOCUMENTS, 100, 1)) == 6


async def test_gold_is_in_the_document() -> None:
    """Word by word, so that a retrieved chunk can be seen to hold it."""
    texts = {document.path: document.text for document in DOCUMENTS}
    for one in await proposals(DOCUMENTS, 100, 0):
        assert one.row()["gold"] == [one.sentence.text]
        assert one.sentence.text in texts[one.sentence.document]


async def test_a_model_writes_and_forms_stand_in() -> None:
    """What it writes is named by it; what is no question is replaced by the sentence's own form."""
    model = Model(['{"question": "How long does a slice last?"}', "no json", '{"question": "Not a question."}'])
    writer = ModelWriter(model, seed=3)
    found = await proposals(DOCUMENTS, 3, 0, writer=writer, by="ollama/some@123")
    assert [one.by for one in found] == ["ollama/some@123", "builtin/definition/1", "builtin/definition/1"]
    assert found[0].question == "How long does a slice last?"
    assert model.asked[0].seed == 3
    assert f"<sentence>{found[0].sentence.text}</sentence>" in model.asked[0].messages[1].content


async def test_without_a_host_no_model_writes() -> None:
    """It is said, rather than drafting by form in the model's name."""
    with pytest.raises(ModelFailed, match="no Ollama host"):
        await ollama_writer([], "smollm2:135m", 0)


@pytest.mark.parametrize(
    ("question", "fits"),
    [
        ("How long is an approval valid?", True),
        ("Approvals.", False),
        ("Why?", False),
        ("What does this sentence answer?", False),
        ("承認はいつ失効しますか。", False),
        ("Is it true that An approval lapses after 14 days?", False),
        ("x" * 301 + "?", False),
    ],
)
def test_what_a_model_may_propose(question: str, fits: bool) -> None:
    """A question about it, in its script, of a fair length, that does not give the sentence away."""
    sentence = Sentence("a.md", "en", "Approvals", "An approval lapses after 14 days.", True)
    assert usable(question, sentence) is fits
