"""REST of pushed checkpoints."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import get
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler

from sekisho.kernel.injection import Injected
from sekisho.ledger.pushing.service import Pushing
from sekisho.ledger.pushing.types import Push
from sekisho.ledger.types import Reader

Limit = Annotated[int, QueryParameter(description="How many pushes are shown at most.", ge=1, le=200)]


class Pushes(msgspec.Struct, frozen=True):
    """`targets` are those of the settings; `items` what was pushed, newest first."""

    targets: list[str]
    items: list[Push]


@get("/v1/ledger/pushes", operation_id="list_checkpoint_pushes", tags=["ledger"])
async def pushes(actor: Injected[Reader], pushing: Injected[Pushing], limit: Limit = 50) -> Pushes:
    """Where checkpoints were pushed, and what went wrong. For whoever reads every project."""
    return Pushes([target.name for target in pushing.targets], await pushing.pushes(actor, limit))


controllers: list[ControllerRouterHandler] = [pushes]
