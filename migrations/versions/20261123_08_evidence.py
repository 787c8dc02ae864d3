"""Tables of the room evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_08_evidence"
down_revision = "20261123_07_evaluation"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cards",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(71), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("principal", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cards")),
    )
    op.create_index("ix_cards_project_subject", "cards", ["project", "subject"])


def downgrade() -> None:
    op.drop_table("cards")
