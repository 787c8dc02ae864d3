"""Row identities: UUIDv7 from the injected clock. Ids of one millisecond are unsorted: order by (time, id)."""

from __future__ import annotations

from datetime import datetime

import uuid_utils.compat

from sekisho.kernel.clock import epoch_ms


def new_id(moment: datetime) -> str:
    """A fresh UUIDv7 whose time part is `moment`."""
    return str(uuid_utils.compat.uuid7(nanoseconds=epoch_ms(moment) * 1_000_000))
