"""REST of erasure."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_202_ACCEPTED
from msgspec import Meta

from sekisho.evaluation.erasing import Erasing
from sekisho.identity.types import Actor
from sekisho.kernel.injection import Injected


class NewErasure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`document` is a path in the corpus; every text that it ever had there is erased. `reason` enters the ledger.

    `with_datasets`: every dataset that quotes a sentence of it is erased and revoked too, with the rows of its runs.
    """

    corpus: Annotated[str, Meta(min_length=1, max_length=300, examples=["corpus/handbook"])]
    document: Annotated[str, Meta(min_length=1, max_length=500, examples=["en/gate.md"])]
    reason: Annotated[str, Meta(min_length=1, max_length=1000, examples=["Request 17 of a person under Article 17."])]
    with_datasets: bool = False


class ErasureView(msgspec.Struct, frozen=True):
    """What was erased at once. Keep `salt`: it is told once, and opens `commitment`, which the ledger holds."""

    job_id: str
    salt: str
    commitment: str
    texts: list[str]
    corpora: list[str]
    indexes: list[str]
    dependants: list[str]
    quoted_by: list[str]
    datasets: list[str]


class ErasureJobView(msgspec.Struct, frozen=True):
    """How far the worker is with vectors, case rows and cached calls; `result` counts them once it is done."""

    id: str
    state: str
    result: dict[str, Any] | None
    error: str | None


class ErasureController(Controller):
    """Erasures: a document goes, with everything that was made of it."""

    path = "/v1/projects/{project:str}/erasures"
    tags = ("registry",)

    @post(operation_id="erase_document", status_code=HTTP_202_ACCEPTED)
    async def start(
        self, project: FromPath[str], data: JSONBody[NewErasure], actor: Injected[Actor], erasing: Injected[Erasing]
    ) -> ErasureView:
        """Blank the text, revoke the corpora and indexes that hold it, and queue the deletion of all made of it."""
        done = await erasing.erase_document(
            actor, project, data.corpus, data.document, data.reason, with_datasets=data.with_datasets
        )
        return msgspec.convert(msgspec.to_builtins(done), ErasureView)

    @get("/{job_id:str}", operation_id="get_erasure")
    async def state(
        self, project: FromPath[str], job_id: FromPath[str], actor: Injected[Actor], erasing: Injected[Erasing]
    ) -> ErasureJobView:
        """The worker's part of an erasure."""
        job = await erasing.job(actor, project, job_id)
        return ErasureJobView(job.id, job.state.value, None if job.result is None else dict(job.result), job.error)
