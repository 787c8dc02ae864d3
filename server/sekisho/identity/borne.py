"""Which roles count: those that the log bears out. One that somebody wrote into the table alone gives nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sekisho.identity.types import Grant
from sekisho.identity.witness import Roles, role_key
from sekisho.kernel.database import Transaction
from sekisho.kernel.logging import get_logger
from sekisho.ledger.service import Ledger
from sekisho.ledger.types import Entry
from sekisho.ledger.witness import Standing, fits

_log = get_logger("sekisho.identity")


async def borne(tx: Transaction, ledger: Ledger, grants: Sequence[Grant]) -> list[Grant]:
    """Those of these grants that the log speaks of as they stand; the others are logged.

    Of a principal about whose roles an entry was forged or changed none counts: nobody knows then what was taken from
    him.
    """
    if not grants:
        return []
    entries = await ledger.told(tx, kinds=Roles.kinds, subjects={grant.principal for grant in grants})
    strange = {_about(entry) for entry in await ledger.lacking(tx, entries)}
    standing = _standing(entry for entry in entries if _about(entry) not in strange)
    found = []
    for grant in grants:
        said = {"granted_by": grant.granted_by, "granted_at": grant.granted_at}
        if (key := role_key(grant)) in standing and fits(standing[key], said):
            found.append(grant)
        else:
            _log.error("a role that the ledger does not bear out counts for nothing", role=key)
    return found


def _about(entry: Entry) -> str | None:
    return entry.body.get("principal")


def _standing(entries: Iterable[Entry]) -> Standing:
    roles, standing = Roles(), Standing()
    for entry in entries:
        try:
            roles.told(entry, standing)
        except (KeyError, TypeError):  # of another form than Sekisho's own
            _log.error("an entry about a role is not what it should be", entry=entry.seq)
    return standing
