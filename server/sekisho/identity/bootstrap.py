"""The first start: project ``default``, a first admin, and his token in a file that only its owner reads."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sekisho.identity.service import Identity
from sekisho.identity.store import PrincipalStore, ProjectStore, RoleStore, TokenStore
from sekisho.identity.types import EVERYWHERE, SYSTEM, Grant, Principal, PrincipalKind, Project, Role, Token
from sekisho.identity.validation import DAY_MS, DEFAULT_DAYS
from sekisho.kernel.clock import epoch_ms
from sekisho.kernel.database import Transaction
from sekisho.kernel.ids import new_id
from sekisho.kernel.references import DEFAULT_PROJECT

ADMIN: Final = "admin"
TOKEN_FILE: Final = "admin.token"  # noqa: S105  # the file's name


@dataclass(frozen=True)
class Bootstrap:
    """Makes sure that there is a project and that somebody can administer the server.

    It acts at the first start, and again where every admin's token has expired or been revoked, since nobody could
    then issue another. Processes that start at once take turns at the ledger's lock, and all but one find it done.
    """

    identity: Identity
    data_dir: Path

    async def run(self) -> Path | None:
        """The token file, where one was written; None where there was nothing to do."""
        async with self.identity.database.read() as tx:
            if await self._done(tx):
                return None
        async with self.identity.change() as tx:
            return None if await self._done(tx) else await self._start(tx)

    async def _done(self, tx: Transaction) -> bool:
        admins = await RoleStore(tx).holders(EVERYWHERE, Role.ADMIN)
        project = await ProjectStore(tx).one_or_none(DEFAULT_PROJECT)
        return project is not None and await TokenStore(tx).any_live(admins, self._now())

    async def _start(self, tx: Transaction) -> Path:
        now = self._now()
        if await ProjectStore(tx).one_or_none(DEFAULT_PROJECT) is None:
            await ProjectStore(tx).insert(Project(DEFAULT_PROJECT, None, now))
            await self.identity.ledger.append(
                tx, kind="project.created", project=DEFAULT_PROJECT, principal=SYSTEM, subject=DEFAULT_PROJECT, body={}
            )
        if await PrincipalStore(tx).one_or_none(ADMIN) is None:
            admin = Principal(ADMIN, PrincipalKind.PERSON, "First admin", None, None, now)
            await self.identity.add_principal(tx, admin, SYSTEM)
        if ADMIN not in await RoleStore(tx).holders(EVERYWHERE, Role.ADMIN):
            await self.identity.add_role(tx, Grant(ADMIN, EVERYWHERE, Role.ADMIN, SYSTEM, now))
        token = Token(
            id=new_id(self.identity.clock.now()), principal=ADMIN, scopes=None, issued_by=None, issued_with=None,
            issuers=(), issued_at=now, expires_at=now + DEFAULT_DAYS * DAY_MS,
        )  # fmt: skip
        return _write(self.data_dir / TOKEN_FILE, await self.identity.add_token(tx, token))

    def _now(self) -> int:
        return epoch_ms(self.identity.clock.now())


def _write(path: Path, secret: str) -> Path:
    """Create the file, mode 0600, following no link; one that stands there already is kept as ``.old``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.exists():
        os.replace(path, path.with_name(f"{path.name}.old"))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secret + "\n")
    return path
