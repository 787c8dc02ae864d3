"""Tables of the room evaluation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_07_evaluation"
down_revision = "20261123_06_indexing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("project", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("suite", sa.String(71), nullable=False),
        sa.Column("suite_name", sa.String(64), nullable=False),
        sa.Column("dataset", sa.String(71), nullable=False),
        sa.Column("subject", sa.String(71), nullable=False),
        sa.Column("subject_kind", sa.String(16), nullable=False),
        sa.Column("subject_name", sa.String(64), nullable=False),
        sa.Column("target", sa.String(16), nullable=False),
        sa.Column("principal", sa.String(64), nullable=False),
        sa.Column("idempotency_key", sa.String(200), nullable=True),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("planned", sa.BigInteger(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("final_digest", sa.String(71), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint(
            "project", "principal", "idempotency_key", name=op.f("uq_runs_project_principal_idempotency_key")
        ),
    )
    op.create_index("ix_runs_project_subject", "runs", ["project", "subject"])
    op.create_index("ix_runs_project_created_at_id", "runs", ["project", "created_at", "id"])
    op.create_table(
        "case_results",
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("case_id", sa.String(200), nullable=False),
        sa.Column("repeat", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("cluster", sa.String(220), nullable=False),
        sa.Column("pair", sa.String(200), nullable=True),
        sa.Column("slices", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("scores", sa.Text(), nullable=False),
        sa.Column("output", sa.Text(), nullable=False),
        sa.Column("latency_ms", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_case_results_run_id_runs")),
        sa.PrimaryKeyConstraint("run_id", "case_id", "repeat", name=op.f("pk_case_results")),
    )


def downgrade() -> None:
    op.drop_table("case_results")
    op.drop_table("runs")
