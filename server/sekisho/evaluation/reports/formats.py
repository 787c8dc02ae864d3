"""In which format a reader wants a report, and the report in it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sekisho.evaluation.reports import neutral
from sekisho.evaluation.reports.json import MAX_SHOWN_CASES, SHOWN_CASES
from sekisho.evaluation.reports.junit import junit_of
from sekisho.evaluation.reports.markdown import markdown_of
from sekisho.evaluation.reports.methods import DOCS, docs_page
from sekisho.evaluation.reports.shape import Report
from sekisho.evaluation.reports.texts import LANGUAGES, Language
from sekisho.kernel.errors import FieldError, Invalid


class Format(StrEnum):
    JSON = "json"
    JUNIT = "junit"
    MARKDOWN = "markdown"
    HTML = "html"


# Text is served as UTF-8, which the server adds to these itself.
MEDIA_TYPES: Final = {
    Format.JSON: "application/json",
    Format.JUNIT: "application/xml",
    Format.MARKDOWN: "text/markdown",
    Format.HTML: "text/html",
}
ENDINGS: Final = {Format.JSON: "json", Format.JUNIT: "xml", Format.MARKDOWN: "md", Format.HTML: "html"}
_ACCEPTED: Final = {
    "application/json": Format.JSON,
    "application/xml": Format.JUNIT,
    "text/xml": Format.JUNIT,
    "text/markdown": Format.MARKDOWN,
    "text/html": Format.HTML,
}


@dataclass(frozen=True, slots=True)
class Wish:
    """How a report is wanted. `cases` bounds the cases that it holds, unless it is `whole`; `docs` is where numbers
    link to, `server` where the API is known to answer.
    """

    format: Format = Format.JSON
    lang: Language = "en"
    cases: int = SHOWN_CASES
    docs: str = DOCS
    whole: bool = False
    server: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    content: bytes
    media_type: str
    filename: str


def wish_of(
    named: str | None, accept: str = "", *, lang: str = "en", cases: int | None = None, docs: str = DOCS
) -> Wish:
    """A wish from a request: the format by name, else the best that `accept` asks for, else JSON.

    Where no number of cases is asked for, JUnit has all of them, since a program reads it. Raises `Invalid`, naming
    each parameter that is wrong.
    """
    wrong = []
    if named is not None and named not in set(Format):
        wrong.append(FieldError("$.format", f"one of {', '.join(Format)}"))
    if lang not in LANGUAGES:
        wrong.append(FieldError("$.lang", f"one of {', '.join(LANGUAGES)}"))
    if cases is not None and not 0 <= cases <= MAX_SHOWN_CASES:
        wrong.append(FieldError("$.cases", f"a number from 0 to {MAX_SHOWN_CASES}"))
    if wrong:
        raise Invalid("the report cannot be made like this", fields=wrong)
    language: Language = "ja" if lang == "ja" else "en"
    form = Format(named) if named else accepted(accept)
    shown = SHOWN_CASES if cases is None else cases
    return Wish(form, language, shown, docs_page(docs), whole=form is Format.JUNIT and cases is None)


def accepted(accept: str) -> Format:
    """The format that an Accept header prefers (RFC 9110, section 12.5.1); JSON where it names none that we have."""
    best, weight = Format.JSON, 0.0
    for part in accept.split(","):
        media, _, parameters = part.partition(";")
        wanted = _ACCEPTED.get(media.strip().lower())
        quality = _quality(parameters)
        if wanted is not None and quality > weight:
            best, weight = wanted, quality
    return best


def render(report: Report, wish: Wish) -> Rendered:
    """The report in the format and language wished for."""
    return Rendered(_text(report, wish).encode(), MEDIA_TYPES[wish.format], filename_of(report, wish.format))


def filename_of(report: Report, form: Format) -> str:
    return f"sekisho-{report['run']['id']}.{ENDINGS[form]}"


def _text(report: Report, wish: Wish) -> str:
    match wish.format:
        case Format.JSON:
            return neutral.json_text(json.dumps(report, ensure_ascii=False, indent=2)) + "\n"
        case Format.JUNIT:
            return junit_of(report)
        case Format.MARKDOWN:
            return markdown_of(report)
        case Format.HTML:
            from sekisho.evaluation.reports.html import html_of  # templates are slow to load, and seldom asked for

            return html_of(report, wish.lang)


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
