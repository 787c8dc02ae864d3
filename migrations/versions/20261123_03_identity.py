"""Tables of the room identity."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_03_identity"
down_revision = "20261123_02_ledger"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "projects",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("created_by", sa.String(64), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_projects")),
    )
    op.create_table(
        "principals",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("display", sa.String(200), nullable=False),
        sa.Column("email", sa.String(254), nullable=True),
        sa.Column("email_key", sa.String(254), nullable=True),
        sa.Column("created_by", sa.String(64), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_principals")),
        sa.UniqueConstraint("email_key", name=op.f("uq_principals_email_key")),
    )
    op.create_table(
        "roles",
        sa.Column("principal", sa.String(64), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("granted_by", sa.String(64), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["principal"], ["principals.name"], name=op.f("fk_roles_principal_principals")),
        sa.PrimaryKeyConstraint("principal", "project", "role", name=op.f("pk_roles")),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("principal", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(71), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=True),
        sa.Column("issued_by", sa.String(64), nullable=True),
        sa.Column("issued_with", sa.String(36), nullable=True),
        sa.Column("issuers", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["principal"], ["principals.name"], name=op.f("fk_tokens_principal_principals")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("hash", name=op.f("uq_tokens_hash")),
    )
    op.create_index("ix_tokens_principal_issued_at", "tokens", ["principal", "issued_at"])
    op.create_index("ix_tokens_issued_with", "tokens", ["issued_with"])


def downgrade() -> None:
    op.drop_table("tokens")
    op.drop_table("roles")
    op.drop_table("principals")
    op.drop_table("projects")
