"""Requests that came to no decision because of what stands in the database: each is told in the ledger all the same.

Policy is asked about an input that is read from the database. Where a manifest does not hash to its digest any more, or
the policy in force is not the one that was signed, there is no such input, and so no decision that could be kept.
Nothing moves; that somebody asked, for what, and what was wrong stands in the ledger as `REFUSED`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from sekisho.identity.types import Actor
from sekisho.kernel.database import Database
from sekisho.kernel.errors import THE_CALLERS, Invalid, SekishoError
from sekisho.kernel.logging import get_logger
from sekisho.kernel.references import Reference
from sekisho.ledger.service import Ledger
from sekisho.registry.service import Registry

_log = get_logger("sekisho.gate")

REFUSED: Final = "promotion.refused"
MAX_REASON: Final = 2000


class Unfit(Exception):
    """What was read for a decision cannot stand in a gate input; `cause` names the fields."""

    def __init__(self, cause: Invalid) -> None:
        super().__init__(cause.detail)
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Refusing:
    """Sees to it that what cannot be trusted is refused in the ledger too."""

    database: Database
    ledger: Ledger
    registry: Registry

    @asynccontextmanager
    async def noted(
        self, actor: Actor, reference: Reference, stage: str, action: str, *, dry_run: bool
    ) -> AsyncIterator[None]:
        """Whatever goes wrong inside is raised as it is, and told in the ledger where it is not the request's fault.

        A dry run keeps nothing, here either.
        """
        try:
            yield
        except Unfit as error:
            if not dry_run:
                await self._note(actor, reference, stage, action, error.cause)
            raise error.cause from error
        except THE_CALLERS:  # the caller's to mend, and the ledger does not speak of it
            raise
        except Exception as error:
            if not dry_run:
                await self._note(actor, reference, stage, action, error)
            raise

    async def _note(self, actor: Actor, reference: Reference, stage: str, action: str, error: Exception) -> None:
        body = {"action": action, "artifact": reference.label, "selector": str(reference.selector), "stage": stage}
        body |= {"fault": type(error).__name__, "reason": _reason(error)[:MAX_REASON]}
        _log.error(REFUSED, project=reference.project, principal=actor.principal, **body)
        try:
            async with self.database.read() as tx:
                digest = await self.registry.digest_of(tx, reference)
            async with self.database.write() as tx:
                await self.ledger.append(
                    tx, kind=REFUSED, project=reference.project, principal=actor.principal, subject=digest, body=body
                )
        except SekishoError as second:  # the database itself is away: the log has it, and the caller is told the first
            _log.error("a refusal could not be entered in the ledger", reason=second.detail)


def _reason(error: Exception) -> str:
    """What happened; of an error that is none of ours only its kind, since it may quote anything."""
    if not isinstance(error, SekishoError):
        return "something that is kept has a form that it never had; the server's log says more"
    places = "".join(f"; {field.path}: {field.message}" for field in error.fields)
    return error.detail + places
