"""What OPA was asked and what it logged; which checkpoints were pushed where."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_24_decision_logs"
down_revision = "20261125_23_attestations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "opa_questions",
        sa.Column("decision_id", sa.String(64), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("input_digest", sa.String(71), nullable=False),
        sa.Column("answer_digest", sa.String(71), nullable=True),
        sa.Column("policy_digest", sa.String(71), nullable=True),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_opa_questions")),
    )
    op.create_index("ix_opa_questions_asked_at", "opa_questions", ["asked_at"])
    op.create_table(
        "opa_log_lines",
        sa.Column("decision_id", sa.String(64), nullable=False),
        sa.Column("content_digest", sa.String(71), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("input_digest", sa.String(71), nullable=True),
        sa.Column("answer_digest", sa.String(71), nullable=True),
        sa.Column("policy_digest", sa.String(71), nullable=True),
        sa.Column("altered", sa.Boolean(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", "content_digest", name=op.f("pk_opa_log_lines")),
    )
    op.create_index("ix_opa_log_lines_received_at", "opa_log_lines", ["received_at"])
    op.create_table(
        "checkpoint_pushes",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column("origin", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.String(71), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoint_pushes")),
    )
    op.create_index("ix_checkpoint_pushes_target_at", "checkpoint_pushes", ["target", "at"])


def downgrade() -> None:
    op.drop_table("checkpoint_pushes")
    op.drop_table("opa_log_lines")
    op.drop_table("opa_questions")
