"""How the process's memory is handed out, where the C library lets a program say so."""

from __future__ import annotations

import ctypes
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
LARGE: Final = 128 * 1024
"""Bytes from which a block is mapped by itself: the threshold that glibc begins with."""


def keep_large_blocks_apart() -> bool:
    """Have large blocks go back to the system as they are freed; False where the C library cannot be told.

    glibc raises its threshold to the size of each large block that is freed. From then on such blocks come from the
    heap, and the holes that they leave there stay resident: a long-lived process would keep what its largest run took.
    """
    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    return tell is not None and tell(_M_MMAP_THRESHOLD, LARGE) == 1
