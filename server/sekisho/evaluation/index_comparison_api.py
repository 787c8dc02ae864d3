"""REST of comparing two index versions."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_202_ACCEPTED

from sekisho.evaluation.index_comparison import IndexComparison
from sekisho.identity.types import Actor
from sekisho.indexing.api import JobView, Reference
from sekisho.indexing.requesting import MOST_HITS
from sekisho.kernel.injection import Injected


class NewComparison(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two index versions, and the questions to ask both, where rankings are to be compared.

    `queries` is a dataset; or else `queries_blob` is the digest of rows that were put before. `k`: how many of the
    first places are compared.
    """

    before: Reference
    after: Reference
    queries: Annotated[str, msgspec.Meta(min_length=1, max_length=300, examples=["dataset/questions"])] | None = None
    queries_blob: Annotated[str, msgspec.Meta(pattern=r"^sha256:[0-9a-f]{64}$")] | None = None
    k: Annotated[int, msgspec.Meta(ge=1, le=MOST_HITS)] = 10


class IndexComparisonController(Controller):
    """Comparisons of index versions: what they hold, and what each gives for the same questions."""

    path = "/v1/projects/{project:str}/index-comparisons"
    tags = ("indexing",)

    @post(operation_id="start_index_comparison", status_code=HTTP_202_ACCEPTED)
    async def start(
        self,
        project: FromPath[str],
        data: JSONBody[NewComparison],
        actor: Injected[Actor],
        index_comparison: Injected[IndexComparison],
    ) -> JobView:
        """Pin both indexes and the questions by digest, and queue the comparison."""
        return JobView.of(
            await index_comparison.request(
                actor,
                project,
                data.before,
                data.after,
                queries=data.queries,
                queries_blob=data.queries_blob,
                k=data.k,
            )
        )

    @get("/{job_id:str}", operation_id="get_index_comparison")
    async def comparison(
        self,
        project: FromPath[str],
        job_id: FromPath[str],
        actor: Injected[Actor],
        index_comparison: Injected[IndexComparison],
    ) -> JobView:
        """The comparison; once it is done, `result` holds documents, chunks, and `retrieval` where questions were."""
        return JobView.of(await index_comparison.job(actor, project, job_id))
