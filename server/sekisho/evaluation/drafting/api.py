"""REST of drafts."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_201_CREATED, HTTP_202_ACCEPTED

from sekisho.evaluation.drafting.proposals import MOST
from sekisho.evaluation.drafting.service import Drafting
from sekisho.identity.types import Actor
from sekisho.indexing.api import JobView, Reference
from sekisho.kernel.injection import Injected


class NewDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which corpus how many questions are to be proposed.

    `model` is ``ollama/<name>``, to have a model write them; left out, they follow the form of headings and sentences.
    """

    corpus: Reference
    size: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 50
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**53)] = 0
    model: Annotated[str, msgspec.Meta(max_length=200, examples=["ollama/smollm2:135m"])] | None = None


class Acceptance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Drafts that a person takes into use as dataset `name`.

    `content` is the digest of the rows as he leaves them, put before; `only` are the ids he takes, all where empty.
    """

    name: Annotated[str, msgspec.Meta(examples=["questions"])]
    content: Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
    licence: Annotated[str, msgspec.Meta(min_length=1, max_length=200, examples=["Apache-2.0"])]
    only: Annotated[tuple[str, ...], msgspec.Meta(max_length=MOST)] = ()
    message: Annotated[str, msgspec.Meta(max_length=10_000)] = ""


class Accepted(msgspec.Struct, frozen=True):
    """The dataset's version. `new`: these rows were not registered under this name before."""

    reference: str
    digest: str
    number: int
    new: bool


class DraftController(Controller):
    """Drafts: questions proposed from a corpus, which are no evidence before a person has accepted them."""

    path = "/v1/projects/{project:str}/drafts"
    tags = ("evaluation",)

    @post(operation_id="start_draft", status_code=HTTP_202_ACCEPTED)
    async def start(
        self,
        project: FromPath[str],
        data: JSONBody[NewDraft],
        actor: Injected[Actor],
        drafting: Injected[Drafting],
    ) -> JobView:
        """Pin the corpus by digest, and queue the drafting for a worker."""
        return JobView.of(
            await drafting.request(actor, project, data.corpus, size=data.size, seed=data.seed, model=data.model)
        )

    @get("/{job_id:str}", operation_id="get_draft")
    async def draft(
        self,
        project: FromPath[str],
        job_id: FromPath[str],
        actor: Injected[Actor],
        drafting: Injected[Drafting],
    ) -> JobView:
        """How far it is; once it is done, `result.content` is the digest of a blob of rows, each marked as a draft."""
        return JobView.of(await drafting.job(actor, project, job_id))

    @post("/accept", operation_id="accept_drafts", status_code=HTTP_201_CREATED)
    async def accept(
        self,
        project: FromPath[str],
        data: JSONBody[Acceptance],
        actor: Injected[Actor],
        drafting: Injected[Drafting],
    ) -> Accepted:
        """Register the rows without their marks, in your name. A service cannot."""
        registered = await drafting.accept(
            actor, project, data.name, data.content, licence=data.licence, only=data.only, message=data.message
        )
        version = registered.version
        return Accepted(str(version), version.digest, version.number, registered.new)
