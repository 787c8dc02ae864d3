"""The versions that move along with another under its one decision."""

from __future__ import annotations

from dataclasses import replace

from sekisho.gate.records import Promotion
from sekisho.gate.store import PromotionStore
from sekisho.kernel.clock import from_epoch_ms
from sekisho.kernel.database import Transaction
from sekisho.kernel.ids import new_id
from sekisho.registry.service import Registry
from sekisho.registry.types import Version


async def dependencies_of(tx: Transaction, registry: Registry, version: Version) -> tuple[Version, ...]:
    """Everything that the version is made from, by kind and name.

    Bytes that have several names move under the one that stands for them in the decision's lineage.
    """
    closure = await registry.closure(tx, version.project, version.digest)
    others = [node for digest, node in closure.nodes.items() if digest != version.digest]
    return tuple(sorted(others, key=lambda node: (node.kind, node.name, node.digest)))


async def move_along(tx: Transaction, registry: Registry, promotion: Promotion, along: tuple[Version, ...]) -> None:
    """Let the stage of an allowed promotion serve these too, in its transaction; what it serves already stays.

    Each leaves a promotion of its own, so that it counts as allowed there when somebody rolls back to it.
    """
    for version in along:
        pointer = await registry.pointer(tx, version.project, version.kind, version.name, promotion.stage)
        standing = None if pointer is None else pointer.digest
        if standing == version.digest:
            continue
        own = replace(
            promotion,
            id=new_id(from_epoch_ms(promotion.created_at)),
            kind=version.kind.value,
            name=version.name,
            digest=version.digest,
            idempotency_key=None,
            from_digest=standing,
        )
        await PromotionStore(tx).insert(own)
        await registry.move_pointer(
            tx,
            version=version,
            stage=promotion.stage,
            expected=standing,
            decision_id=promotion.decision_id,
            principal=promotion.requester,
        )
