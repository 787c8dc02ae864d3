"""Use cases of identity. Every change stands in the ledger, in the transaction of the change."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sekisho.identity.authentication import Remembered, read_session
from sekisho.identity.borne import borne
from sekisho.identity.independence import email_of, name_of
from sekisho.identity.store import PrincipalStore, ProjectStore, RoleStore, TokenStore
from sekisho.identity.tokens import hash_of, issuers_of, new_secret, require_no_longer, scopes_granted
from sekisho.identity.types import (
    EVERYWHERE,
    PERSONAL,
    ROLE_ACTIONS,
    SYSTEM,
    Action,
    Actor,
    Grant,
    Origins,
    Principal,
    PrincipalKind,
    Project,
    Role,
    Token,
)
from sekisho.identity.validation import DAY_MS, parse_days, parse_display, parse_email, parse_principal_name
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import ChangeWatch, Database, Transaction
from sekisho.kernel.errors import Conflict, FieldError, IntegrityFailed, Invalid, NotFound
from sekisho.kernel.ids import new_id
from sekisho.kernel.pages import Cursor, Page, page_of, parse_cursor, parse_limit
from sekisho.kernel.references import parse_name
from sekisho.ledger.service import Ledger


@dataclass(frozen=True)
class Identity:
    """Projects, principals, roles and tokens of one database."""

    database: Database
    clock: Clock
    ledger: Ledger
    watch: ChangeWatch
    _seen: Remembered = field(default_factory=Remembered, repr=False, compare=False)

    async def authenticate(self, secret: str, marker: int | None = None) -> Actor:
        """Who holds this token. Answers from memory while nothing was committed; writes nothing.

        `marker` is the watch's, where the caller has just looked. Raises `Unauthenticated`, saying whether the token
        is malformed, unknown, expired or revoked.
        """
        if marker is None:
            marker = self.watch.marker()
        if (remembered := self.remembered(secret, marker)) is not None:
            return remembered
        token_hash = hash_of(secret)
        async with self.database.read() as tx:
            session = await read_session(tx, self.ledger, token_hash)
        self._seen.put(marker, token_hash, session)
        return session.actor_at(self._now())

    def remembered(self, secret: str, marker: int | None) -> Actor | None:
        """Who holds this token, where that is known without asking the database. Raises `Unauthenticated`."""
        session = self._seen.get(marker, hash_of(secret))
        return None if session is None else session.actor_at(self._now())

    async def create_project(self, actor: Actor, name: str) -> Project:
        """Raises `Conflict` where it exists."""
        actor.require(EVERYWHERE, Action.ADMINISTER)
        project = Project(parse_name(name, what="project"), actor.principal, self._now())
        async with self.change() as tx:
            if await ProjectStore(tx).one_or_none(project.name) is not None:
                raise Conflict(f"there is a project {project.name} already")
            await ProjectStore(tx).insert(project)
            await self._record(tx, "project.created", project.name, actor.principal, project.name, {})
        return project

    async def projects(self, actor: Actor) -> list[Project]:
        """Those in which the actor has a role."""
        async with self.database.read() as tx:
            return [project for project in await ProjectStore(tx).all() if actor.roles_in(project.name)]

    async def project(self, actor: Actor, name: str) -> Project:
        actor.require(name, Action.READ)
        async with self.database.read() as tx:
            return await ProjectStore(tx).one(name)

    async def create_principal(
        self, actor: Actor, name: str, kind: PrincipalKind, display: str = "", email: str | None = None
    ) -> Principal:
        """A new person or service, without any role yet. Raises `Conflict` where name or e-mail is taken."""
        actor.require(EVERYWHERE, Action.ADMINISTER)
        principal = Principal(
            name=parse_principal_name(name),
            kind=kind,
            display=parse_display(display) or name,
            email=parse_email(email),
            created_by=actor.principal,
            created_at=self._now(),
        )
        async with self.change() as tx:
            await self.add_principal(tx, principal, actor.principal)
        return principal

    async def add_principal(self, tx: Transaction, principal: Principal, by: str) -> None:
        """In the caller's transaction, which holds the ledger's lock. Raises `Conflict`.

        The ledger does not take the e-mail: it could never be erased from there.
        """
        store, key = PrincipalStore(tx), None if principal.email is None else email_of(principal.email)
        if await store.one_or_none(principal.name) is not None:
            raise Conflict(f"there is a principal {principal.name} already")
        if key is not None and await store.of_email_or_none(key) is not None:
            raise Conflict("another principal has this e-mail", remedy="one person is one principal")
        await store.insert(principal, key)
        body = {"name": principal.name, "kind": principal.kind.value}
        await self._record(tx, "principal.created", EVERYWHERE, by, principal.name, body)

    async def principals(self, actor: Actor, *, cursor: str | None = None, limit: int = 50) -> Page[Principal]:
        """Everyone, by name; for those who administer any project."""
        if not any(actor.may(project, Action.ADMINISTER) for project in actor.roles):
            actor.require(EVERYWHERE, Action.ADMINISTER)
        after, size = parse_cursor(cursor), parse_limit(limit)
        async with self.database.read() as tx:
            found = await PrincipalStore(tx).page(None if after is None else after.id, size + 1)
        return page_of(found, size, lambda principal: Cursor(principal.created_at, principal.name))

    async def principal(self, actor: Actor, name: str) -> tuple[Principal, list[Grant]]:
        """A principal, and his roles in the projects that the actor administers (all of them, of himself)."""
        own = actor.principal == name
        if not own and not any(actor.may(project, Action.ADMINISTER) for project in actor.roles):
            raise NotFound(f"there is no principal {name}")
        async with self.database.read() as tx:
            found = await PrincipalStore(tx).one(name)
            grants = await RoleStore(tx).all(name)
        return found, [grant for grant in grants if own or actor.may(grant.project, Action.ADMINISTER)]

    async def grant_role(self, actor: Actor, principal: str, project: str, role: Role) -> Grant:
        """Granting a role already held changes nothing and answers the standing grant."""
        actor.require(project, Action.ADMINISTER)
        async with self.change() as tx:
            if project != EVERYWHERE:
                await ProjectStore(tx).one(project)
            found = await PrincipalStore(tx).one(principal)
            if role in PERSONAL and found.kind is not PrincipalKind.PERSON:
                raise Invalid(
                    f"{principal} is a service, and only people {PERSONAL[role]}",
                    fields=[FieldError("$.role", "use another role, or grant this one to a person")],
                )
            held = [grant for grant in await RoleStore(tx).all(principal) if grant.project == project]
            if standing := next((grant for grant in held if grant.role is role), None):
                return standing
            return await self.add_role(tx, Grant(principal, project, role, actor.principal, self._now()))

    async def add_role(self, tx: Transaction, grant: Grant) -> Grant:
        """In the caller's transaction, which holds the ledger's lock."""
        await RoleStore(tx).insert(grant)
        body = {"principal": grant.principal, "role": grant.role.value}
        await self._record(tx, "role.granted", grant.project, grant.granted_by, grant.principal, body)
        return grant

    async def revoke_role(self, actor: Actor, principal: str, project: str, role: Role) -> None:
        """Acts on the next request of any process.

        Raises `NotFound` where the role is not held, `Conflict` where it is the last admin's of the server.
        """
        actor.require(project, Action.ADMINISTER)
        async with self.change() as tx:
            holders = await RoleStore(tx).holders(project, role)
            if principal not in holders:
                raise NotFound(f"{principal} does not have the role {role} in project {project}")
            if (project, role) == (EVERYWHERE, Role.ADMIN) and holders == [principal]:
                raise Conflict(f"{principal} is the only admin of this server", remedy="make somebody else admin first")
            await RoleStore(tx).delete(principal, project, role)
            body = {"principal": principal, "role": role.value}
            await self._record(tx, "role.revoked", project, actor.principal, principal, body)

    async def issue_token(
        self, actor: Actor, principal: str, scopes: Collection[Action] | None = None,
        expires_in_days: int | None = None,
    ) -> tuple[Token, str]:  # fmt: skip
        """A new token and its secret, which is shown this once and kept nowhere.

        An admin issues for anyone. A person may issue for himself, with no scope and no life beyond those of the
        token he does it with.
        """
        wanted, days = scopes_granted(actor, principal, scopes), parse_days(expires_in_days)
        now = self._now()
        async with self.change() as tx:
            await PrincipalStore(tx).one(principal)
            used = await TokenStore(tx).one_or_none(actor.token_id)
            token = Token(
                id=new_id(self.clock.now()), principal=principal, scopes=wanted, issued_by=actor.principal,
                issued_with=actor.token_id, issuers=issuers_of(principal, actor.principal, used),
                issued_at=now, expires_at=now + days * DAY_MS,
            )  # fmt: skip
            require_no_longer(actor, token, used)
            return token, await self.add_token(tx, token)

    async def add_token(self, tx: Transaction, token: Token) -> str:
        """In the caller's transaction, which holds the ledger's lock; gives the secret."""
        secret = new_secret()
        await TokenStore(tx).insert(token, hash_of(secret))
        body = {"token": token.id, "principal": token.principal, "expires_at": token.expires_at}
        if token.scopes is not None:
            body["scopes"] = sorted(scope.value for scope in token.scopes)
        await self._record(tx, "token.issued", EVERYWHERE, token.issued_by or SYSTEM, token.principal, body)
        return secret

    async def revoke_token(self, actor: Actor, token_id: str) -> None:
        """Acts on the next request of any process; tokens that its holder issued for himself with it go too.

        Revoking a revoked token changes nothing. Raises `NotFound` for another's token unless the actor is admin.
        """
        async with self.change() as tx:
            token = await TokenStore(tx).one_or_none(token_id)
            mine = token is not None and token.principal == actor.principal
            if token is None or not (mine or actor.may(EVERYWHERE, Action.ADMINISTER)):
                raise NotFound(f"there is no token {token_id}")
            todo = [token] if token.revoked_at is None else []
            while todo:
                token = todo.pop()
                todo += await TokenStore(tx).self_issued_with(token)
                await TokenStore(tx).revoke(token.id, self._now())
                body = {"token": token.id, "principal": token.principal}
                await self._record(tx, "token.revoked", EVERYWHERE, actor.principal, token.principal, body)

    async def tokens(self, actor: Actor, principal: str | None = None) -> list[Token]:
        """The principal's tokens (None: the actor's own), newest first. Others' are for admins."""
        name = principal or actor.principal
        if name != actor.principal:
            actor.require(EVERYWHERE, Action.ADMINISTER)
        async with self.database.read() as tx:
            await PrincipalStore(tx).one(name)
            return await TokenStore(tx).all(name)

    async def whoami(self, actor: Actor) -> tuple[Principal, Token]:
        """The actor's own record, and the token he acts by."""
        async with self.database.read() as tx:
            token = await TokenStore(tx).one_or_none(actor.token_id)
            if token is None:
                raise NotFound(f"there is no token {actor.token_id}")
            return await PrincipalStore(tx).one(actor.principal), token

    async def people_named(self, tx: Transaction, named: Collection[str]) -> dict[str, Principal]:
        """Whom each name, e-mail or git's ``Name <e-mail>`` means; the e-mail counts first. Nobodies are left out."""
        keys = {email_of(text) for text in named if "@" in text}
        found = await PrincipalStore(tx).known({name_of(text) for text in named}, keys)
        by_name = {principal.name: principal for principal in found}
        by_email = {email_of(principal.email): principal for principal in found if principal.email is not None}
        meant = {text: by_email.get(email_of(text)) or by_name.get(name_of(text)) for text in named}
        return {text: principal for text, principal in meant.items() if principal is not None}

    async def origins_of(self, tx: Transaction, names: Collection[str], token_ids: Collection[str]) -> Origins:
        """Where these principals and these tokens come from."""
        issuers: dict[str, tuple[str, ...]] = dict.fromkeys(token_ids, ())
        issuers |= {token.id: token.issuers for token in await TokenStore(tx).known(token_ids)}
        creators = await self._creators(tx, {*names, *(name for those in issuers.values() for name in those)})
        behind = {token: [name for issuer in those for name in creators[issuer]] for token, those in issuers.items()}
        return Origins(
            {name: creators[name] for name in names},
            {token: tuple(dict.fromkeys((*those, *behind[token]))) for token, those in issuers.items()},
        )

    async def _creators(self, tx: Transaction, names: Collection[str]) -> dict[str, tuple[str, ...]]:
        creator: dict[str, str | None] = {}
        unknown = set(names)
        while unknown:  # one step back for all of them at once
            creator |= dict.fromkeys(unknown)
            creator |= {found.name: found.created_by for found in await PrincipalStore(tx).known(unknown)}
            unknown = {name for name in creator.values() if name is not None} - creator.keys()
        return {name: _chain(creator, name) for name in names}

    async def who_may(self, tx: Transaction, names: Collection[str], project: str, action: Action) -> frozenset[str]:
        """Those of these principals whose roles permit it now, whatever tokens they hold.

        A role that the log does not bear out permits nothing.
        """
        grants = await borne(tx, self.ledger, await RoleStore(tx).of(names))
        here = [grant for grant in grants if grant.project in (project, EVERYWHERE)]
        return frozenset(grant.principal for grant in here if action in ROLE_ACTIONS[grant.role])

    async def who_holds(self, tx: Transaction, names: Collection[str], project: str) -> frozenset[tuple[str, str]]:
        """Each of these principals with each role that he has there now, as far as the log bears it out."""
        grants = await borne(tx, self.ledger, await RoleStore(tx).of(names))
        return frozenset((one.principal, one.role.value) for one in grants if one.project in (project, EVERYWHERE))

    async def check_roles(self) -> None:
        """Raises `IntegrityFailed` where somebody holds a role that the log does not bear out; the log names them."""
        async with self.database.read() as tx:
            grants = [grant async for grant in RoleStore(tx).each()]
            wrong = len(grants) - len(await borne(tx, self.ledger, grants))
        if wrong:
            raise IntegrityFailed(
                f"roles that the ledger does not bear out, and which count for nothing: {wrong}; the log names them",
                remedy="the database was changed behind Sekisho's back: `sekisho ledger verify` tells what else was",
            )

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Transaction]:
        """A write that takes its turn with every other one, and that every process hears of on commit.

        This process forgets at once whom it remembered: on PostgreSQL word of its own commit takes a moment.
        """
        async with self.database.write() as tx:
            await self.ledger.lock(tx)
            yield tx
            await self.database.announce(tx)
        self._seen.forget()

    async def _record(
        self, tx: Transaction, kind: str, project: str, principal: str, subject: str, body: Mapping[str, Any]
    ) -> None:
        await self.ledger.append(tx, kind=kind, project=project, principal=principal, subject=subject, body=body)

    def _now(self) -> int:
        return epoch_ms(self.clock.now())


def _chain(creator: Mapping[str, str | None], name: str) -> tuple[str, ...]:
    chain: list[str] = []
    made_by = creator.get(name)
    while made_by is not None and made_by not in chain:
        chain.append(made_by)
        made_by = creator.get(made_by)
    return tuple(chain)
