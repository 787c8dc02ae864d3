"""A stage that serves one version, and people who could break the glass for another."""

from __future__ import annotations

from typing import Any

import msgspec

from sekisho.gate.overrides.types import BreakGlass
from sekisho.gate.service import Promoted
from sekisho.identity.types import Actor, Role
from sekisho.kernel.references import Kind, Reference, Stage
from sekisho.registry.types import Version
from tests.gate.world import World, answer, exactly

WHY = "customers cannot log in; v1 loops"
DENIED = answer(EVA_03="failed", OVS_01="missing", LIN_01="passed")
PRODUCTION = Reference("default", Kind.AGENT, "docs", Stage("production"))


class Scene:
    """An author, someone who may break the glass, and two versions; production serves the first by an allow."""

    def __init__(self, world: World, alice: Actor, grace: Actor, one: Version, two: Version) -> None:
        self.world, self.alice, self.grace, self.one, self.two = world, alice, grace, one, two

    async def broken(self, *, hours: int = 4, version: Version | None = None, by: Actor | None = None) -> Promoted:
        """What comes of breaking the glass for the second version, which policy denies."""
        self.world.engine.answers = [DENIED]
        return await self.world.gate.promote(
            by or self.grace, exactly(version or self.two), "production", break_glass=BreakGlass(WHY, hours)
        )

    async def resolved(self) -> dict[str, Any]:
        """What an application is told of production."""
        told: dict[str, Any] = msgspec.json.decode((await self.world.registry.resolve(self.alice, PRODUCTION)).body)
        return told


async def build_scene(world: World) -> Scene:
    """Policy allows the first version at production."""
    alice = await world.person("alice", Role.AUTHOR, Role.OPERATOR)
    grace = await world.person("grace", Role.BREAKGLASS)
    one, two = [await world.agent(alice, text=f"{n} {{{{ context }}}}") for n in (1, 2)]
    assert (await world.gate.promote(alice, exactly(one), "production")).applied
    return Scene(world, alice, grace, one, two)
