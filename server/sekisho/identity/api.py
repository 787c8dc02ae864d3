"""REST of identity."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from sekisho.identity.service import Identity
from sekisho.identity.types import Actor, Principal, Project, Role
from sekisho.identity.views import (
    GrantView,
    IssuedToken,
    NewGrant,
    NewPrincipal,
    NewProject,
    NewToken,
    PrincipalView,
    Projects,
    Tokens,
    WhoAmI,
    principal_view,
    token_view,
    whoami_view,
)
from sekisho.kernel.injection import Injected
from sekisho.kernel.pages import Page

Limit = Annotated[int, QueryParameter(description="How many principals a page has at most.", ge=1, le=200)]


class ProjectController(Controller):
    """Projects: namespaces with their own names and roles. Another project's names answer 404."""

    path = "/v1/projects"
    tags = ("identity",)

    @post(operation_id="create_project")
    async def create(self, data: JSONBody[NewProject], actor: Injected[Actor], identity: Injected[Identity]) -> Project:
        """Make a project. For admins of the server."""
        return await identity.create_project(actor, data.name)

    @get(operation_id="list_projects")
    async def projects(self, actor: Injected[Actor], identity: Injected[Identity]) -> Projects:
        """The projects in which you have a role."""
        return Projects(await identity.projects(actor))

    @get("/{project:str}", operation_id="get_project")
    async def project(self, project: FromPath[str], actor: Injected[Actor], identity: Injected[Identity]) -> Project:
        """One project."""
        return await identity.project(actor, project)


class PrincipalController(Controller):
    """Principals: people and services, and their roles by project."""

    path = "/v1/principals"
    tags = ("identity",)

    @post(operation_id="create_principal")
    async def create(
        self, data: JSONBody[NewPrincipal], actor: Injected[Actor], identity: Injected[Identity]
    ) -> PrincipalView:
        """Make a person or a service known, without any role yet. For admins of the server."""
        made = await identity.create_principal(actor, data.name, data.kind, data.display, data.email)
        return principal_view(made, [])

    @get(operation_id="list_principals")
    async def principals(
        self,
        actor: Injected[Actor],
        identity: Injected[Identity],
        cursor: FromQuery[str | None] = None,
        limit: Limit = 50,
    ) -> Page[Principal]:
        """Everyone, by name. For those who administer a project."""
        return await identity.principals(actor, cursor=cursor, limit=limit)

    @get("/{name:str}", operation_id="get_principal")
    async def principal(
        self, name: FromPath[str], actor: Injected[Actor], identity: Injected[Identity]
    ) -> PrincipalView:
        """A principal with his roles in the projects you administer; of yourself, with all."""
        return principal_view(*await identity.principal(actor, name))

    @post("/{name:str}/roles", operation_id="grant_role")
    async def grant_role(
        self,
        name: FromPath[str],
        data: JSONBody[NewGrant],
        actor: Injected[Actor],
        identity: Injected[Identity],
    ) -> GrantView:
        """Grant a role. One that is held already stays as it is."""
        grant = await identity.grant_role(actor, name, data.project, data.role)
        return GrantView(grant.project, grant.role, grant.granted_by, grant.granted_at)

    @delete("/{name:str}/roles/{project:str}/{role:str}", operation_id="revoke_role")
    async def revoke_role(
        self,
        name: FromPath[str],
        project: FromPath[str],
        role: FromPath[Role],
        actor: Injected[Actor],
        identity: Injected[Identity],
    ) -> None:
        """Take a role away. It acts on the next request of any process."""
        await identity.revoke_role(actor, name, project, role)


class TokenController(Controller):
    """API tokens: shown once, kept as a hash, expiring."""

    path = "/v1/tokens"
    tags = ("identity",)

    @post(operation_id="issue_token")
    async def issue(
        self, data: JSONBody[NewToken], actor: Injected[Actor], identity: Injected[Identity]
    ) -> IssuedToken:
        """Issue a token: for anyone as an admin, a narrower one for yourself as a person."""
        token, secret = await identity.issue_token(
            actor, data.principal or actor.principal, data.scopes, data.expires_in_days
        )
        return IssuedToken(token_view(token), secret)

    @get(operation_id="list_tokens")
    async def tokens(
        self,
        actor: Injected[Actor],
        identity: Injected[Identity],
        principal: FromQuery[str | None] = None,
    ) -> Tokens:
        """Your tokens, newest first; another's, as an admin. Never their secrets."""
        return Tokens([token_view(token) for token in await identity.tokens(actor, principal)])

    @delete("/{token:str}", operation_id="revoke_token")
    async def revoke(self, token: FromPath[str], actor: Injected[Actor], identity: Injected[Identity]) -> None:
        """Revoke a token, and those its holder issued for himself with it. It acts on the next request."""
        await identity.revoke_token(actor, token)


@get("/v1/whoami", operation_id="whoami", tags=["identity"])
async def whoami(actor: Injected[Actor], identity: Injected[Identity]) -> WhoAmI:
    """Who you are to this server, in which roles, by which token."""
    principal, token = await identity.whoami(actor)
    return whoami_view(principal, actor.roles, token)


controllers: list[ControllerRouterHandler] = [ProjectController, PrincipalController, TokenController, whoami]
