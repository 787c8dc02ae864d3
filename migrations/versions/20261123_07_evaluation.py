"""Tables of the room evaluation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_07_evaluation"
down_revision = "20261123_06_indexing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
