"""Tables of the room gate."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_09_gate"
down_revision = "20261123_08_evidence"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("stage", sa.String(31), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("requester", sa.String(64), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("input_digest", sa.String(71), nullable=False),
        sa.Column("evidence_hash", sa.String(71), nullable=False),
        sa.Column("policy_digest", sa.String(71), nullable=False),
        sa.Column("engine", sa.String(64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("envelope", sa.Text(), nullable=True),
        sa.Column("ledger_seq", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_project_decided_at", "decisions", ["project", "decided_at"])
    op.create_table(
        "promotions",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("stage", sa.String(31), nullable=False),
        sa.Column("requester", sa.String(64), nullable=False),
        sa.Column("idempotency_key", sa.String(128), nullable=True),
        sa.Column("request_digest", sa.String(71), nullable=False),
        sa.Column("decision_id", sa.String(36), nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.Column("from_digest", sa.String(71), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotions")),
        sa.UniqueConstraint(
            "project",
            "requester",
            "idempotency_key",
            name=op.f("uq_promotions_project_requester_idempotency_key"),
        ),
    )
    op.create_index("ix_promotions_project_created_at", "promotions", ["project", "created_at"])
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("principal", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("stage", sa.String(31), nullable=False),
        sa.Column("evidence_hash", sa.String(71), nullable=False),
        sa.Column("token_id", sa.String(36), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index("ix_approvals_project_digest_stage", "approvals", ["project", "digest", "stage"])


def downgrade() -> None:
    op.drop_table("approvals")
    op.drop_table("promotions")
    op.drop_table("decisions")
