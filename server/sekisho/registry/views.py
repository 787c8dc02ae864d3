"""What the registry's doors take and give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from sekisho.kernel.pages import Page
from sekisho.registry.types import (
    Diff,
    Edge,
    Fallout,
    Lineage,
    Move,
    Pointer,
    Provenance,
    Registered,
    Serving,
    Source,
    Version,
)

Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]


class NewRegistration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What you say of this act of registering; none of it changes the version."""

    author: Annotated[str, Meta(description="The human author.", examples=["Ada <ada@example.org>"])] = ""
    message: str = ""
    commit: Annotated[str, Meta(examples=["6b91955"])] = ""
    ci_run: Annotated[str, Meta(description="URL of the CI run.")] = ""
    labels: dict[str, str] = {}

    def provenance(self) -> Provenance:
        return Provenance(self.author, self.message, self.commit, self.ci_run, self.labels)


class NewVersion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A manifest to register."""

    manifest: Annotated[
        dict[str, Any],
        Meta(
            examples=[
                {
                    "schema": "sekisho.prompt/v1",
                    "messages": [{"role": "user", "template": "Answer: {{ question }}"}],
                    "variables": {"question": {"type": "string"}},
                }
            ]
        ),
    ]
    registration: NewRegistration = msgspec.field(default_factory=NewRegistration)  # Litestar hashes plain defaults


class Rendering(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value for each of the prompt's variables."""

    variables: Annotated[dict[str, Any], Meta(examples=[{"question": "What is a stage?"}])] = {}


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why something is done that people will ask about."""

    reason: Annotated[str, Meta(min_length=1, max_length=2000, examples=["it answers with another tenant's data"])]


class Digests(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Digests to ask about."""

    digests: Annotated[list[Digest], Meta(max_length=20_000)]


class VersionSummary(msgspec.Struct, frozen=True):
    """A version without its manifest."""

    project: str
    kind: str
    name: str
    number: int
    digest: str
    created_at: int
    author: str
    archived: bool
    revoked: bool


class RegisteredView(msgspec.Struct, frozen=True):
    """The version that the manifest is, the registration's id, and whether the name had no such version before."""

    version: VersionSummary
    registration: str
    new: bool


class RevocationView(msgspec.Struct, frozen=True):
    """A revoked version, what is made from it, and every stage that serves any of them and now answers 410."""

    version: VersionSummary
    reason: str
    principal: str
    created_at: int
    dependents: Sequence[VersionSummary]
    serving: Sequence[Serving]


class Versions(msgspec.Struct, frozen=True):
    """A page of versions."""

    items: Sequence[VersionSummary]
    next_cursor: str | None


class DiffView(msgspec.Struct, frozen=True, rename={"before": "from", "after": "to"}, omit_defaults=True):
    """What changed: ``changes`` as steps on JSON pointers, or ``text`` as a unified diff."""

    before: VersionSummary
    after: VersionSummary
    changes: Sequence[Mapping[str, Any]] | None = None
    text: str | None = None


class Stages(msgspec.Struct, frozen=True):
    """What each stage serves, and the last moves, newest first."""

    pointers: Sequence[Pointer]
    moves: Sequence[Move]


class Node(msgspec.Struct, frozen=True):
    """A version in a lineage graph."""

    version: VersionSummary
    depth: int
    sources: Sequence[Source]
    serving: Sequence[Serving]


class LineageView(msgspec.Struct, frozen=True):
    """The graph around ``root``. Edges lead from what pins to what is pinned."""

    root: str
    direction: str
    nodes: Sequence[Node]
    edges: Sequence[Edge]
    missing: Sequence[str]
    truncated: bool


class ResolvedView(msgspec.Struct, frozen=True):
    """What a reference means now. ``stage``, ``decision_id`` and ``moved_at`` are null where it names no stage.

    ``integrity`` is ``verified``, ``drifted`` or ``unverified``: of an index its own, of an agent its pinned index's,
    as the last verification found it; null for every other kind.
    """

    project: str
    kind: str
    name: str
    selector: str
    stage: str | None
    digest: str
    number: int
    decision_id: str | None
    moved_at: int | None
    archived: bool
    revoked: bool
    integrity: Literal["verified", "drifted", "unverified"] | None
    manifest: dict[str, Any]
    etag: str


class Messages(msgspec.Struct, frozen=True):
    """The chat messages of a rendered prompt."""

    messages: Sequence[Mapping[str, str]]


def summary(version: Version) -> VersionSummary:
    return VersionSummary(**{name: getattr(version, name) for name in VersionSummary.__struct_fields__})


def versions_view(page: Page[Version]) -> Versions:
    return Versions([summary(version) for version in page.items], page.next_cursor)


def registered_view(registered: Registered) -> RegisteredView:
    return RegisteredView(summary(registered.version), registered.registration_id, registered.new)


def revocation_view(fallout: Fallout) -> RevocationView:
    said, dependents = fallout.revocation, [summary(version) for version in fallout.dependents]
    return RevocationView(
        summary(fallout.version), said.reason, said.principal, said.created_at, dependents, fallout.serving
    )


def diff_view(diff: Diff) -> DiffView:
    return DiffView(summary(diff.before), summary(diff.after), diff.steps, diff.text)


def lineage_view(graph: Lineage) -> LineageView:
    nodes = [Node(summary(node.version), node.depth, node.sources, node.serving) for node in graph.nodes]
    return LineageView(graph.root, graph.direction.value, nodes, graph.edges, graph.missing, graph.truncated)
