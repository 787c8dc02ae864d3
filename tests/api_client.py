"""The REST API as tests talk to it: the real application, in this process, over httpx."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

import httpx
from litestar import Litestar

from sekisho.identity.types import PrincipalKind, Role
from sekisho.kernel.errors import Conflict
from sekisho.wiring.services import Services


class ApiClient(httpx.AsyncClient):
    """An httpx client; requests go out without a token unless one is given: ``headers=await api.role("author")``."""

    def __init__(self, app: Litestar, services: Services) -> None:
        # An error that the application does not map is a 500 to its callers, and so to tests.
        super().__init__(
            transport=httpx.ASGITransport(cast(Any, app), raise_app_exceptions=False), base_url="http://sekisho.test"
        )
        self.app = app
        self.services = services
        self._tokens: dict[tuple[str, str, str], str] = {}

    @property
    def admin_token(self) -> str:
        """What the first start wrote."""
        return (self.services.settings.data_dir / "admin.token").read_text().strip()

    async def token_for(self, role: str, *, project: str = "default", name: str | None = None) -> str:
        """A token of a person with this role in the project; made once. `name` defaults to the role's."""
        name = name or role
        key = (role, project, name)
        if key not in self._tokens:
            self._tokens[key] = await self._issue(Role(role), project, name)
        return self._tokens[key]

    async def role(self, role: str, *, project: str = "default", name: str | None = None) -> dict[str, str]:
        """The headers of a request by such a person."""
        return {"Authorization": f"Bearer {await self.token_for(role, project=project, name=name)}"}

    async def _issue(self, role: Role, project: str, name: str) -> str:
        identity = self.services.identity
        admin = await identity.authenticate(self.admin_token)
        with suppress(Conflict):  # known from another role or project
            await identity.create_principal(admin, name, PrincipalKind.PERSON)
        await identity.grant_role(admin, name, project, role)
        _, secret = await identity.issue_token(admin, name)
        return secret
