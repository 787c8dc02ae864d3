"""The light SDK: httpx, msgspec and Sekisho's own types, nothing of the server.

from sekisho.client import Client

client = Client("http://127.0.0.1:8321", token)
client.resolve("agent/support@production").digest
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.client.connection import Connection, ServerFailed
from sekisho.client.evaluation import Evaluation
from sekisho.client.gate import Gate
from sekisho.client.identity import Identity
from sekisho.client.indexing import Indexing
from sekisho.client.judging import Judging
from sekisho.client.ledger import Ledger
from sekisho.client.registry import Registry
from sekisho.client.resolver import Resolution, Resolver
from sekisho.kernel.references import DEFAULT_PROJECT

if TYPE_CHECKING:
    import httpx

__all__ = ["Client", "Connection", "Resolution", "Resolver", "ServerFailed"]


class Client:
    """A server, a token and a project."""

    def __init__(
        self,
        server: str,
        token: str = "",
        *,
        project: str = DEFAULT_PROJECT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.connection = Connection(server, token, transport=transport)
        self.project = project
        self.registry = Registry(self.connection, project)
        self.indexing = Indexing(self.connection, project)
        self.evaluation = Evaluation(self.connection, project)
        self.judging = Judging(self.connection, project)
        self.gate = Gate(self.connection, project)
        self.identity = Identity(self.connection)
        self.ledger = Ledger(self.connection)
        self._resolver = Resolver(self.connection, project)

    def resolve(self, reference: str) -> Resolution:
        """What `reference` means now; see `Resolver.resolve`."""
        return self._resolver.resolve(reference)

    def close(self) -> None:
        self.connection.close()
