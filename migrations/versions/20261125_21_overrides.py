"""Decisions say what was overridden, until when, and by whose waivers; a stage can be emptied."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_21_overrides"
down_revision = "20261125_20_exceptions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("decisions") as table:
        table.add_column(sa.Column("override", sa.Text(), nullable=True))
        table.add_column(sa.Column("waivers", sa.Text(), nullable=True))
    op.create_index("ix_decisions_outcome", "decisions", ["outcome"])
    with op.batch_alter_table("stage_moves") as table:
        table.alter_column("to_digest", existing_type=sa.String(71), nullable=True)
        table.alter_column("number", existing_type=sa.BigInteger(), nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM stage_moves WHERE to_digest IS NULL")
    with op.batch_alter_table("stage_moves") as table:
        table.alter_column("to_digest", existing_type=sa.String(71), nullable=False)
        table.alter_column("number", existing_type=sa.BigInteger(), nullable=False)
    op.drop_index("ix_decisions_outcome", "decisions")
    with op.batch_alter_table("decisions") as table:
        table.drop_column("waivers")
        table.drop_column("override")
