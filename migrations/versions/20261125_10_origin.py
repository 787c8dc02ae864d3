"""Runs say where they come from; those that are there were measured by the worker."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_10_origin"
down_revision = "20261123_09_gate"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("runs") as table:
        table.add_column(sa.Column("origin", sa.String(16), nullable=False, server_default="measured"))
    with op.batch_alter_table("runs") as table:
        table.alter_column("origin", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("runs") as table:
        table.drop_column("origin")
