"""The one error tree. It knows nothing of HTTP; ``http/`` maps each class to a status once.

::

    SekishoError
    ├── Invalid               the caller's input is wrong; names each offending field
    │   └── AmbiguousReference
    ├── Unauthenticated       no token, or one that is unknown, expired or revoked
    ├── Forbidden             the principal may not do this
    ├── NotFound              no such thing, or not visible from this project
    ├── Conflict              the state has moved on, or the same key means something else
    ├── Archived              the thing is archived; it answers but takes nothing new
    ├── Revoked               the thing, or a part it is made from, was revoked and may not be used again
    ├── TooLarge              over a stated limit
    ├── Unavailable           a part that is needed cannot be reached; nothing was written
    │   ├── EngineFailed      the policy engine gave no usable answer
    │   └── ModelFailed       a model host gave no usable answer
    ├── IntegrityFailed       stored bytes do not have the digest they are kept under
    │   └── Unwarranted       a stage's pointer that no signed decision bears out; it is not served
    │       └── Lapsed        the break-glass that put it there is over; it is not served until it was judged again
    └── ExtraMissing          the command needs an optional part of the package
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FieldError:
    """One offending place of an input.

    ``path`` is a JSON path from the root of the input (``$.messages[0].role``);
    ``message`` says what is wrong there and, where it helps, what would be right.
    """

    path: str
    message: str


class SekishoError(Exception):
    """Base of every error a caller may see.

    ``detail`` says what happened, specifically. ``remedy`` says what to do about it, where that is known.
    """

    title = "Sekisho could not do this"

    def __init__(self, detail: str, *, remedy: str | None = None, fields: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.fields = tuple(fields)

    def __str__(self) -> str:
        places = "".join(f"\n  {field.path}: {field.message}" for field in self.fields)
        return self.detail + places + (f"\n  what to do: {self.remedy}" if self.remedy else "")


class Invalid(SekishoError):
    title = "The input is not valid"


class AmbiguousReference(Invalid):
    title = "The reference means more than one version"


class Unauthenticated(SekishoError):
    title = "No valid token"


class Forbidden(SekishoError):
    title = "Not permitted"


class NotFound(SekishoError):
    title = "Not found"


class Conflict(SekishoError):
    title = "Conflict with the current state"


class Archived(SekishoError):
    title = "Archived"


class Revoked(SekishoError):
    title = "Revoked"


class TooLarge(SekishoError):
    title = "Too large"


class Unavailable(SekishoError):
    title = "A part that is needed is not available"


class EngineFailed(Unavailable):
    title = "The policy engine gave no usable answer"


class ModelFailed(Unavailable):
    title = "The model gave no usable answer"


class IntegrityFailed(SekishoError):
    title = "Stored content does not match its digest"


class Unwarranted(IntegrityFailed):
    title = "No signed decision bears this out"


class Lapsed(Unwarranted):
    title = "The override is over"


class ExtraMissing(SekishoError):
    title = "An optional part of Sekisho is not installed"


THE_CALLERS: Final = (Invalid, Unauthenticated, Forbidden, NotFound, Conflict, Archived, Revoked, TooLarge)
"""What is wrong with a request itself: its caller can mend it, and to ask again as it was is no help."""
