"""Use cases of waivers: a person's exception for one rule, one version and one stage, for a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sekisho.gate.assembly import Assembler
from sekisho.gate.bench import Benches
from sekisho.gate.parameters import Parameters
from sekisho.gate.records import WAIVER_DAYS, Waiver
from sekisho.gate.store import WaiverStore
from sekisho.identity.types import Action, Actor, PrincipalKind
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import Archived, FieldError, Forbidden, Invalid, NotFound
from sekisho.kernel.ids import new_id
from sekisho.kernel.pages import Page, parse_cursor, parse_limit
from sekisho.kernel.references import Reference
from sekisho.ledger.service import Ledger
from sekisho.registry.revoking import checked_reason
from sekisho.registry.service import Registry
from sekisho.registry.types import Version

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Waivers:
    """Grants and withdraws waivers. What can never count is refused at once; policy judges the rest each time."""

    database: Database
    clock: Clock
    ledger: Ledger
    registry: Registry
    assembler: Assembler
    benches: Benches

    async def waive(
        self, actor: Actor, reference: Reference, stage: str, rule: str, *, reason: str, days: int
    ) -> Waiver:
        """Grant an exception that ends by itself after `days`.

        Raises `Forbidden` for a service and for anyone who had a hand in the change (or was created by someone who
        had), `Invalid` for a rule that policy does not let be waived or a time that is too long, `Archived` for a
        version out of use.
        """
        actor.require(reference.project, Action.APPROVE)
        if actor.kind is not PrincipalKind.PERSON:
            raise Forbidden(f"{actor.principal} is a service; only a person waives")
        said = checked_reason(reason)
        async with self.database.read() as tx:
            _check((await self.benches.sitting(tx)).policies.parameters, stage, rule, days)
        async with self.database.write() as tx:
            await self.ledger.lock(tx)
            version = await self.registry.find(tx, reference)
            if version.archived or version.revoked:
                raise Archived(f"{version} is archived or revoked", remedy="waive for the version that is to be used")
            waiver = self._draft(actor, version, stage, rule, said, days)
            if reasons := await self.assembler.objections(tx, version, waiver):
                raise Forbidden(
                    f"{actor.principal} may not waive this: {'; '.join(reasons)}",
                    remedy="ask someone who had no hand in the change and was not created by anyone who had",
                )
            await WaiverStore(tx).insert(waiver)
            body = {"stage": stage, "rule": rule, "expires_at": waiver.expires_at, "token": waiver.token_id}
            body |= {"artifact": version.label, "number": version.number}
            # As with registrations: the ledger holds the row to the words, which may name people.
            await self._record(tx, actor, "waiver.granted", waiver, {**body, "reason": digest_of([waiver.id, said])})
            return waiver

    async def withdraw(self, actor: Actor, project: str, waiver_id: str) -> Waiver:
        """End a waiver before its time; doing so again changes nothing. What it let pass is judged again at the end
        that was set.

        Whoever may grant one may withdraw any, and so may an operator. Raises `NotFound` also for another project's.
        """
        actor.require(project, Action.OPERATE if actor.may(project, Action.OPERATE) else Action.APPROVE)
        async with self.database.write() as tx:
            await self.ledger.lock(tx)
            waiver = await self._one(tx, project, waiver_id)
            if await WaiverStore(tx).withdraw(waiver_id, actor.principal, epoch_ms(self.clock.now())):
                await self._record(tx, actor, "waiver.withdrawn", waiver, {"stage": waiver.stage, "rule": waiver.rule})
                await self.database.announce(tx)  # `resolve` tells of it
            return await self._one(tx, project, waiver_id)

    async def page(
        self,
        actor: Actor,
        project: str,
        reference: Reference | None,
        *,
        stage: str | None,
        cursor: str | None,
        limit: int,
    ) -> Page[Waiver]:
        """The project's waivers, or those of one version, newest first, whatever became of them."""
        actor.require(project, Action.READ)
        async with self.database.read() as tx:
            digest = None if reference is None else (await self.registry.find(tx, reference)).digest
            return await WaiverStore(tx).page(
                project, digest=digest, stage=stage, after=parse_cursor(cursor), limit=parse_limit(limit)
            )

    def _draft(self, actor: Actor, version: Version, stage: str, rule: str, reason: str, days: int) -> Waiver:
        now = self.clock.now()
        return Waiver(
            id=new_id(now),
            project=version.project,
            principal=actor.principal,
            kind=version.kind.value,
            name=version.name,
            digest=version.digest,
            number=version.number,
            stage=stage,
            rule=rule,
            reason=reason,
            token_id=actor.token_id,
            created_at=epoch_ms(now),
            expires_at=epoch_ms(now) + days * DAY_MS,
        )

    async def _one(self, tx: Transaction, project: str, waiver_id: str) -> Waiver:
        waiver = await WaiverStore(tx).one_or_none(project, waiver_id)
        if waiver is None:
            raise NotFound(f"there is no waiver {waiver_id} in project {project}")
        return waiver

    async def _record(self, tx: Transaction, actor: Actor, kind: str, waiver: Waiver, body: dict[str, object]) -> None:
        await self.ledger.append(
            tx,
            kind=kind,
            project=waiver.project,
            principal=actor.principal,
            subject=waiver.digest,
            body={"waiver": waiver.id, **body},
        )


def _check(parameters: Parameters, stage: str, rule: str, days: int) -> None:
    allowed, wrong = parameters.waivers, []
    longest = min(WAIVER_DAYS, allowed.longest_ms // DAY_MS)
    if stage not in parameters.order:
        wrong.append(FieldError("$.stage", f"use one of {', '.join(parameters.order)}"))
    if rule not in allowed.waivable:
        wrong.append(FieldError("$.rule", f"policy lets be waived: {', '.join(allowed.waivable) or 'nothing'}"))
    if not 1 <= days <= longest:
        wrong.append(FieldError("$.days", f"use 1 to {longest}"))
    if wrong:
        raise Invalid("this cannot be waived", fields=wrong)
