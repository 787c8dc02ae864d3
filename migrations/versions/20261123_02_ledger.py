"""Tables of the room ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_02_ledger"
down_revision = "20261123_01_kernel"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
