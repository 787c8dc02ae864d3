"""Contexts and answers that several tests of grounding use."""

from __future__ import annotations

from typing import Any, Final

PROSE: Final = (
    "The Harrow Bridge was opened in 1931 by the engineer Clara Whitfield. It carries 42 trains a day over the river "
    "Alder. The bridge was closed for repairs in 1978, and it is not open to road traffic. In 2004 the council of "
    "Dunmore spent 3.5 million pounds on new steel cables. Tickets for the museum beside the bridge cost 8 pounds."
)

JAPANESE: Final = (
    "関所は変更と本番のあいだに立ちます。却下された昇格は、規則と観測値と上限を示します。免除は30日で失効します。"
)

CAFE: Final[dict[str, Any]] = {
    "name": "Bluebird Cafe",
    "city": "Goleta",
    "hours": {"Monday": "9:0-17:0", "Tuesday": "9:0-17:0", "Saturday": "10:0-14:30"},
    "attributes": {
        "BusinessParking": {"garage": False, "street": True, "validated": False, "lot": False, "valet": False},
        "RestaurantsReservations": True,
        "OutdoorSeating": None,
        "WiFi": "no",
        "RestaurantsTakeOut": True,
    },
    "business_stars": 4.5,
    "review_info": [
        {"review_stars": 5.0, "review_text": "Lovely scones and a friendly waiter."},
        {"review_stars": 4.0, "review_text": "Good coffee, small portions."},
    ],
}
