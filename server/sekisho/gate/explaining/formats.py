"""In which format a reader wants a decision, and the decision in it."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Final

from sekisho.evaluation.reports.neutral import json_text
from sekisho.gate.explaining.github import annotations_of
from sekisho.gate.explaining.junit import junit_of
from sekisho.gate.explaining.markdown import markdown_of
from sekisho.gate.explaining.sarif import sarif_of
from sekisho.gate.explaining.shape import Told
from sekisho.gate.explaining.text import explain_text
from sekisho.kernel.errors import FieldError, Invalid


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    SARIF = "sarif"
    GITHUB = "github"
    MARKDOWN = "markdown"


# Text is served as UTF-8, which the server adds to these itself.
MEDIA_TYPES: Final = {
    Format.TEXT: "text/plain",
    Format.JSON: "application/json",
    Format.JUNIT: "application/xml",
    Format.SARIF: "application/sarif+json",
    Format.GITHUB: "text/plain",
    Format.MARKDOWN: "text/markdown",
}


def format_of(named: str) -> Format:
    """Raises `Invalid` for a name that is none."""
    if named not in set(Format):
        fields = [FieldError("$.format", f"one of {', '.join(Format)}")]
        raise Invalid("a decision is not told in this format", fields=fields)
    return Format(named)


def rendered(decision: Told, form: Format, *, every_rule: bool = True) -> str:
    """The decision in this format; `every_rule` matters to text alone."""
    match form:
        case Format.TEXT:
            return explain_text(decision, every_rule=every_rule) + "\n"
        case Format.JSON:
            return _json(dict(decision))
        case Format.JUNIT:
            return junit_of(decision)
        case Format.SARIF:
            return _json(sarif_of(decision))
        case Format.GITHUB:
            return annotations_of(decision)
        case Format.MARKDOWN:
            return markdown_of(decision)


def _json(value: object) -> str:
    return json_text(json.dumps(value, ensure_ascii=False, indent=2)) + "\n"
