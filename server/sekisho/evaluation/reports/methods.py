"""Where it is written how a number is made: each number's section of the page on statistics. Pure."""

from __future__ import annotations

import re
from typing import Final

from sekisho.kernel.errors import FieldError, Invalid

DOCS: Final = "docs/statistics.md"
"""The page within this project's tree. A report may be asked for with the address at which a reader can open it."""

ANCHORS: Final = (
    "verdict",
    "mean",
    "interval",
    "coverage",
    "pessimistic-interval",
    "gap",
    "paired-difference",
    "mcnemar",
    "non-inferiority",
    "holm",
    "posterior",
    "minimum-detectable-effect",
)
_BASE: Final = re.compile(r"https?://[A-Za-z0-9._~:/?&=%+\-\[\]]{1,500}|[A-Za-z0-9._\-][A-Za-z0-9._/\-]{0,200}")


def methods(docs: str) -> dict[str, str]:
    """Every section with its address."""
    return {anchor: f"{docs}#{anchor}" for anchor in ANCHORS}


def docs_page(text: str) -> str:
    """The address as given. Raises `Invalid` for what is neither a web address nor a relative path."""
    if not _BASE.fullmatch(text):
        raise Invalid(
            "the address of the documentation is not valid",
            fields=[FieldError("$.docs", "an http or https address, or a relative path, without a fragment")],
        )
    return text
