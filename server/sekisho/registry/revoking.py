"""Taking a version out of use for good, with all that is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sekisho.identity.types import Action, Actor
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.database import Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import FieldError, Invalid, Revoked, Unwarranted
from sekisho.kernel.ids import new_id
from sekisho.kernel.references import Reference
from sekisho.ledger.service import Ledger
from sekisho.registry.finding import best, find
from sekisho.registry.lineage import EVERYTHING, digests_behind, lineage
from sekisho.registry.ports import Ports
from sekisho.registry.revocations import RevocationStore
from sekisho.registry.store import VersionStore
from sekisho.registry.types import Direction, Fallout, Pointer, Revocation, Version

MAX_REASON: Final = 2000
REVOKED: Final = "version.revoked"
"""Kind of a revocation's entry."""


@dataclass(frozen=True)
class Revoking(Ports):
    """Use cases of revocation. There is no way back: sound content is registered anew, as another version."""

    async def revoke(self, actor: Actor, reference: Reference, reason: str) -> Fallout:
        """Revoke a version's bytes, under every name that they have, and tell what is touched by it.

        The gate refuses the version and all that is made from it from now on, and stages that serve any of them
        answer `Revoked`. Revoking again changes nothing. Raises `Invalid` without a reason or a selector.
        """
        actor.require(reference.project, Action.OPERATE)
        said = checked_reason(reason)
        async with self.database.write() as tx:
            await self.ledger.lock(tx)
            stored, _ = await find(tx, reference, self.stages)
            known = await RevocationStore(tx).one_or_none(reference.project, stored.version.digest)
            revocation = known or await self.revoke_in(tx, actor, stored.version, said)
            version = (await find(tx, reference, self.stages))[0].version
            return await _fallout(tx, revocation, version)

    async def revoke_in(self, tx: Transaction, actor: Actor, version: Version, reason: str) -> Revocation:
        """`revoke` inside a transaction that holds the ledger's lock, of a version that is not revoked yet."""
        now = self.clock.now()
        made = Revocation(new_id(now), version.project, version.digest, reason, actor.principal, epoch_ms(now))
        await RevocationStore(tx).insert(made)
        # The words may name people, whom the ledger could never forget; the digest holds the row to them.
        body = {"revocation": made.id, "artifact": version.label, "number": version.number}
        body |= {"reason": digest_of([made.id, reason])}
        await self._record(tx, REVOKED, version.project, actor.principal, version.digest, body)
        return made


async def _fallout(tx: Transaction, revocation: Revocation, version: Version) -> Fallout:
    graph = await lineage(tx, version.project, version, Direction.DOWN, EVERYTHING)
    dependents = tuple(node.version for node in graph.nodes if node.depth > 0)
    serving = next(node.serving for node in graph.nodes if node.depth == 0)
    return Fallout(revocation, version, dependents, serving)


async def refuse_revoked(tx: Transaction, ledger: Ledger, version: Version, pointer: Pointer) -> None:
    """Raises `Revoked` where the version that a stage serves, or anything it is made from, is revoked.

    Raises `Unwarranted` where the ledger says so and the row is gone.
    """
    digests = await digests_behind(tx, version.project, version.digest)
    revoked = await RevocationStore(tx).all(version.project, digests)
    if not revoked:
        if not (await ledger.subjects(tx, project=version.project, kind=REVOKED)).isdisjoint(digests):
            raise Unwarranted(
                f"{pointer.stage} of {version.label} serves v{version.number}, and the ledger says that it, or what it "
                "is made from, is revoked; the row that says so is gone",
                remedy="the database was changed behind Sekisho's back; restore it from a backup",
            )
        return
    named = await VersionStore(tx).named(version.project, [revoked[0].digest])
    culprit = best(named[revoked[0].digest])
    by_way = "" if culprit.digest == version.digest else f", which is made from {culprit.label} v{culprit.number}"
    raise Revoked(
        f"{pointer.stage} of {version.label} serves v{version.number}{by_way}, and that is revoked: "
        f"{revoked[0].reason}",
        remedy=f"let an operator return it: sekisho rollback {version.label}@v<number> --at {pointer.stage}; "
        "or promote a version that is sound",
    )


def checked_reason(reason: str) -> str:
    """The reason without space around it. Raises `Invalid` where it says nothing, or too much."""
    said = reason.strip()
    if not 1 <= len(said) <= MAX_REASON or any(c < " " and c not in "\n\t" for c in said):
        raise Invalid(
            "a reason is needed",
            fields=[FieldError("$.reason", f"say why, in 1 to {MAX_REASON} characters without control characters")],
        )
    return said
