"""Reading what callers say about principals and tokens: a valid value, or `Invalid` naming the field."""

from __future__ import annotations

import re
from typing import Final

from sekisho.identity.independence import email_of
from sekisho.identity.types import SYSTEM
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.references import parse_name

DEFAULT_DAYS: Final = 90
MAX_DAYS: Final = 365
DAY_MS: Final = 86_400_000
_EMAIL: Final = re.compile(r"[^\s@<>\"(),:;]{1,64}@[^\s@<>\"(),:;]{1,189}")


def parse_principal_name(name: str) -> str:
    if name == SYSTEM:
        raise Invalid(
            f"{SYSTEM!r} is the server itself", fields=[FieldError("$.name", "use another name for a principal")]
        )
    return parse_name(name, what="name")


def parse_email(text: str | None) -> str | None:
    """The address as written, without surrounding space; None where none is given."""
    if text is None:
        return None
    address = text.strip()
    if _EMAIL.fullmatch(address) is None or not address.isprintable() or len(email_of(address)) > 254:
        raise Invalid(
            "the e-mail is not an address", fields=[FieldError("$.email", "write name@domain, or leave it out")]
        )
    return address


def parse_display(text: str) -> str:
    if len(text) > 200 or not text.isprintable():
        raise Invalid(
            "the display name cannot be taken",
            fields=[FieldError("$.display", "use up to 200 printable characters")],
        )
    return text.strip()


def parse_days(days: int | None) -> int:
    """How long a token lives; None is the default of 90 days."""
    if days is None:
        return DEFAULT_DAYS
    if not 1 <= days <= MAX_DAYS:
        raise Invalid(
            "a token lives from one day to a year",
            fields=[FieldError("$.expires_in_days", f"use 1 to {MAX_DAYS}")],
        )
    return days
