"""What `resolve` remembers between requests, and for how long: until anything has changed anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.references import Reference
from sekisho.registry.terms import Terms
from sekisho.registry.types import Pointer, Resolved, Version

MAX_REMEMBERED: Final = 10_000
Mark = tuple[int, int]


class Memory:
    """Answers by reference, all of one moment: the watch's marker and our own count of commits.

    The count makes this process forget at its own commit at once, where a notification takes a moment to come.
    """

    def __init__(self) -> None:
        self.generation = 0
        self._mark: Mark | None = None
        self._answers: dict[Reference, Resolved] = {}
        self._latest = 0
        self.proven: set[Pointer] = set()
        """Pointers whose decision's signature was checked by `check_pointers`; it holds for as long as they are so."""

    def forget(self) -> None:
        self.generation += 1

    def recall(self, reference: Reference, marker: int | None, now: Callable[[], int]) -> Resolved | None:
        """`now` gives epoch milliseconds; it is asked only where the answer ends by itself."""
        if marker is None or self._mark != (marker, self.generation):
            return None
        answer = self._answers.get(reference)
        if answer is None or answer.until is None:
            return answer
        self._latest = max(self._latest, now())  # a clock that is set back makes no answer last longer
        return answer if self._latest < answer.until else None

    def remember(self, reference: Reference, answer: Resolved, mark: Mark) -> None:
        """Keep an answer that was read after `mark` was taken."""
        if self._mark != mark or len(self._answers) >= MAX_REMEMBERED:
            self._answers.clear()
            self._mark = mark
        self._answers[reference] = answer


def answer_of(
    reference: Reference, version: Version, pointer: Pointer | None, integrity: str | None,
    terms: Terms | None = None,
) -> Resolved:  # fmt: skip
    """The JSON bytes of an answer, with the ETag that its content has: another integrity is another answer."""
    value = {
        "project": version.project,
        "kind": version.kind.value,
        "name": version.name,
        "selector": str(reference.selector),
        "stage": None if pointer is None else pointer.stage,
        "digest": version.digest,
        "number": version.number,
        "decision_id": None if pointer is None else pointer.decision_id,
        "moved_at": None if pointer is None else pointer.moved_at,
        "archived": version.archived,
        "revoked": version.revoked,
        "integrity": integrity,
        "override": None if terms is None else terms.override,
        "waived": [] if terms is None else terms.waived,
        "manifest": version.manifest,
    }
    etag = digest_of_bytes(msgspec.json.encode(value)).removeprefix("sha256:")[:32]
    until = None if terms is None else terms.holds_until
    return Resolved(msgspec.json.encode({**value, "etag": etag}), f'"{etag}"', until)
