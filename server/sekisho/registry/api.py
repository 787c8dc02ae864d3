"""REST of the registry."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from litestar import Controller, Request, Response, get, post, put
from litestar.di import Provide
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_204_NO_CONTENT, HTTP_304_NOT_MODIFIED
from litestar.types import ControllerRouterHandler

from sekisho.identity.bearer import bearer_token
from sekisho.identity.types import Actor
from sekisho.kernel.injection import Injected
from sekisho.kernel.pages import Page
from sekisho.kernel.references import Kind, Reference, parse_kind, parse_name, parse_selector
from sekisho.registry.answers import LATEST, Answer, asked_for, matches
from sekisho.registry.artifacts import ArtifactFilter
from sekisho.registry.service import Registry
from sekisho.registry.types import Artifact, Direction, Registration, Version
from sekisho.registry.views import (
    DiffView,
    Digests,
    LineageView,
    Messages,
    NewVersion,
    Reason,
    RegisteredView,
    Rendering,
    ResolvedView,
    RevocationView,
    Stages,
    Versions,
    diff_view,
    lineage_view,
    registered_view,
    revocation_view,
    versions_view,
)

Limit = Annotated[int, QueryParameter(description="How many items a page has at most.", ge=1, le=200)]


async def _artifact(
    project: FromPath[str], kind: FromPath[str], name: FromPath[str], actor: Injected[Actor]
) -> Reference:
    """What the path names. It asks for the actor so that a stranger is told that he is one, and nothing of names."""
    return Reference(project, parse_kind(kind), parse_name(name))


async def _version(artifact: Injected[Reference], selector: FromPath[str]) -> Reference:
    return replace(artifact, selector=parse_selector(selector))


def _label(text: str | None) -> tuple[str, str | None] | None:
    if text is None:
        return None
    name, equals, value = text.partition("=")
    return name, value if equals else None


class ArtifactController(Controller):
    """Artifacts: named things of one kind."""

    path = "/v1/projects/{project:str}/artifacts"
    tags = ("registry",)
    dependencies = {"artifact": Provide(_artifact)}  # noqa: RUF012

    @get(operation_id="list_artifacts")
    async def artifacts(
        self,
        project: FromPath[str],
        actor: Injected[Actor],
        registry: Injected[Registry],
        kind: FromQuery[Kind | None] = None,
        name_contains: FromQuery[str | None] = None,
        archived: FromQuery[bool | None] = None,
        label: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: Limit = 50,
    ) -> Page[Artifact]:
        """The project's artifacts, oldest first. `label` is a label's name, or `name=value`."""
        wanted = ArtifactFilter(kind, name_contains, archived, _label(label))
        return await registry.artifacts(actor, project, wanted, cursor, limit)

    @get("/{kind:str}/{name:str}", operation_id="get_artifact")
    async def artifact(
        self,
        artifact: Injected[Reference],
        actor: Injected[Actor],
        registry: Injected[Registry],
    ) -> Artifact:
        """One artifact: how many versions it has, and which was registered last."""
        return await registry.artifact(actor, artifact)

    @get("/{kind:str}/{name:str}/diff", operation_id="diff_versions")
    async def diff(
        self,
        artifact: Injected[Reference],
        from_: Annotated[str, QueryParameter(name="from", description="Selector of the older version.")],
        to: FromQuery[str],
        actor: Injected[Actor],
        registry: Injected[Registry],
        format_: Annotated[Literal["json", "text"], QueryParameter(name="format")] = "json",
    ) -> DiffView:
        """What changed between two versions, as steps or as unified text."""
        before, after = (replace(artifact, selector=parse_selector(selector)) for selector in (from_, to))
        return diff_view(await registry.diff(actor, before, after, text=format_ == "text"))

    @get("/{kind:str}/{name:str}/stages", operation_id="get_stages")
    async def stages(
        self,
        artifact: Injected[Reference],
        actor: Injected[Actor],
        registry: Injected[Registry],
    ) -> Stages:
        """What each stage serves, and the last moves of its pointers with their decisions."""
        return Stages(*await registry.stages_of(actor, artifact))

    @post("/{kind:str}/{name:str}/archive", operation_id="archive_artifact", status_code=HTTP_204_NO_CONTENT)
    async def archive(
        self,
        artifact: Injected[Reference],
        actor: Injected[Actor],
        registry: Injected[Registry],
    ) -> None:
        """Put an artifact away: it answers, but takes nothing new. Nothing is ever deleted."""
        await registry.archive(actor, artifact)

    @post("/{kind:str}/{name:str}/restore", operation_id="restore_artifact", status_code=HTTP_204_NO_CONTENT)
    async def restore(
        self,
        artifact: Injected[Reference],
        actor: Injected[Actor],
        registry: Injected[Registry],
    ) -> None:
        """Take an artifact back into use."""
        await registry.restore(actor, artifact)


class VersionController(Controller):
    """Versions: immutable manifests. A selector is a stage, v<number>, a digest or latest."""

    path = "/v1/projects/{project:str}/artifacts/{kind:str}/{name:str}/versions"
    tags = ("registry",)
    dependencies = {"artifact": Provide(_artifact), "reference": Provide(_version)}  # noqa: RUF012

    @post(operation_id="register_version")
    async def register(
        self,
        artifact: Injected[Reference],
        data: JSONBody[NewVersion],
        actor: Injected[Actor],
        registry: Injected[Registry],
    ) -> Response[RegisteredView]:
        """Register a manifest. The same content is the same version (200), new content a new one (201)."""
        said = data.registration.provenance()
        made = await registry.register(actor, artifact.project, artifact.kind, artifact.name, data.manifest, said)
        return Response(registered_view(made), status_code=HTTP_201_CREATED if made.new else HTTP_200_OK)

    @get(operation_id="list_versions")
    async def versions(
        self,
        artifact: Injected[Reference],
        actor: Injected[Actor],
        registry: Injected[Registry],
        cursor: FromQuery[str | None] = None,
        limit: Limit = 50,
    ) -> Versions:
        """An artifact's versions without their manifests, oldest first."""
        return versions_view(await registry.versions(actor, artifact, cursor, limit))

    @get("/{selector:str}", operation_id="get_version")
    async def version(
        self,
        reference: Injected[Reference],
        actor: Injected[Actor],
        registry: Injected[Registry],
    ) -> Version:
        """One version with its manifest."""
        return await registry.one(actor, reference)

    @get("/{selector:str}/registrations", operation_id="list_registrations")
    async def registrations(
        self,
        reference: Injected[Reference],
        actor: Injected[Actor],
        registry: Injected[Registry],
        cursor: FromQuery[str | None] = None,
        limit: Limit = 50,
    ) -> Page[Registration]:
        """Who registered this version, from which commit and CI run, oldest first."""
        return await registry.registrations(actor, reference, cursor, limit)

    @get("/{selector:str}/lineage", operation_id="get_lineage")
    async def lineage(
        self,
        reference: Injected[Reference],
        actor: Injected[Actor],
        registry: Injected[Registry],
        direction: FromQuery[Direction] = Direction.UP,
        depth: FromQuery[int] = 10,
    ) -> LineageView:
        """What a version is made from (`up`) or what is made from it (`down`), and which stages serve each."""
        return lineage_view(await registry.lineage(actor, reference, direction, depth))

    @post("/{selector:str}/render", operation_id="render_prompt", status_code=HTTP_200_OK)
    async def render(
        self,
        reference: Injected[Reference],
        data: JSONBody[Rendering],
        actor: Injected[Actor],
        registry: Injected[Registry],
    ) -> Messages:
        """A prompt's chat messages for these variables: exactly the declared ones, of the declared types."""
        return Messages(await registry.render(actor, reference, data.variables))

    @post("/{selector:str}/archive", operation_id="archive_version", status_code=HTTP_204_NO_CONTENT)
    async def archive(
        self,
        reference: Injected[Reference],
        actor: Injected[Actor],
        registry: Injected[Registry],
    ) -> None:
        """Put one version away; a version that a stage serves stays."""
        await registry.archive(actor, reference)

    @post("/{selector:str}/restore", operation_id="restore_version", status_code=HTTP_204_NO_CONTENT)
    async def restore(
        self,
        reference: Injected[Reference],
        actor: Injected[Actor],
        registry: Injected[Registry],
    ) -> None:
        """Take one version back into use."""
        await registry.restore(actor, reference)

    @post("/{selector:str}/revoke", operation_id="revoke_version", status_code=HTTP_200_OK)
    async def revoke(
        self,
        reference: Injected[Reference],
        data: JSONBody[Reason],
        actor: Injected[Actor],
        registry: Injected[Registry],
    ) -> RevocationView:
        """Take a version out of use for good. What is made from it is refused too; the answer lists all of it."""
        return revocation_view(await registry.revoke(actor, reference, data.reason))


class ResolveController(Controller):
    """What a reference means now: the call that applications make at run time."""

    path = "/v1/projects/{project:str}/resolve"
    tags = ("registry",)

    @get(
        "/{kind:str}/{name:str}",
        operation_id="resolve",
        responses={
            HTTP_200_OK: ResponseSpec(ResolvedView, description="What the reference means now."),
            HTTP_304_NOT_MODIFIED: ResponseSpec(None, description="It means what it meant at the ETag given."),
        },
    )
    async def resolve(
        self,
        request: Request[Any, Any, Any],
        project: FromPath[str],
        kind: FromPath[str],
        name: FromPath[str],
        selector: FromQuery[str] = LATEST,
        if_none_match: Annotated[str | None, HeaderParameter(name="If-None-Match")] = None,
    ) -> Answer:
        """The version, its manifest, and for a stage the decision that put it there. Answers 304 to its own ETag."""
        # What is remembered is answered before it comes here (`http/shortcut.py`). Services come from the application's
        # state and the answer is ready-made: injection and encoding would take longer than all the rest.
        identity, registry = request.app.state.identity, request.app.state.registry
        seen = registry.watch.marker()  # one look for both: nothing older than this request's arrival is believed
        actor = await identity.authenticate(bearer_token(request.headers.get("authorization", "")), seen)
        resolved = await registry.resolve(actor, asked_for(project, kind, name, selector), seen)
        return Answer(resolved, if_none_match is not None and matches(if_none_match, resolved.etag))


class BlobController(Controller):
    """Blobs: the bytes of corpora and datasets, kept under their digest."""

    path = "/v1/projects/{project:str}/blobs"
    tags = ("registry",)

    @put("/{digest:str}", operation_id="put_blob", status_code=HTTP_204_NO_CONTENT, opt={"raw_body": True})
    async def put_blob(
        self,
        request: Request[Any, Any, Any],
        project: FromPath[str],
        digest: FromPath[str],
        actor: Injected[Actor],
        registry: Injected[Registry],
    ) -> None:
        """Keep raw bytes. They must have the digest in the path; keeping them again changes nothing."""
        await registry.put_blob(actor, project, digest, await request.body())

    @get("/{digest:str}", operation_id="get_blob", media_type="application/octet-stream")
    async def blob(
        self,
        project: FromPath[str],
        digest: FromPath[str],
        actor: Injected[Actor],
        registry: Injected[Registry],
    ) -> Response[bytes]:
        """The bytes, verified against the digest."""
        data = await registry.blob(actor, project, digest)
        # Never shown as a page: an HTML file of a corpus is data here.
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return Response(data, media_type="application/octet-stream", headers=headers)

    @post("/missing", operation_id="missing_blobs", status_code=HTTP_200_OK)
    async def missing(
        self,
        project: FromPath[str],
        data: JSONBody[Digests],
        actor: Injected[Actor],
        registry: Injected[Registry],
    ) -> dict[str, list[str]]:
        """Which of these digests have no bytes yet, so that a caller sends only those."""
        return {"missing": list(await registry.missing_blobs(actor, project, data.digests))}


controllers: list[ControllerRouterHandler] = [
    ArtifactController,
    VersionController,
    ResolveController,
    BlobController,
]
