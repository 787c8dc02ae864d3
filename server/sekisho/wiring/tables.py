"""Every room's rows, so that the metadata is whole when migrations look at it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Final

ROOMS: Final = ("kernel", "ledger", "identity", "registry", "inference", "indexing", "evaluation", "evidence", "gate")


def load_tables() -> None:
    """Import each room's ``store``, which declares its rows."""
    for room in ROOMS:
        if find_spec(f"sekisho.{room}") and find_spec(f"sekisho.{room}.store"):
            import_module(f"sekisho.{room}.store")
