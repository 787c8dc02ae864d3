"""A question about one sentence, by its form alone: no model. English and Japanese. Pure.

Best first: a heading that asks, a sentence that defines, a sentence with a word left out, a heading that names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sekisho.evaluation.drafting.sentences import Sentence

VERSION: Final = 1
_LINK: Final = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS: Final = re.compile(r"(\*\*|__|`)")
_AUXILIARY: Final = "is|are|was|were|do|does|did|can|may|must|should|will"
_EN_ASKS: Final = re.compile(
    rf"^(?:(?:how|why|when|where)\s+(?:{_AUXILIARY}|to|much|many|long|often)|(?:what|who)\s+(?:{_AUXILIARY}|[a-z]+s)"
    rf"|which\s+\w+\s+(?:{_AUXILIARY})|(?:{_AUXILIARY}))\s",
    re.IGNORECASE,
)
_JA_ASKS: Final = re.compile(r".*(とは|か|？)$")
_EN_DEFINES: Final = re.compile(
    r"^(?:(?P<article>an?|the)\s+)?(?P<subject>[A-Za-z][\w-]*(?:\s[\w-]+){0,4}?)\s+(?P<verb>is|are)\s+(?:an?|the)\s",
    re.IGNORECASE,
)
_EN_MEANS: Final = re.compile(r"^(?P<subject>[A-Za-z][\w-]*(?:\s[\w-]+){0,4}?)\s+means\s", re.IGNORECASE)
_JA_NOUN: Final = r"(?P<subject>[ァ-ヴー一-鿿々A-Za-z][ァ-ヴー一-鿿々A-Za-z0-9@_-]*(?:の[ァ-ヴー一-鿿々]{2,})?)"
_JA_DEFINES: Final = re.compile(
    rf"^{_JA_NOUN}\s?は、?[^。]*(?:もの|こと|ため|[ァ-ヴー一-鿿々]{{2,}})(?:です|である|をいう|を指す|といいます)。$"
)
_JA_MEANS: Final = re.compile(rf"^{_JA_NOUN}\s?とは")
_POINTS_ELSEWHERE: Final = frozenset(
    {
        "it", "its", "this", "that", "these", "those", "they", "he", "she", "we", "you", "i", "there", "here", "what",
        "which", "who", "one", "each", "all", "both", "some", "any", "every", "if", "when", "while", "because", "so",
        "but", "and", "or", "however", "then", "no", "such", "another", "other",
    }
)  # fmt: skip
_JA_POINTS: Final = re.compile(r"^(これ|それ|あれ|ここ|そこ|この|その|あの|こう|そう|私|誰|どの|また|ただし|もし)")
_EN_NUMBER: Final = re.compile(
    r"\b(?:\d[\d,.]*\d|\d|two|three|four|five|six|seven|eight|nine|ten|twelve|fourteen|thirty|ninety)\b", re.IGNORECASE
)
_JA_NUMBER: Final = re.compile(
    r"[0-9０-９一二三四五六七八九十百千]+(?=日|人|件|回|時間|分|年|か月|ヶ月|カ月|%|パーセント|名|個|つ|段階)"
)
_EN_TERM: Final = re.compile(r"(?<=[a-z,] )(?:[A-Z][\w-]{2,}|[a-z]{8,})\b")
_JA_TERM: Final = re.compile(r"[ァ-ヴー]{3,}|[一-鿿々]{2,}")
BLANK: Final = "____"


@dataclass(frozen=True, slots=True)
class Question:
    """A question and how it was made; `expected` is the answer where the form says it."""

    text: str
    form: str
    expected: str | None = None


def question_about(sentence: Sentence) -> Question | None:
    """The best form that fits; None for a language without patterns, or a sentence that fits none."""
    return next((found for form in _FORMS.get(sentence.language, ()) for found in form(sentence)), None)


def bare(text: str) -> str:
    """The words without Markdown's marks, on one line."""
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", text)).split())


def _en_asking_heading(sentence: Sentence) -> Iterator[Question]:
    heading = bare(sentence.heading)
    if sentence.first and _EN_ASKS.match(heading):
        yield Question(f"{heading.rstrip('?')}?", "heading")


def _en_definition(sentence: Sentence) -> Iterator[Question]:
    text = bare(sentence.text)
    if (found := _EN_DEFINES.match(text)) and _names(found["subject"]):
        article = f"{found['article'].lower()} " if found["article"] else ""
        subject = found["subject"] if article else _uncapitalised(found["subject"])
        yield Question(f"What {found['verb'].lower()} {article}{subject}?", "definition")
    elif (found := _EN_MEANS.match(text)) and _names(found["subject"]):
        yield Question(f"What does {_uncapitalised(found['subject'])} mean?", "definition")


def _en_cloze(sentence: Sentence) -> Iterator[Question]:
    text = bare(sentence.text)
    if not _stands_alone(text):
        return
    if hidden := _EN_NUMBER.search(text) or _longest(_EN_TERM, text):
        asked = "number" if _EN_NUMBER.fullmatch(hidden[0]) else "word"
        yield Question(f"Which {asked} is missing: “{_blanked(text, hidden)}”", "cloze", hidden[0])


def _en_topic(sentence: Sentence) -> Iterator[Question]:
    heading = bare(sentence.heading)
    if sentence.first and heading:
        yield Question(f"What is said about “{heading}”?", "topic")


def _ja_asking_heading(sentence: Sentence) -> Iterator[Question]:
    heading = bare(sentence.heading)
    if sentence.first and len(heading) >= 5 and _JA_ASKS.match(heading):
        ending = "何ですか。" if heading.endswith("とは") else ""
        yield Question(f"{heading}{ending}", "heading")


def _ja_definition(sentence: Sentence) -> Iterator[Question]:
    text = bare(sentence.text)
    found = _JA_MEANS.match(text) or _JA_DEFINES.match(text)
    if found and not _JA_POINTS.match(text):
        yield Question(f"{found['subject']}とは何ですか。", "definition")


def _ja_cloze(sentence: Sentence) -> Iterator[Question]:
    text = bare(sentence.text)
    if _JA_POINTS.match(text):
        return
    if hidden := _JA_NUMBER.search(text) or _longest(_JA_TERM, text):
        yield Question(f"「{_blanked(text, hidden)}」の空所に入る言葉は何ですか。", "cloze", hidden[0])


def _ja_topic(sentence: Sentence) -> Iterator[Question]:
    heading = bare(sentence.heading)
    if sentence.first and heading:
        yield Question(f"「{heading}」について何が書かれていますか。", "topic")


def _stands_alone(text: str) -> bool:
    """Whether it does not begin with a word that points to another sentence."""
    return text.split()[0].lower().strip(",;:") not in _POINTS_ELSEWHERE


def _names(subject: str) -> bool:
    """Whether no word of a subject points elsewhere or begins a clause."""
    return not any(word.lower() in _POINTS_ELSEWHERE for word in subject.split())


def _uncapitalised(subject: str) -> str:
    """A common noun in the middle of a sentence; an acronym or a name of several capitals stays as it is."""
    return subject if any(letter.isupper() for letter in subject[1:]) else subject[0].lower() + subject[1:]


def _longest(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return max(pattern.finditer(text), key=lambda found: len(found[0]), default=None)


def _blanked(text: str, hidden: re.Match[str]) -> str:
    return f"{text[: hidden.start()]}{BLANK}{text[hidden.end() :]}"


_FORMS: Final[dict[str, tuple[Callable[[Sentence], Iterator[Question]], ...]]] = {
    "en": (_en_asking_heading, _en_definition, _en_cloze, _en_topic),
    "ja": (_ja_asking_heading, _ja_definition, _ja_cloze, _ja_topic),
}
RANKS: Final = {"heading": 0, "definition": 1, "cloze": 2, "topic": 3}
"""Which form is taken first within a document."""
