"""Making an override heard: in the log, in a count, and at an address that the operator names."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from sekisho.kernel.digests import canonical_json
from sekisho.kernel.logging import get_logger
from sekisho.ledger.signing import Signer

ALERT_TYPE: Final = "application/vnd.sekisho.alert+json"
BEGUN: Final = "override.begun"
REFUSED: Final = "override.refused"
ENDED: Final = "override.ended"
UNDELIVERED: Final = "alert.undelivered"
_TRIES: Final = 3
_TIMEOUT_S: Final = 2.0

_log = get_logger("sekisho.gate")


class Alarm(Protocol):
    """What is told of overrides. It never raises: what happened stands, whoever hears of it."""

    async def sound(self, event: str, facts: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class Alarms:
    """Logs each event as an error, counts it, and posts it, signed, to `url` where there is one.

    The body is a DSSE envelope of `ALERT_TYPE` by the key that signs decisions, over the event's name and facts.
    """

    signer: Signer
    url: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    pause_s: float = 0.5

    async def sound(self, event: str, facts: Mapping[str, Any]) -> None:
        _log.error(event, **facts)
        self.counts[event] += 1
        if self.url and not await self._posted(canonical_json({"event": event, **facts})):
            self.counts[UNDELIVERED] += 1
            _log.error("the alert was not delivered", alert=event, decision=facts.get("decision"))

    async def _posted(self, payload: bytes) -> bool:
        import httpx  # a process that raises no alarm need not load it

        envelope = self.signer.sign(ALERT_TYPE, payload)
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
            for attempt in range(_TRIES):
                await asyncio.sleep(self.pause_s * attempt)
                try:
                    answer = await client.post(self.url, json=envelope)
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    _log.warning("an alert did not get through", reason=str(error) or type(error).__name__)
                    continue
                if answer.is_success:
                    return True
                _log.warning("an alert was refused", status=answer.status_code)
        return False
