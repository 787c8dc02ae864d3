"""Values of the registry. Times are epoch milliseconds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.references import Kind

MAX_LABELS: Final = 32
_LABEL_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._/-]{0,62}[a-z0-9])?")
_LIMITS: Final = {"author": 200, "message": 4000, "commit": 200, "ci_run": 1000}


@dataclass(frozen=True, slots=True)
class Dependency:
    """A pinned reference inside a manifest: in the role `role` stands a `kind` with this digest, named at `path`."""

    role: str
    kind: Kind
    digest: str
    path: str


@dataclass(frozen=True, slots=True)
class Source:
    """Something outside Sekisho that a version comes from: a git commit, a URL, a DVC or lakeFS URI, an embedder."""

    role: str
    uri: str
    digest: str | None = None
    retrieved_at: int | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """What the registering party says of one act of registering; none of it changes the version.

    `author` is the human author, by name or e-mail; the gate compares it with who approves.
    """

    author: str = ""
    message: str = ""
    commit: str = ""
    ci_run: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wrong = [
            FieldError(f"$.registration.{name}", f"longer than {limit} characters, or with a control character")
            for name, limit in _LIMITS.items()
            if not _plain(getattr(self, name), limit)
        ]
        if self.ci_run and not self.ci_run.startswith(("https://", "http://")):
            wrong.append(FieldError("$.registration.ci_run", "give the run's http or https URL"))
        if len(self.labels) > MAX_LABELS:
            wrong.append(FieldError("$.registration.labels", f"at most {MAX_LABELS} labels"))
        wrong += [
            FieldError(
                f"$.registration.labels.{name}",
                "a name is 1 to 64 of a-z, 0-9, '.', '_', '/', '-'; a value at most 200 characters",
            )
            for name, value in self.labels.items()
            if _LABEL_NAME.fullmatch(name) is None or not _plain(value, 200)
        ]
        if wrong:
            raise Invalid("the registration is not valid", fields=wrong)


def _plain(text: str, limit: int) -> bool:
    return len(text) <= limit and not any(c < " " and c not in "\n\t" for c in text)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A named thing of one kind. `latest` is the number of the version registered last, `versions` their count.

    `labels` are those of the last registration.
    """

    id: str
    project: str
    kind: Kind
    name: str
    created_at: int
    archived: bool
    versions: int
    latest: int
    labels: Mapping[str, str]

    @property
    def label(self) -> str:
        return f"{self.kind}/{self.name}"


class Version(Struct, frozen=True):
    """An immutable manifest under its artifact's name. A struct, like `Edge`: a closure has ten thousands of them.

    `number` counts the artifact's distinct versions from 1; `author` is the human author of the first registration;
    `archived` is true where the version or its whole artifact is archived.
    """

    project: str
    kind: Kind
    name: str
    number: int
    digest: str
    manifest: Mapping[str, Any]
    created_at: int
    author: str
    archived: bool
    revoked: bool

    @property
    def label(self) -> str:
        return f"{self.kind}/{self.name}"

    def __str__(self) -> str:
        return f"{self.project}/{self.kind}/{self.name}@v{self.number}"


@dataclass(frozen=True, slots=True)
class Registration:
    """One act of registering a version, as it was said then and by which principal's token."""

    id: str
    project: str
    kind: Kind
    name: str
    number: int
    digest: str
    principal: str
    author: str
    message: str
    commit: str
    ci_run: str
    labels: Mapping[str, str]
    created_at: int


@dataclass(frozen=True, slots=True)
class Registered:
    """The outcome of `register`: the version, the registration's id, and whether the name had no such bytes."""

    version: Version
    registration_id: str
    new: bool


class Edge(Struct, frozen=True):
    """`from_digest` names `to_digest` in the role `role`."""

    role: str
    from_digest: str
    to_digest: str


@dataclass(frozen=True, slots=True)
class Closure:
    """A version and everything that it is made from, by digest; edges in no order.

    Nothing is registered under the `missing` digests.
    """

    root: str
    nodes: Mapping[str, Version]
    edges: tuple[Edge, ...]
    missing: tuple[str, ...]


class Direction(StrEnum):
    """Which way lineage is followed: what a version is made from, or what is made from it."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Serving:
    """A stage whose pointer names `digest`, being `label`: what the node of a lineage graph is in use for."""

    stage: str
    label: str
    digest: str


@dataclass(frozen=True, slots=True)
class LineageNode:
    """A version in the graph, its distance from the root, where it comes from, and which stages serve it.

    `serving` counts a stage of the version itself and of everything made from it: a prompt is in production when an
    agent that pins it is.
    """

    version: Version
    depth: int
    sources: tuple[Source, ...]
    serving: tuple[Serving, ...]


@dataclass(frozen=True, slots=True)
class Lineage:
    """The graph around a version. `truncated` says that it goes on beyond the depth asked for."""

    root: str
    direction: Direction
    nodes: tuple[LineageNode, ...]
    edges: tuple[Edge, ...]
    missing: tuple[str, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class Revocation:
    """That the bytes of this digest may not be used any more, why, and who said so."""

    id: str
    project: str
    digest: str
    reason: str
    principal: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Fallout:
    """What a revocation touches: every version that is made from this one, and every stage that serves any of them."""

    revocation: Revocation
    version: Version
    dependents: tuple[Version, ...]
    serving: tuple[Serving, ...]


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a stage serves now. `seq` counts the moves of this artifact's stage from 1."""

    project: str
    kind: Kind
    name: str
    stage: str
    digest: str
    number: int
    decision_id: str
    moved_at: int
    seq: int


@dataclass(frozen=True, slots=True)
class Move:
    """One move of a stage's pointer; `from_digest` is None where nothing stood there before.

    `to_digest` and `number` are None where the stage was emptied.
    """

    stage: str
    seq: int
    from_digest: str | None
    to_digest: str | None
    number: int | None
    decision_id: str
    principal: str
    moved_at: int


@dataclass(frozen=True, slots=True)
class Resolved:
    """A reference's meaning as ready JSON bytes, and the ETag that stands for exactly these bytes.

    It holds until the epoch millisecond `until`, whatever else happens or does not; None: for as long as nothing does.
    """

    body: bytes
    etag: str
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """Two versions and what changed between them: as `steps`, or as unified `text`, whichever was asked for."""

    before: Version
    after: Version
    steps: tuple[Mapping[str, Any], ...] | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One step of a diff: `op` is ``add``, ``remove`` or ``replace``, `path` a JSON pointer."""

    op: str
    path: str
    before: Any = None
    after: Any = None
