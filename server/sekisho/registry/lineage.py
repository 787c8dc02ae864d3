"""Walking the graph of versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from sekisho.kernel.database import Transaction
from sekisho.registry.finding import best
from sekisho.registry.kinds import MANIFESTS
from sekisho.registry.pointers import StageStore
from sekisho.registry.store import RegistrationStore, VersionStore
from sekisho.registry.types import Closure, Direction, Edge, Lineage, LineageNode, Serving, Source, Version

EVERYTHING = 100


async def closure(tx: Transaction, project: str, root: str, *, version: Version | None = None) -> Closure:
    """The version and everything that it is made from; `version` says which name of the root is meant."""
    edges = await VersionStore(tx).behind(project, root)
    reached = {root, *(edge.to_digest for edge in edges)}
    nodes = await _named(tx, project, sorted(reached))
    if version is not None:
        nodes[root] = version
    return Closure(root, nodes, tuple(edges), tuple(sorted(reached - nodes.keys())))


async def digests_behind(tx: Transaction, project: str, digest: str) -> tuple[str, ...]:
    """The digest itself and every digest that it is made from, without reading a manifest."""
    edges = await VersionStore(tx).behind(project, digest)
    return tuple(dict.fromkeys([digest, *(edge.to_digest for edge in edges)]))


async def made_from(tx: Transaction, project: str, roots: Sequence[str]) -> tuple[Version, ...]:
    """The versions of these digests and everything that they are made from, each once."""
    depths, _, _ = await _walk(tx, project, roots, Direction.UP, EVERYTHING)
    return tuple((await _named(tx, project, list(depths))).values())


async def lineage(tx: Transaction, project: str, version: Version, direction: Direction, depth: int) -> Lineage:
    """The graph up or down from a version, `depth` steps far, with outside sources and the stages that serve each."""
    depths, edges, truncated = await _walk(tx, project, [version.digest], direction, depth)
    named = {**await _named(tx, project, list(depths)), version.digest: version}
    commits = await RegistrationStore(tx).commits(project, list(named))
    serving = await _serving(tx, project, list(named))
    nodes = [
        LineageNode(node, depths[digest], _sources(node, commits.get(digest, [])), serving[digest])
        for digest, node in named.items()
    ]
    nodes.sort(key=lambda node: (node.depth, node.version.kind, node.version.name, node.version.digest))
    missing = tuple(sorted(depths.keys() - named.keys()))
    return Lineage(version.digest, direction, tuple(nodes), tuple(edges), missing, truncated)


def _sources(version: Version, commits: Sequence[str]) -> tuple[Source, ...]:
    manifest = msgspec.convert(dict(version.manifest), MANIFESTS[version.kind])
    return (*manifest.external_sources(), *(Source("commit", f"git:{commit}") for commit in commits))


async def _walk(
    tx: Transaction, project: str, roots: Sequence[str], direction: Direction, depth: int
) -> tuple[dict[str, int], list[Edge], bool]:
    """Each digest reached with its distance, the edges between them, and whether the graph goes on."""
    depths = dict.fromkeys(roots, 0)
    edges: dict[Edge, None] = {}
    frontier = list(depths)
    for distance in range(1, depth + 1):
        found = await _edges(tx, project, frontier, direction)
        edges.update(dict.fromkeys(found))
        ends = [edge.to_digest if direction is Direction.UP else edge.from_digest for edge in found]
        frontier = [digest for digest in dict.fromkeys(ends) if digest not in depths]
        depths.update(dict.fromkeys(frontier, distance))
        if not frontier:
            return depths, list(edges), False
    return depths, list(edges), bool(await _edges(tx, project, frontier, direction))


async def _edges(tx: Transaction, project: str, digests: Sequence[str], direction: Direction) -> list[Edge]:
    store = VersionStore(tx)
    if direction is Direction.UP:
        return await store.edges_from(project, digests)
    return await store.edges_to(project, digests)


async def _named(tx: Transaction, project: str, digests: Sequence[str]) -> dict[str, Version]:
    found = await VersionStore(tx).named(project, digests)
    return {digest: best(found[digest]) for digest in digests if digest in found}


async def _serving(tx: Transaction, project: str, digests: Sequence[str]) -> Mapping[str, tuple[Serving, ...]]:
    """For each digest, the stages that point at it or at anything made from it."""
    depths, edges, _ = await _walk(tx, project, digests, Direction.DOWN, EVERYTHING)
    users: dict[str, list[str]] = {}
    for edge in edges:
        users.setdefault(edge.to_digest, []).append(edge.from_digest)
    pointers: dict[str, list[Serving]] = {}
    for pointer in await StageStore(tx).serving(project, list(depths)):
        found = Serving(pointer.stage, f"{pointer.kind}/{pointer.name}", pointer.digest)
        pointers.setdefault(pointer.digest, []).append(found)
    return {digest: _upward(digest, users, pointers) for digest in digests}


def _upward(digest: str, users: Mapping[str, list[str]], pointers: Mapping[str, list[Serving]]) -> tuple[Serving, ...]:
    reached = {digest: None}
    waiting = [digest]
    while waiting:
        for user in users.get(waiting.pop(), []):
            if user not in reached:
                reached[user] = None
                waiting.append(user)
    found = [serving for node in reached for serving in pointers.get(node, [])]
    return tuple(sorted(set(found), key=lambda item: (item.stage, item.label, item.digest)))
