"""Case results keep what the case wanted: the expected answer, the gold passages, the relevant documents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_26_wanted"
down_revision = "20261125_26_overlaps"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("case_results") as table:
        table.add_column(sa.Column("wanted", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("case_results") as table:
        table.drop_column("wanted")
