"""Rows of projects, principals, roles and tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, delete, insert, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from sekisho.identity.types import Action, Grant, Principal, PrincipalKind, Project, Role, Token
from sekisho.kernel.database import Base, CanonicalJson, Transaction, each
from sekisho.kernel.errors import NotFound


class ProjectRow(Base):
    __tablename__ = "projects"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_by: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[int]


class PrincipalRow(Base):
    __tablename__ = "principals"
    __table_args__ = (UniqueConstraint("email_key"),)

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    display: Mapped[str] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(254))
    email_key: Mapped[str | None] = mapped_column(String(254))
    created_by: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[int]


class RoleRow(Base):
    __tablename__ = "roles"

    principal: Mapped[str] = mapped_column(String(64), ForeignKey("principals.name"), primary_key=True)
    project: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[str] = mapped_column(String(16), primary_key=True)
    granted_by: Mapped[str] = mapped_column(String(64))
    granted_at: Mapped[int]


class TokenRow(Base):
    __tablename__ = "tokens"
    __table_args__ = (
        UniqueConstraint("hash"),
        Index("ix_tokens_principal_issued_at", "principal", "issued_at"),
        Index("ix_tokens_issued_with", "issued_with"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    principal: Mapped[str] = mapped_column(String(64), ForeignKey("principals.name"))
    hash: Mapped[str] = mapped_column(String(71))
    scopes: Mapped[Any] = mapped_column(CanonicalJson, nullable=True)
    issued_by: Mapped[str | None] = mapped_column(String(64))
    issued_with: Mapped[str | None] = mapped_column(String(36))
    issuers: Mapped[Any] = mapped_column(CanonicalJson)
    issued_at: Mapped[int]
    expires_at: Mapped[int]
    revoked_at: Mapped[int | None]


class ProjectStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, project: Project) -> None:
        await self._tx.execute(
            insert(ProjectRow).values(name=project.name, created_by=project.created_by, created_at=project.created_at)
        )

    async def one(self, name: str) -> Project:
        """Raises `NotFound`."""
        found = await self.one_or_none(name)
        if found is None:
            raise NotFound(f"there is no project {name}")
        return found

    async def one_or_none(self, name: str) -> Project | None:
        row = await self._tx.get(ProjectRow, name)
        return None if row is None else _project(row)

    async def all(self) -> list[Project]:
        return [_project(row) for row in await self._tx.scalars(select(ProjectRow).order_by(ProjectRow.name))]


class PrincipalStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, principal: Principal, email_key: str | None) -> None:
        await self._tx.execute(
            insert(PrincipalRow).values(
                name=principal.name, kind=principal.kind.value, display=principal.display, email=principal.email,
                email_key=email_key, created_by=principal.created_by, created_at=principal.created_at,
            )
        )  # fmt: skip

    async def one(self, name: str) -> Principal:
        """Raises `NotFound`."""
        found = await self.one_or_none(name)
        if found is None:
            raise NotFound(f"there is no principal {name}")
        return found

    async def one_or_none(self, name: str) -> Principal | None:
        row = await self._tx.get(PrincipalRow, name)
        return None if row is None else _principal(row)

    async def of_email_or_none(self, email_key: str) -> Principal | None:
        row = await self._tx.scalar(select(PrincipalRow).where(PrincipalRow.email_key == email_key))
        return None if row is None else _principal(row)

    async def known(self, names: Collection[str], email_keys: Collection[str] = ()) -> list[Principal]:
        """Those that are there of the principals with these names, and with these e-mails."""
        wanted = or_(PrincipalRow.name.in_(sorted(names)), PrincipalRow.email_key.in_(sorted(email_keys)))
        return [_principal(row) for row in await self._tx.scalars(select(PrincipalRow).where(wanted))]

    async def page(self, after: str | None, limit: int) -> list[Principal]:
        query = select(PrincipalRow).order_by(PrincipalRow.name).limit(limit)
        if after is not None:
            query = query.where(PrincipalRow.name > after)
        return [_principal(row) for row in await self._tx.scalars(query)]

    async def each(self) -> AsyncIterator[Principal]:
        async for (row,) in each(self._tx, select(PrincipalRow)):
            yield _principal(row)


class RoleStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def each(self) -> AsyncIterator[Grant]:
        async for (row,) in each(self._tx, select(RoleRow)):
            yield _grant(row)

    async def insert(self, grant: Grant) -> None:
        await self._tx.execute(
            insert(RoleRow).values(
                principal=grant.principal, project=grant.project, role=grant.role.value,
                granted_by=grant.granted_by, granted_at=grant.granted_at,
            )
        )  # fmt: skip

    async def delete(self, principal: str, project: str, role: Role) -> None:
        await self._tx.execute(
            delete(RoleRow).where(
                RoleRow.principal == principal, RoleRow.project == project, RoleRow.role == role.value
            )
        )

    async def all(self, principal: str) -> list[Grant]:
        return await self.of([principal])

    async def of(self, principals: Collection[str]) -> list[Grant]:
        query = select(RoleRow).where(RoleRow.principal.in_(sorted(principals)))
        query = query.order_by(RoleRow.principal, RoleRow.project, RoleRow.role)
        return [_grant(row) for row in await self._tx.scalars(query)]

    async def holders(self, project: str, role: Role) -> list[str]:
        query = select(RoleRow.principal).where(RoleRow.project == project, RoleRow.role == role.value)
        return list(await self._tx.scalars(query.order_by(RoleRow.principal)))


class TokenStore:
    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def each(self) -> AsyncIterator[Token]:
        async for (row,) in each(self._tx, select(TokenRow)):
            yield _token(row)

    async def insert(self, token: Token, token_hash: str) -> None:
        scopes = None if token.scopes is None else sorted(token.scopes)
        await self._tx.execute(
            insert(TokenRow).values(
                id=token.id, principal=token.principal, hash=token_hash, scopes=scopes, issued_by=token.issued_by,
                issued_with=token.issued_with, issuers=list(token.issuers), issued_at=token.issued_at,
                expires_at=token.expires_at,
            )
        )  # fmt: skip

    async def one_or_none(self, token_id: str) -> Token | None:
        row = await self._tx.get(TokenRow, token_id)
        return None if row is None else _token(row)

    async def known(self, token_ids: Collection[str]) -> list[Token]:
        """Those of these tokens that are there."""
        query = select(TokenRow).where(TokenRow.id.in_(sorted(token_ids)))
        return [_token(row) for row in await self._tx.scalars(query)]

    async def of_hash_or_none(self, token_hash: str) -> Token | None:
        row = await self._tx.scalar(select(TokenRow).where(TokenRow.hash == token_hash))
        return None if row is None else _token(row)

    async def all(self, principal: str) -> list[Token]:
        """Newest first, revoked and expired ones too."""
        query = select(TokenRow).where(TokenRow.principal == principal)
        query = query.order_by(TokenRow.issued_at.desc(), TokenRow.id.desc())
        return [_token(row) for row in await self._tx.scalars(query)]

    async def self_issued_with(self, token: Token) -> list[Token]:
        """Unrevoked tokens that the holder issued for himself with this one."""
        query = select(TokenRow).where(
            TokenRow.issued_with == token.id,
            TokenRow.principal == token.principal,
            TokenRow.revoked_at.is_(None),
        )
        return [_token(row) for row in await self._tx.scalars(query.order_by(TokenRow.id))]

    async def any_live(self, principals: Iterable[str], now: int) -> bool:
        """Whether one of them holds an unscoped token that is neither expired nor revoked."""
        found = await self._tx.scalars(
            select(TokenRow).where(
                TokenRow.principal.in_(list(principals)), TokenRow.revoked_at.is_(None), TokenRow.expires_at > now
            )
        )
        return any(row.scopes is None for row in found)

    async def revoke(self, token_id: str, now: int) -> None:
        await self._tx.execute(update(TokenRow).where(TokenRow.id == token_id).values(revoked_at=now))


def _project(row: ProjectRow) -> Project:
    return Project(row.name, row.created_by, row.created_at)


def _principal(row: PrincipalRow) -> Principal:
    return Principal(row.name, PrincipalKind(row.kind), row.display, row.email, row.created_by, row.created_at)


def _grant(row: RoleRow) -> Grant:
    return Grant(row.principal, row.project, Role(row.role), row.granted_by, row.granted_at)


def _token(row: TokenRow) -> Token:
    return Token(
        id=row.id,
        principal=row.principal,
        scopes=None if row.scopes is None else frozenset(Action(scope) for scope in row.scopes),
        issued_by=row.issued_by,
        issued_with=row.issued_with,
        issuers=tuple(row.issuers),
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
