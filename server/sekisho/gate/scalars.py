"""What the parts of the gate's input and of the policy data are made of."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

LARGEST: Final = 2**53 - 1
Text = Annotated[str, Meta(max_length=4096)]
Word = Annotated[str, Meta(min_length=1, max_length=256)]
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)]
Moment = Annotated[int, Meta(ge=0, le=LARGEST)]
"""Epoch milliseconds."""
Count = Annotated[int, Meta(ge=0, le=LARGEST)]
Bp = Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000)]
"""Basis points: 10000 is one."""
StageName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,30}$", max_length=31)]
KindName = Literal["system", "prompt", "corpus", "index", "agent", "dataset", "suite", "model"]
PrincipalKind = Literal["person", "service"]
Origin = Literal["measured", "imported", "attested"]


class Closed(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Unknown fields are refused; absent optionals are left out."""
