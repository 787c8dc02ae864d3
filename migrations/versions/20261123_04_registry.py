"""Tables of the room registry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_04_registry"
down_revision = "20261123_03_identity"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
