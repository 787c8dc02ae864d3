"""Runs keep how they went; cases say whether they failed. Hosts of models say how they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_13_observations"
down_revision = "20261125_12_recorded"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("runs") as table:
        table.add_column(sa.Column("observations", sa.Text(), nullable=True))
    with op.batch_alter_table("case_results") as table:
        table.add_column(sa.Column("failed", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("case_results") as table:
        table.alter_column("failed", server_default=None)
    op.create_table(
        "model_hosts",
        sa.Column("host", sa.String(500), nullable=False),
        sa.Column("circuit", sa.String(16), nullable=False),
        sa.Column("places", sa.BigInteger(), nullable=True),
        sa.Column("decided", sa.Text(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_model_hosts")),
    )


def downgrade() -> None:
    op.drop_table("model_hosts")
    with op.batch_alter_table("case_results") as table:
        table.drop_column("failed")
    with op.batch_alter_table("runs") as table:
        table.drop_column("observations")
