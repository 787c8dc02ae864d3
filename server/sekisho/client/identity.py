"""Projects, principals, roles and tokens, as the light client sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sekisho.client.connection import Connection


@dataclass(frozen=True)
class Identity:
    """What a token's holder may see and change of who may do what."""

    connection: Connection

    def whoami(self) -> Any:
        return self.connection.get("/v1/whoami")

    def create_project(self, name: str) -> Any:
        return self.connection.post("/v1/projects", {"name": name})

    def projects(self) -> Any:
        return self.connection.get("/v1/projects")["items"]

    def create_principal(self, name: str, kind: str, *, display: str = "", email: str | None = None) -> Any:
        """`kind` is ``person`` or ``service``."""
        return self.connection.post("/v1/principals", {"name": name, "kind": kind, "display": display, "email": email})

    def principals(self) -> Any:
        return self.connection.pages("/v1/principals", limit=200)

    def principal(self, name: str) -> Any:
        return self.connection.get(f"/v1/principals/{_part(name)}")

    def grant_role(self, principal: str, project: str, role: str) -> Any:
        """`project` ``*`` is every project."""
        return self.connection.post(f"/v1/principals/{_part(principal)}/roles", {"project": project, "role": role})

    def revoke_role(self, principal: str, project: str, role: str) -> None:
        self.connection.delete(f"/v1/principals/{_part(principal)}/roles/{_part(project)}/{_part(role)}")

    def issue_token(
        self,
        principal: str | None = None,
        *,
        scopes: Sequence[str] | None = None,
        expires_in_days: int | None = None,
    ) -> Any:
        """The token and its secret, which the server shows this once."""
        body = {
            "principal": principal,
            "scopes": None if scopes is None else list(scopes),
            "expires_in_days": expires_in_days,
        }
        return self.connection.post("/v1/tokens", body)

    def tokens(self, principal: str | None = None) -> Any:
        return self.connection.get("/v1/tokens", principal=principal)["items"]

    def revoke_token(self, token_id: str) -> None:
        self.connection.delete(f"/v1/tokens/{_part(token_id)}")


def _part(text: str) -> str:
    """One segment of a path, whatever is in it."""
    return quote(text, safe="*")
