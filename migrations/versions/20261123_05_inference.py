"""Tables of the room inference."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_05_inference"
down_revision = "20261123_04_registry"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
