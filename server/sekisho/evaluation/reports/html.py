"""A report as one HTML file that needs nothing else: no script, no asset, no address but the documentation's. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sekisho.evaluation.reports import figures, neutral, words
from sekisho.evaluation.reports.shape import CaseView, Reason, Report
from sekisho.evaluation.reports.texts import (
    LANGUAGES,
    MEANINGS,
    METHODS,
    NUMBERS,
    REASONS,
    SAID,
    VERDICTS,
    WORDS,
    Language,
)
from sekisho.kernel.clock import from_epoch_ms
from sekisho.kernel.digests import short

OPEN_REGRESSIONS: Final = 5
TEMPLATES: Final = Path(__file__).parent / "templates"
OPEN_CASES: Final = 10
"""The worst cases stand open; the others are opened by a click, and on paper."""


def html_of(report: Report, lang: Language = "en") -> str:
    """The page, with its texts in `lang`; what was measured stays in the language it was written in."""
    place = LANGUAGES.index(lang)
    style = _style()
    return _environment().get_template("report.html.j2").render(
        report=report,
        run=report["run"],
        lang=lang,
        style=Markup(style),  # noqa: S704  # our own file
        policy=policy_of(style),
        t={key: pair[place] for key, pair in WORDS.items()},
        verdict=VERDICTS[report["verdict"]["outcome"]][place],
        meaning=MEANINGS[report["verdict"]["outcome"]][place],
        explained={key: (title[place], told[place]) for key, (title, told) in METHODS.items()},
        reasons=[_reason(reason, place) for reason in report["verdict"]["reasons"]],
        metrics=figures.metric_rows(report),
        slices=figures.slice_figures(report),
        histograms=figures.histograms(report),
        changes=figures.change_rows(report) if "comparison" in report else None,
        anchors={case["case"]: f"c{number}" for number, case in enumerate(_anchored(report), 1)},
        names={key: pair[place] for key, pair in NUMBERS.items()},
        open_cases=OPEN_CASES,
        open_regressions=OPEN_REGRESSIONS,
    )  # fmt: skip


def _reason(reason: Reason, place: int) -> str:
    said = reason.get("said", "")
    told = SAID[said][place] if said in SAID else said
    return REASONS[reason["code"]][place].format(text=reason["text"], metric=reason.get("metric", ""), said=told)


def _anchored(report: Report) -> list[CaseView]:
    return [*report["cases"], *report.get("controls", [])]


def content_security_policy() -> str:
    """What a browser may do with the page: show it, with the one style that stands in it."""
    return policy_of(_style())


def policy_of(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _style() -> str:
    return (TEMPLATES / "report.css").read_text("utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        # Every value that a template prints comes through here, so that none can be forgotten.
        finalize=_inert,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(words=words, segments=_segments, bar_height=figures.BAR_HEIGHT)
    environment.filters.update(short=short, when=_when)
    return environment


def _inert(value: Any) -> Any:
    if isinstance(value, str) and not isinstance(value, Markup):
        return Markup(neutral.html(value))  # noqa: S704  # escaped by `neutral`
    return value


def _segments(case: Mapping[str, Any]) -> Sequence[tuple[str, int | None]]:
    return figures.segments(case["answer"], [flag["text"] for flag in case["flags"]])


def _when(milliseconds: int) -> str:
    return f"{from_epoch_ms(milliseconds):%Y-%m-%d %H:%M} UTC"
