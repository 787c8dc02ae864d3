"""A profile, from documents one after the other: no more than a sketch of each is held. Pure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sekisho.indexing.profiles.detectors import DETECTORS, Detector
from sekisho.indexing.profiles.likeness import Sketch, nearly_same, normal, same, sketch_of
from sekisho.indexing.profiles.types import Alike, Bin, Dated, Finding, Left, Lengths, Profile, Profiled, Share

FIRST: Final = 20
GROUPS: Final = 100
_DAY_MS: Final = 86_400_000
_SCRIPTS: Final = {
    "Japanese kana": re.compile(r"[\u3040-\u30ff]"),
    "Hangul": re.compile(r"[\uac00-\ud7af]"),
    "Han": re.compile(r"[\u3400-\u9fff]"),
    "Cyrillic": re.compile(r"[\u0400-\u04ff]"),
    "Arabic": re.compile(r"[\u0600-\u06ff]"),
    "Devanagari": re.compile(r"[\u0900-\u097f]"),
    "Latin": re.compile(r"[A-Za-z\u00c0-\u024f]"),
}
_READ: Final = 20_000


class Profiler:
    """Takes documents, and gives the profile of all of them at the end."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._seen: dict[str, Profiled] = {}
        self._characters: dict[str, int] = {}
        self._digests: dict[str, str] = {}
        self._sketches: dict[str, Sketch] = {}
        self._scripts: dict[str, str] = {}
        self._matches: dict[str, dict[str, int]] = defaultdict(dict)

    def add(self, document: Profiled) -> None:
        text = document.text
        plain = normal(text)
        self._seen[document.path] = _without_text(document)
        self._characters[document.path] = len(text)
        self._digests[document.path] = hashlib.sha256(plain.encode()).hexdigest()
        self._sketches[document.path] = sketch_of(plain)
        self._scripts[document.path] = script_of(text)
        for detector in DETECTORS:
            if count := detector.count(text):
                self._matches[detector.name][document.path] = count

    def add_all(self, documents: Iterable[Profiled]) -> None:
        for document in documents:
            self.add(document)

    def profile(self, refused: Iterable[Left] = ()) -> Profile:
        seen = list(self._seen.values())
        empty = sorted(path for path, digest in self._digests.items() if digest == _EMPTY)
        full = {path: digest for path, digest in self._digests.items() if digest != _EMPTY}
        duplicates = same(full)
        # One of each group of equals is enough to find what is nearly like them.
        repeated = {path for group in duplicates for path in group.documents[1:]}
        near = nearly_same({path: sketch for path, sketch in self._sketches.items() if path in full.keys() - repeated})
        dated = sorted((one.time, path) for path, one in self._seen.items() if one.time is not None)
        due = sorted(
            (one.time + one.retention_days * _DAY_MS, path)
            for path, one in self._seen.items()
            if one.time is not None and one.retention_days is not None
        )
        return Profile(
            title=self.title,
            documents=len(seen),
            bytes=sum(one.bytes for one in seen),
            characters=sum(self._characters.values()),
            empty=tuple(empty[:FIRST]),
            media_types=_shares((one.media_type, one.bytes) for one in seen),
            languages=_shares((one.language, one.bytes) for one in seen),
            scripts=_shares((self._scripts[one.path], one.bytes) for one in seen),
            licences=_shares((one.licence, one.bytes) for one in seen),
            lengths=lengths_of(sorted(self._characters.values())),
            duplicates=tuple(duplicates[:GROUPS]),
            duplicate_documents=_spare(duplicates),
            near_duplicates=tuple(near[:GROUPS]),
            near_duplicate_documents=_spare(near),
            findings=tuple(_finding(one, self._matches[one.name]) for one in DETECTORS if self._matches[one.name]),
            personal_data=_shares((_SAID[one.personal_data], one.bytes) for one in seen),
            oldest=Dated(document=dated[0][1], time=dated[0][0]) if dated else None,
            newest=Dated(document=dated[-1][1], time=dated[-1][0]) if dated else None,
            undated=len(seen) - len(dated),
            with_retention=sum(one.retention_days is not None for one in seen),
            first_due=Dated(document=due[0][1], time=due[0][0]) if due else None,
            refused=tuple(refused),
        )


_EMPTY: Final = hashlib.sha256(b"").hexdigest()
_SAID: Final[Mapping[bool | None, str]] = {True: "declared: yes", False: "declared: no", None: "not declared"}


def _without_text(document: Profiled) -> Profiled:
    return Profiled(
        document.path, "", document.bytes, document.media_type, document.language, document.licence, document.time,
        document.personal_data, document.retention_days,
    )  # fmt: skip


def script_of(text: str) -> str:
    """The script that most of the text's first letters are in. Kana make a text Japanese, however many Han it has."""
    counts = {name: len(pattern.findall(text[:_READ])) for name, pattern in _SCRIPTS.items()}
    letters = sum(counts.values())
    if not letters:
        return "none"
    if counts["Japanese kana"] * 20 > letters:
        return "Japanese"
    return max(counts, key=lambda name: counts[name])


def lengths_of(characters: Sequence[int]) -> Lengths:
    """Of sorted lengths; all zero where there are none."""

    def rank(share: float) -> int:
        return characters[max(0, -int(-share * len(characters) // 1) - 1)] if characters else 0

    powers = Counter(length.bit_length() for length in characters)
    histogram = [
        Bin(least=0 if power == 0 else 1 << (power - 1), below=1 << power, documents=powers[power])
        for power in range(min(powers, default=0), max(powers, default=-1) + 1)
    ]
    return Lengths(
        shortest=rank(0), lower_quartile=rank(0.25), median=rank(0.5), upper_quartile=rank(0.75), longest=rank(1),
        histogram=tuple(histogram),
    )  # fmt: skip


def _shares(named: Iterable[tuple[str, int]]) -> tuple[Share, ...]:
    documents: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for name, size in named:
        documents[name] += 1
        sizes[name] += size
    order = sorted(documents, key=lambda name: (-documents[name], name))
    return tuple(Share(name=name, documents=documents[name], bytes=sizes[name]) for name in order)


def _spare(groups: Sequence[Alike]) -> int:
    """How many documents would go if one of each group stayed."""
    return sum(len(group.documents) - 1 for group in groups)


def _finding(detector: Detector, matches: Mapping[str, int]) -> Finding:
    return Finding(
        detector=detector.name,
        kind=detector.kind,
        matches=sum(matches.values()),
        documents=len(matches),
        first=tuple(sorted(matches)[:FIRST]),
        limits=detector.limits,
    )
