"""Tables of the room gate."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_09_gate"
down_revision = "20261123_08_evidence"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
