"""Runs may score answers that somebody recorded: their blob."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_12_recorded"
down_revision = "20261125_11_qualifications"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("runs") as table:
        table.add_column(sa.Column("answers", sa.String(71), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("runs") as table:
        table.drop_column("answers")
