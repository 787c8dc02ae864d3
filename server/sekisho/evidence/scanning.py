"""What a version's own bytes say of licences. Pure: bytes in, findings out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sekisho.evidence.licence_texts import is_licence_file, licence_of, said_of_itself
from sekisho.evidence.types import LicenceFinding
from sekisho.kernel.errors import Invalid
from sekisho.kernel.json import decode_json

SCANNER: Final = "sekisho-licences/1"
"""Moves whenever the same bytes may give other findings."""
MAX_FINDINGS: Final = 100
_SAID: Final = 200
Source = Literal["manifest", "document", "file", "package", "host"]


@dataclass
class Findings:
    """Collects findings: the same words from the same kind of source are one, counted."""

    _seen: dict[tuple[Source, str], LicenceFinding] = field(default_factory=dict)

    def add(self, source: Source, place: str, said: str) -> None:
        words = " ".join(said.split())[:_SAID]
        earlier = self._seen.get((source, words))
        count = earlier.count + 1 if earlier else 1
        first = earlier.place if earlier else place
        self._seen[source, words] = LicenceFinding(source, first[:_SAID], words, count)

    def add_text(self, source: Source, place: str, text: str) -> None:
        """A licence's text, or its short name; where nobody can say which it is, its first words stand for it."""
        name = text.strip()
        short = name if name and "\n" not in name and len(name) <= _SAID else ""
        self.add(source, place, licence_of(text) or short or f"a text that begins: {' '.join(name.split())[:80]}")

    @property
    def all(self) -> tuple[LicenceFinding, ...]:
        """In one order. Beyond `MAX_FINDINGS` one that nobody can read says how many are left out."""
        found = sorted(self._seen.values(), key=lambda one: (one.source, one.said))
        if len(found) <= MAX_FINDINGS:
            return tuple(found)
        rest = len(found) - MAX_FINDINGS
        return (*found[:MAX_FINDINGS], LicenceFinding("document", "", f"and {rest} findings more", rest))


def declared(findings: Findings, manifest: Mapping[str, Any]) -> None:
    """What a manifest declares: of the whole, and of single files where they differ."""
    if manifest.get("licence"):
        findings.add("manifest", "licence", manifest["licence"])
    for file in manifest.get("files", ()):
        if file.get("licence"):
            findings.add("manifest", file["path"], file["licence"])


def in_documents(findings: Findings, documents: Iterable[tuple[str, bytes]]) -> None:
    """What documents say of themselves, and licence files among them of what stands beside them."""
    for path, data in documents:
        text = data.decode("utf-8", errors="replace")
        if is_licence_file(path):
            findings.add_text("file", path, text)
            continue
        for said in said_of_itself(text):
            findings.add("document", path, said)


def in_cases(findings: Findings, data: bytes) -> None:
    """What the rows of a dataset (JSON Lines) say of themselves in a field ``licence`` or ``license``."""
    for number, row in _rows(data):
        for name in ("licence", "license"):
            if isinstance(row.get(name), str) and row[name].strip():
                findings.add("document", f"line {number}", row[name])


def _rows(data: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if b"licen" not in line.lower():
            continue
        try:
            row = decode_json(line)
        except Invalid:
            continue  # a registered dataset has no such lines
        if isinstance(row, dict):
            yield number, row
