"""Options that limit a search to some documents; `index build` writes them into the manifest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any

import click

from sekisho.kernel.clock import epoch_ms

_DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
_OPTIONS = (
    click.option("--path-prefix", help="Search only documents whose path begins so."),
    click.option("--language", "languages", multiple=True, help="Search only documents in it; may be given again."),
    click.option("--licence", "licences", multiple=True, help="Search only documents under it; may be given again."),
    click.option("--since", type=_DAY, help="Search only documents that changed at that time (UTC) or later."),
    click.option("--until", type=_DAY, help="Search only documents that changed by then; a day counts whole."),
)


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` these options as one: `only`, the filter as the API takes it, or None."""

    @wraps(command)
    def inner(*args: Any, **options: Any) -> None:
        given = {
            "path_prefix": options.pop("path_prefix"),
            "languages": list(options.pop("languages")),
            "licences": list(options.pop("licences")),
            "since": _first(options.pop("since")),
            "until": _last(options.pop("until")),
        }
        only = {name: value for name, value in given.items() if value is not None and value != []}
        command(*args, only=only or None, **options)

    for option in reversed(_OPTIONS):
        inner = option(inner)
    return inner


def _first(time: datetime | None) -> int | None:
    return None if time is None else epoch_ms(time.replace(tzinfo=UTC))


def _last(time: datetime | None) -> int | None:
    """The last millisecond of the day where only a day was given."""
    if time is None:
        return None
    midnight = time == time.replace(hour=0, minute=0, second=0)
    return epoch_ms(time.replace(tzinfo=UTC) + timedelta(days=1 if midnight else 0)) - (1 if midnight else 0)
