"""Lineage: what a version is made from, what is made from it, and what serves it."""

from __future__ import annotations

import pytest

from sekisho.identity.types import Actor
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.errors import Invalid
from sekisho.kernel.references import parse_reference
from sekisho.registry.service import Registry
from sekisho.registry.types import Direction
from tests.registry import manifests
from tests.registry.manifests import register, register_agent


@pytest.mark.parametrize("depth", [0, 101])
async def test_a_depth_out_of_range_is_refused(registry: Registry, author: Actor, depth: int) -> None:
    """The depth is 1 to 100."""
    await register(registry, author, "system/docs", manifests.system())
    with pytest.raises(Invalid):
        await registry.lineage(author, parse_reference("system/docs"), Direction.UP, depth)


async def test_an_agents_closure_is_everything_it_is_made_from(registry: Registry, author: Actor) -> None:
    """System, prompt, model, index, and by way of the index the corpus."""
    digests = await register_agent(registry, author)
    async with registry.database.read() as tx:
        closure = await registry.closure(tx, "default", digests["agent"])
    assert closure.nodes.keys() == set(digests.values())
    assert closure.missing == ()
    assert {(edge.role, edge.from_digest) for edge in closure.edges} == {
        *((role, digests["agent"]) for role in ("system", "prompt", "model", "index")),
        ("corpus", digests["index"]),
    }


async def test_a_dangling_pin_is_missing_and_not_left_out(registry: Registry, author: Actor) -> None:
    """A digest that nothing stands under is told, so that the gate can deny."""
    async with registry.database.read() as tx:
        closure = await registry.closure(tx, "default", digest_of_bytes(b"nobody"))
    assert closure.missing == (digest_of_bytes(b"nobody"),)
    assert not closure.nodes


async def test_the_graph_upward_names_sources_and_stages(registry: Registry, author: Actor) -> None:
    """Each node has its distance, its outside sources, and every stage that serves it, directly or through an agent."""
    await register_agent(registry, author)
    version = await registry.one(author, parse_reference("agent/docs"))
    async with registry.database.write() as tx:
        await registry.move_pointer(tx, version=version, stage="dev", expected=None, decision_id="d", principal="a")
    graph = await registry.lineage(author, parse_reference("agent/docs"), Direction.UP, 10)
    nodes = {node.version.kind.value: node for node in graph.nodes}
    assert {kind: node.depth for kind, node in nodes.items()} == {
        "agent": 0, "system": 1, "prompt": 1, "model": 1, "index": 1, "corpus": 2,
    }  # fmt: skip
    assert all([serving.stage for serving in node.serving] == ["dev"] for node in graph.nodes)
    assert nodes["corpus"].serving[0].label == "agent/docs"
    assert [source.uri for source in nodes["corpus"].sources] == ["https://example.org/handbook.git", "git:c0ffee"]
    assert [source.uri for source in nodes["index"].sources] == ["embedder:minilm", "git:c0ffee"]
    assert not graph.truncated


async def test_the_graph_downward_tells_what_a_change_would_touch(registry: Registry, author: Actor) -> None:
    """From the corpus to the index and the agent; a short walk says that it was cut."""
    await register_agent(registry, author)
    whole = await registry.lineage(author, parse_reference("corpus/docs"), Direction.DOWN, 10)
    assert [(node.version.kind.value, node.depth) for node in whole.nodes] == [
        ("corpus", 0),
        ("index", 1),
        ("agent", 2),
    ]
    short = await registry.lineage(author, parse_reference("corpus/docs"), Direction.DOWN, 1)
    assert [node.version.kind.value for node in short.nodes] == ["corpus", "index"]
    assert short.truncated


async def test_one_digest_under_two_names_is_the_one_in_use(registry: Registry, author: Actor) -> None:
    """Of several names for the same bytes, the first that is not archived stands for them."""
    digest = (await register(registry, author, "prompt/old", manifests.prompt())).version.digest
    await register(registry, author, "prompt/new", manifests.prompt())
    async with registry.database.read() as tx:
        assert (await registry.of_digest(tx, "default", digest)).name in {"old", "new"}
    await registry.archive(author, parse_reference("prompt/old"))
    async with registry.database.read() as tx:
        assert (await registry.of_digest(tx, "default", digest)).name == "new"
