"""REST of attested evidence."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.types import ControllerRouterHandler

from sekisho.evidence.attesting_api import controllers as attesting
from sekisho.evidence.overlap.api import OverlapController
from sekisho.evidence.service import Evidence
from sekisho.evidence.types import CardDocument
from sekisho.identity.types import Actor
from sekisho.kernel.injection import Injected
from sekisho.kernel.references import parse_reference


class NewCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A card about a system's version."""

    subject: Annotated[str, msgspec.Meta(examples=["system/docs@latest"])]
    card: CardDocument


class CardController(Controller):
    """System cards."""

    path = "/v1/projects/{project:str}/cards"
    tags = ("evidence",)

    @post(operation_id="add_card")
    async def add(
        self,
        project: FromPath[str],
        data: JSONBody[NewCard],
        actor: Injected[Actor],
        evidence: Injected[Evidence],
    ) -> dict[str, Any]:
        """Attest a card about a system's version. A newer card about the same digest takes the older one's place."""
        card = await evidence.add_card(actor, parse_reference(data.subject, project=project), data.card)
        return card.as_json()

    @get(operation_id="list_cards")
    async def list_cards(
        self,
        project: FromPath[str],
        subject: FromQuery[str],
        actor: Injected[Actor],
        evidence: Injected[Evidence],
    ) -> dict[str, Any]:
        """Every card about a system's version, newest first."""
        cards = await evidence.cards(actor, parse_reference(subject, project=project))
        return {"items": [card.as_json() for card in cards]}


controllers: list[ControllerRouterHandler] = [CardController, OverlapController, *attesting]
