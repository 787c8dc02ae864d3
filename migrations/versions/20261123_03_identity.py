"""Tables of the room identity."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_03_identity"
down_revision = "20261123_02_ledger"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
