"""Tables of the room indexing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_06_indexing"
down_revision = "20261123_05_inference"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
