"""An OPA server behind the port. It pulls our signed bundle; each answer must name that bundle's revision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from opa_client.opa_async import AsyncOpaClient

from sekisho.gate.engines.port import BUNDLE, PACKAGE, RULE, Journal, refuse_allow_on_nothing
from sekisho.kernel.errors import EngineFailed, Invalid


@dataclass
class OpaServer:
    """Asks an OPA server through its REST API. Belongs to the event loop that first asks it.

    `journal` notes every answer but those to self-tests, whatever comes of it.
    """

    url: str
    policy_digest: str
    timeout_ms: int
    token: str | None = None
    journal: Journal | None = None
    name: str = "opa"
    version: str = field(default="", init=False)
    """Learnt from the server's first answer."""
    _client: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise Invalid(f"{self.url!r} is not the address of an OPA server", remedy="write http://host:8181")

    async def evaluate(self, document: Mapping[str, Any]) -> object:
        body = await self._query(document)
        if self.journal is not None:
            await self.journal.asked(body.get("decision_id"), document, body.get("result"), _revision(body))
        return self._answer(body)

    def _answer(self, body: Mapping[str, Any]) -> object:
        self._same_policy(body)
        if "result" not in body:
            raise EngineFailed(f"OPA at {self.url} answered nothing: data.{PACKAGE}.{RULE} is undefined there")
        result: object = body["result"]
        return result

    async def check(self) -> None:
        if fault := refuse_allow_on_nothing(self._answer(await self._query({}))):
            raise EngineFailed(f"OPA at {self.url} failed its self-test: {fault}")

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close_connection()

    async def _query(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            client = await self._connected()
            body = await client.query_rule(document, PACKAGE, RULE, query_params={"provenance": "true"})
        except TimeoutError as error:
            raise EngineFailed(f"OPA at {self.url} did not answer within {self.timeout_ms} ms") from error
        except Exception as error:
            # aiohttp's errors, refused JSON, a torn body: whatever it is, there is no answer to decide by.
            raise EngineFailed(f"OPA at {self.url} gave no answer: {type(error).__name__}: {error}") from error
        if not isinstance(body, dict):
            raise EngineFailed(f"OPA at {self.url} answered {type(body).__name__}, not an object")
        return body

    async def _connected(self) -> Any:
        if self._client is None:
            parts = urlsplit(self.url)
            host = parts.hostname or ""
            secure = parts.scheme == "https"
            client = AsyncOpaClient(
                host=f"[{host}]" if ":" in host else host,
                port=parts.port or (443 if secure else 8181),
                ssl=secure,
                token=self.token,
                retries=0,
                timeout=self.timeout_ms / 1000,
            )
            self._client = await client.__aenter__()
        return self._client

    def _same_policy(self, body: Mapping[str, Any]) -> None:
        revision = _revision(body)
        if revision != self.policy_digest:
            raise EngineFailed(
                f"OPA at {self.url} runs {'policy ' + str(revision) if revision else 'no bundle of ours'}, "
                f"not {self.policy_digest}",
                remedy=f"have it pull the bundle {BUNDLE!r} from this server, or wait for its next pull",
            )
        self.version = str(body["provenance"].get("version") or "")


def _revision(body: Mapping[str, Any]) -> str | None:
    """Of our bundle, as the server claims it; None where it has none."""
    provenance = body.get("provenance")
    bundles = provenance.get("bundles") if isinstance(provenance, dict) else None
    bundle = bundles.get(BUNDLE) if isinstance(bundles, dict) else None
    revision = bundle.get("revision") if isinstance(bundle, dict) else None
    return revision if isinstance(revision, str) and revision else None
