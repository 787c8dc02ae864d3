"""What every store's pages are ordered by: time and id, from a cursor on."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, or_

from sekisho.kernel.pages import Cursor


def oldest_first(query: Any, time: Any, identity: Any, after: Cursor | None = None) -> Any:
    """The query's rows by these two columns; after a cursor, from the first that comes behind it."""
    if after is not None:
        query = query.where(or_(time > after.time, and_(time == after.time, identity > after.id)))
    return query.order_by(time, identity)


def newest_first(query: Any, time: Any, identity: Any, after: Cursor | None = None) -> Any:
    """As `oldest_first`, the other way round."""
    if after is not None:
        query = query.where(or_(time < after.time, and_(time == after.time, identity < after.id)))
    return query.order_by(time.desc(), identity.desc())
