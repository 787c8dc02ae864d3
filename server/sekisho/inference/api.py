"""REST: the models that can be asked now."""

from __future__ import annotations

import msgspec
from litestar import Controller, get
from litestar.params import FromPath

from sekisho.identity.types import Actor
from sekisho.inference.service import Inference
from sekisho.inference.types import HostSeen, HostState
from sekisho.kernel.injection import Injected


class ModelView(msgspec.Struct, frozen=True):
    """A model by the name and digest that a model manifest takes."""

    name: str
    digest: str
    provider: str
    family: str
    size_bytes: int


class HostView(msgspec.Struct, frozen=True):
    """A host and what it has now; `problem` says why one that is not reachable is not.

    `seen` is how it did for the worker that asked it last, where one has.
    """

    host: str
    reachable: bool
    problem: str | None
    models: list[ModelView]
    seen: HostSeen | None = None


class HostList(msgspec.Struct, frozen=True):
    items: list[HostView]


class Models(Controller):
    path = "/v1/projects/{project:str}/models"
    tags = ("models",)

    @get(operation_id="list_available_models")
    async def models(self, actor: Injected[Actor], inference: Injected[Inference], project: FromPath[str]) -> HostList:
        """What can answer or embed now, host by host. A host that is away is listed with its problem."""
        return HostList([_view(state) for state in await inference.models(actor, project)])


def _view(state: HostState) -> HostView:
    models = [
        ModelView(model.name, model.digest, model.provider, model.family, model.size_bytes) for model in state.models
    ]
    return HostView(state.host, state.reachable, state.problem, models, state.seen)


controllers: list[type[Controller]] = [Models]
