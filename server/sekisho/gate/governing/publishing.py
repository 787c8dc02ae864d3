"""Use cases of publishing: a policy is read, linted and tried, and then kept for good under a name and a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sekisho.gate.catalog import USER
from sekisho.gate.governing.content import policies_of, published_or_raise
from sekisho.gate.governing.difference import difference
from sekisho.gate.governing.linting import faults_of
from sekisho.gate.governing.store import PolicyStore
from sekisho.gate.governing.trial import STEP_SECONDS, tried
from sekisho.gate.governing.types import SHIPPED, Origin, Published, checked_name, parse_label
from sekisho.gate.policies import PolicySet, read_content
from sekisho.identity.types import EVERYWHERE, Action, Actor
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import Conflict, FieldError, Forbidden, Invalid
from sekisho.ledger.service import Ledger

PUBLISHED = "policy.published"
REFUSED = "policy.refused"
MAX_MESSAGE = 2_000
MAX_FAULTS = 20
MAX_FAULT = 300


@dataclass(frozen=True, slots=True)
class Publishing:
    """Publishes policies and shows them. `seconds` is how long one step of a policy's trial may take."""

    database: Database
    clock: Clock
    ledger: Ledger
    seconds: float = STEP_SECONDS

    async def publish(
        self, actor: Actor, label: str, content: Mapping[str, Any], *, message: str
    ) -> tuple[Published, bool]:
        """The version that holds this content, and whether it is new: the same rules and data are the same version.

        `label` is a name, or a name and the number that the version must have. Where the files are all of users'
        packages, the newest rules that ship are added to them, and their data where it has none.

        Raises `Invalid`, naming every fault, for a policy that may not stand, `Conflict` where that number holds
        another policy.
        """
        actor.require(EVERYWHERE, Action.GOVERN)
        name, number = parse_label(label)
        name = checked_name(name)
        try:
            policies = read_content(await self._whole(content))
            await self._sound(policies)
        except Invalid as error:
            await self._refuse(actor, name, error)
            raise
        async with self.database.write() as tx:
            await self.ledger.lock(tx)
            return await self.publish_in(
                tx, name, policies, Origin.OWNER, actor.principal, _said(message), number=number
            )

    async def publish_in(
        self, tx: Transaction, name: str, policies: PolicySet, origin: Origin, principal: str, message: str,
        *, number: int | None = None,
    ) -> tuple[Published, bool]:  # fmt: skip
        """The same of a policy known to be sound, in the caller's transaction, which holds the ledger's lock."""
        store = PolicyStore(tx)
        standing = await store.of_digest_or_none(name, policies.digest)
        newest = await store.one_or_none(name)
        following = 1 if newest is None else newest.number + 1
        if number not in (None, following if standing is None else standing.number):
            raise Conflict(
                f"{name}@v{number} cannot be this policy: a published policy is immutable",
                remedy=f"publish it as {name}, which will be v{(standing.number if standing else following)}",
            )
        if standing is not None:
            return standing, False
        published = Published(
            name=name,
            number=following,
            digest=policies.digest,
            content_digest=digest_of(policies.content),
            base=policies.base,
            origin=origin,
            message=message,
            published_by=principal,
            published_at=epoch_ms(self.clock.now()),
        )
        await store.insert(published, policies.content)
        await self._record(tx, published)
        return published, True

    async def page(self, actor: Actor, name: str | None = None) -> tuple[Published, ...]:
        """Every version, or those of one name; newest first under each name."""
        _reader(actor)
        async with self.database.read() as tx:
            return await PolicyStore(tx).all(name)

    async def one(self, actor: Actor, label: str) -> tuple[Published, PolicySet]:
        """A version (the newest where no number is named) with what it holds. Raises `IntegrityFailed`, `NotFound`."""
        _reader(actor)
        async with self.database.read() as tx:
            published = await published_or_raise(tx, *parse_label(label))
            return published, await policies_of(tx, published)

    async def difference(self, actor: Actor, before: str, after: str) -> dict[str, Any]:
        """Everything in which two published policies differ."""
        (_, old), (_, new) = await self.one(actor, before), await self.one(actor, after)
        return difference(old, new)

    async def _whole(self, content: Mapping[str, Any]) -> Mapping[str, Any]:
        files = content.get("files")
        if not isinstance(files, Mapping) or any(not str(path).startswith(USER) for path in files):
            return content
        async with self.database.read() as tx:
            shipped = (await policies_of(tx, await published_or_raise(tx, SHIPPED, None))).content
        whole = {part: {**shipped[part], **content.get(part, {})} for part in ("files", "tests")}
        return {"data": shipped["data"], **content, **whole}

    async def _sound(self, policies: PolicySet) -> None:
        faults = list(faults_of(policies, await self._base(policies)))
        if not faults:
            trial = await tried(policies, seconds=self.seconds)
            faults = [FieldError("$.policy", fault) for fault in trial.failed]
        if faults:
            raise Invalid(
                "the policy is not published", fields=faults, remedy="`sekisho policy lint` and `test` show it locally"
            )

    async def _base(self, policies: PolicySet) -> PolicySet:
        """The shipped policy that this one says it rests on; the newest where it rests on none, to be told the rest."""
        async with self.database.read() as tx:
            store = PolicyStore(tx)
            found = await store.newest_of_base_or_none(SHIPPED, policies.base) or await store.one_or_none(SHIPPED)
            if found is None:
                raise Conflict("nothing is published yet that a policy could rest on", remedy="start the API once")
            return await policies_of(tx, found)

    async def _refuse(self, actor: Actor, name: str, error: Invalid) -> None:
        """Nothing of the policy is kept but that it was tried, by whom, and what is wrong with it."""
        faults = [_plain(f"{fault.path}: {fault.message}") for fault in error.fields[:MAX_FAULTS]]
        async with self.database.write() as tx:
            await self.ledger.append(
                tx,
                kind=REFUSED,
                project=EVERYWHERE,
                principal=actor.principal,
                subject=name,
                body={"policy": name, "reason": error.detail, "faults": faults},
            )

    async def _record(self, tx: Transaction, published: Published) -> None:
        await self.ledger.append(
            tx,
            kind=PUBLISHED,
            project=EVERYWHERE,
            principal=published.published_by,
            subject=published.digest,
            body={
                "policy": published.label,
                "content": published.content_digest,
                "base": published.base,
                "origin": published.origin.value,
                "message": published.message,
            },
        )


def _plain(text: str) -> str:
    """What of a fault enters the ledger: a line or two, in characters that every database takes."""
    return text[:MAX_FAULT].encode("utf-8", "replace").decode().replace("\x00", "?")


def _said(message: str) -> str:
    said = message.strip()
    if len(said) > MAX_MESSAGE:
        raise Invalid(
            "the message is too long", fields=[FieldError("$.message", f"use up to {MAX_MESSAGE} characters")]
        )
    return said


def _reader(actor: Actor) -> None:
    if not actor.readable:
        raise Forbidden("seeing policies takes a role that reads, in any project")
