"""The walks of the LIN, EVA and FAI rules."""

from __future__ import annotations

from typing import Final

from tests.remedies.walk import DENSE, HYBRID, Case, Scene

CASES: Final[list[Case]] = []


async def _dense(scene: Scene) -> None:
    scene.edit(DENSE)
    await scene.done("apply")
    await scene.done("eval")
    await scene.done("promote", "agent/docs-assistant", "--to", "staging")


async def _hybrid(scene: Scene) -> None:
    scene.edit(HYBRID)


CASES.append(Case("FAI-02", _dense, _hybrid))
