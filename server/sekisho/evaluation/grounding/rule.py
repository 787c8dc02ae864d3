"""Support by a fixed rule, for text that the head was not trained for (Japanese above all). Not calibrated.

Terms weighted by rarity, in the whole context and in its best window of three sentences, neighbouring pairs of terms,
and a discount for numbers, names and a negation that stand nowhere in the context.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

LOW: Final = 0.4
"""A sentence with less support than this is unsupported."""


def support(row: Mapping[str, float]) -> float:
    """In [0, 1], from a sentence's features."""
    value = 0.45 * row["cover"] + 0.35 * row["window"] + 0.2 * row["gram2"]
    value *= math.pow(0.6, min(2.0, row["numbers_missing"]))
    value *= math.pow(0.75, min(2.0, row["names_missing"]))
    return value * (0.75 if row["negation_new"] else 1.0)


def probability(row: Mapping[str, float]) -> float:
    """The rule's doubt on the head's scale: `LOW` support is 0.5. An ordering, not a frequency."""
    held = min(1.0, support(row))
    return 0.5 + 0.5 * (LOW - held) / LOW if held < LOW else 0.5 * (1 - held) / (1 - LOW)
