"""What each stage serves: resolving it, and the one way to move it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sekisho.identity.types import Action, Actor
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.database import Transaction
from sekisho.kernel.errors import Archived, Conflict, Lapsed, Unwarranted
from sekisho.kernel.logging import get_logger
from sekisho.kernel.references import Kind, Number, Reference
from sekisho.registry.artifacts import ArtifactStore
from sekisho.registry.finding import artifact_of, find, known_stage, or_latest
from sekisho.registry.lineage import made_from
from sekisho.registry.memory import MAX_REMEMBERED, answer_of
from sekisho.registry.pointers import StageStore
from sekisho.registry.ports import Ports
from sekisho.registry.revoking import refuse_revoked
from sekisho.registry.terms import Terms
from sekisho.registry.types import Move, Pointer, Resolved, Version

MAX_MOVES = 100
_log = get_logger("sekisho.registry")


@dataclass(frozen=True)
class Staging(Ports):
    """Use cases of stages."""

    async def resolve(self, actor: Actor, reference: Reference, marker: int | None = None) -> Resolved:
        """What a reference means now, from memory unless anything was committed since.

        `marker` is the watch's, where the caller has just looked. Raises `Revoked` for a stage that serves a version
        which is revoked, or made from one that is: what was taken out of use is not handed out. Raises `Unwarranted`
        for a pointer that no signed decision put there, `Lapsed` for one that an override put there which is over.
        """
        if marker is None:
            marker = self.watch.marker()
        if (remembered := self.remembered(actor, reference, marker)) is not None:
            return remembered
        generation = self.memory.generation
        async with self.database.read() as tx:
            stored, pointer = await find(tx, or_latest(reference), self.stages)
            terms = None
            if pointer is not None:
                terms = await self._bear_out(tx, stored.artifact_id, pointer)
                await refuse_revoked(tx, self.ledger, stored.version, pointer)
            integrity = await self._integrity(tx, stored.version)
        answer = answer_of(or_latest(reference), stored.version, pointer, integrity, terms)
        if marker is not None:
            self.memory.remember(reference, answer, (marker, generation))
        return answer

    async def _bear_out(self, tx: Transaction, artifact_id: str, pointer: Pointer) -> Terms:
        """Raises `Unwarranted` unless the stage's last move and a signed decision put the pointer where it is."""
        moves = await StageStore(tx).moves(artifact_id, 1, pointer.stage)
        last = [(move.seq, move.to_digest, move.decision_id) for move in moves]
        if last != [(pointer.seq, pointer.digest, pointer.decision_id)]:
            raise Unwarranted(
                f"{pointer.stage} of {pointer.kind}/{pointer.name} points at v{pointer.number} and is not served: "
                "its last move put it elsewhere",
                remedy="the database was changed behind Sekisho's back; restore it from a backup",
            )
        return await self.warrants.check(tx, pointer)

    async def check_pointers(self) -> None:
        """Every pointer of every project, for readiness. Raises `Unwarranted` with their number; the log names them.

        Only signatures that this process has checked are taken from memory, never where a pointer stands. An override
        that is over is logged, and no reason to take the whole server away: `resolve` refuses that stage alone.
        """
        wrong = 0
        async with self.database.read() as tx:
            wrong += len(astray := await StageStore(tx).astray())
            for artifact_id, stage in astray:
                _log.error("a stage's pointer is not where its last move put it", artifact=artifact_id, stage=stage)
            for pointer in await StageStore(tx).everywhere():
                wrong += not await self._proven(tx, pointer)
        if wrong:
            raise Unwarranted(f"stage pointers that no signed decision bears out: {wrong}; the log names them")

    async def _proven(self, tx: Transaction, pointer: Pointer) -> bool:
        if pointer in self.memory.proven:
            return True
        try:
            await self.warrants.check(tx, pointer)
        except Lapsed as error:
            _log.error("an override is over and not judged again yet", reason=error.detail)
            return True
        except Unwarranted as error:
            _log.error("a stage's pointer is not borne out by a signed decision", reason=error.detail)
            return False
        if len(self.memory.proven) >= MAX_REMEMBERED:
            self.memory.proven.clear()
        self.memory.proven.add(pointer)
        return True

    def remembered(self, actor: Actor, reference: Reference, marker: int | None) -> Resolved | None:
        """What a reference means, where that is known without asking the database."""
        actor.require(reference.project, Action.READ)
        return self.memory.recall(reference, marker, lambda: epoch_ms(self.clock.now()))

    async def _integrity(self, tx: Transaction, version: Version) -> str | None:
        """Of an index its own, of an agent its index's."""
        match version.kind:
            case Kind.INDEX:
                index = version.digest
            case Kind.AGENT:
                index = str(version.manifest["index"])
            case _:
                return None
        return await self.integrities.integrity_of(tx, version.project, index)

    async def served(self, tx: Transaction, kind: Kind) -> tuple[Version, ...]:
        """Every version of the kind that any stage of any project serves, itself or in what is made from it."""
        roots: dict[str, list[str]] = {}
        for pointer in await StageStore(tx).everywhere():
            roots.setdefault(pointer.project, []).append(pointer.digest)
        found = [node for project in roots for node in await made_from(tx, project, roots[project])]
        return tuple(version for version in found if version.kind is kind)

    async def pointer(self, tx: Transaction, project: str, kind: Kind, name: str, stage: str) -> Pointer | None:
        """What the stage serves now; None where nothing was promoted there. Raises `Invalid` for an unknown stage."""
        known_stage(stage, self.stages)
        found = await StageStore(tx).all(project, kind, name)
        return next((pointer for pointer in found if pointer.stage == stage), None)

    async def pointers(self, tx: Transaction, project: str, kind: Kind, name: str) -> tuple[Pointer, ...]:
        """What every stage serves now, in the order of promotion."""
        found = await StageStore(tx).all(project, kind, name)
        return tuple(sorted(found, key=lambda pointer: self._place(pointer.stage)))

    async def moved_by(self, tx: Transaction, decision_ids: Collection[str]) -> tuple[Pointer, ...]:
        """Every pointer of every project that one of these decisions put where it is."""
        return tuple(await StageStore(tx).moved_by(decision_ids))

    async def every_pointer(self, tx: Transaction) -> tuple[Pointer, ...]:
        """What every stage of every project serves now."""
        return tuple(await StageStore(tx).everywhere())

    async def moves(self, tx: Transaction, project: str, kind: Kind, name: str, stage: str) -> tuple[Move, ...]:
        """The last moves of one stage's pointer, newest first."""
        artifact = await ArtifactStore(tx).one_or_none(project, kind, name)
        return () if artifact is None else tuple(await StageStore(tx).moves(artifact.id, MAX_MOVES, stage))

    async def stages_of(self, actor: Actor, reference: Reference) -> tuple[tuple[Pointer, ...], tuple[Move, ...]]:
        """An artifact's pointers in the order of promotion, and its last moves, newest first."""
        actor.require(reference.project, Action.READ)
        async with self.database.read() as tx:
            artifact = await artifact_of(tx, reference)
            pointers = await self.pointers(tx, reference.project, reference.kind, reference.name)
            moves = await StageStore(tx).moves(artifact.id, MAX_MOVES)
        return pointers, tuple(moves)

    def _place(self, stage: str) -> int:
        return self.stages.index(stage) if stage in self.stages else len(self.stages)

    async def move_pointer(
        self, tx: Transaction, *, version: Version, stage: str, expected: str | None, decision_id: str, principal: str
    ) -> Pointer:
        """Let the stage serve this version, in the transaction of the decision that allows it.

        Only the gate calls this. Raises `Conflict` where the stage no longer serves `expected` (None: nothing),
        `Archived` or `Conflict` where the version is archived or revoked by now.
        """
        known_stage(stage, self.stages)
        await self.ledger.lock(tx)
        reference = Reference(version.project, version.kind, version.name, Number(version.number))
        stored, _ = await find(tx, reference, self.stages)
        _refuse_out_of_use(stored.version)
        now = await StageStore(tx).one_or_none(stored.artifact_id, stage)
        serves = None if now is None else now.digest
        move = Move(
            stage=stage,
            seq=1 + (await StageStore(tx).last_seq(stored.artifact_id, stage) if now is None else now.seq),
            from_digest=expected,
            to_digest=version.digest,
            number=version.number,
            decision_id=decision_id,
            principal=principal,
            moved_at=epoch_ms(self.clock.now()),
        )
        if serves != expected or not await StageStore(tx).move(stored.artifact_id, move):
            raise _moved_meanwhile(version.label, stage, serves, expected)
        body = {"artifact": version.label, "stage": stage, "number": version.number, "decision": decision_id}
        body |= {"seq": move.seq, **({} if expected is None else {"from": expected})}
        await self._record(tx, "stage.moved", version.project, principal, version.digest, body)
        return Pointer(
            version.project, version.kind, version.name, stage, version.digest, version.number, decision_id,
            move.moved_at, move.seq,
        )  # fmt: skip

    async def empty_stage(self, tx: Transaction, pointer: Pointer, *, decision_id: str, principal: str) -> None:
        """Let the stage serve nothing where it serves what `pointer` says, and the decision leaves nothing to serve.

        Only the gate calls this. Raises `Conflict` where the stage's pointer is another by now.
        """
        await self.ledger.lock(tx)
        label = f"{pointer.kind}/{pointer.name}"
        artifact = await ArtifactStore(tx).one_or_none(pointer.project, pointer.kind, pointer.name)
        move = Move(
            stage=pointer.stage,
            seq=pointer.seq + 1,
            from_digest=pointer.digest,
            to_digest=None,
            number=None,
            decision_id=decision_id,
            principal=principal,
            moved_at=epoch_ms(self.clock.now()),
        )
        if artifact is None or not await StageStore(tx).empty(artifact.id, move):
            raise _moved_meanwhile(label, pointer.stage, "something else", pointer.digest)
        body = {"artifact": label, "stage": pointer.stage, "decision": decision_id, "seq": move.seq}
        await self._record(tx, "stage.emptied", pointer.project, principal, pointer.digest, body)


def _moved_meanwhile(label: str, stage: str, serves: str | None, expected: str | None) -> Conflict:
    return Conflict(
        f"{label} at {stage} serves {serves or 'nothing'} by now, not {expected or 'nothing'}",
        remedy="look at what was promoted meanwhile, and ask again",
    )


def _refuse_out_of_use(version: Version) -> None:
    if version.archived:
        raise Archived(f"{version} is archived", remedy=f"`sekisho restore {version.label}@v{version.number}`")
    if version.revoked:
        raise Conflict(f"{version} is revoked and may serve no stage")
