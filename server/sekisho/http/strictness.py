"""What the framework would take silently and a careful server refuses, before any handler runs.

Unknown query parameters, bodies that are not JSON by name, duplicate keys, NUL, NaN, deep nesting, invalid UTF-8.
Handlers that take raw bytes say so with ``opt={"raw_body": True}``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from litestar import Request
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.json import decode_json


class UnsupportedMediaType(HTTPException):
    status_code = 415


async def refuse_sloppy_input(request: Request[Any, Any, Any]) -> None:
    """Raises `Invalid` naming each unknown query parameter or the place in the body that is not strict JSON."""
    _refuse_unknown_query(request)
    if request.method not in {"POST", "PUT", "PATCH"} or request.route_handler.opt.get("raw_body"):
        return
    body = await request.body()
    request.scope["sekisho_body"] = body  # type: ignore[typeddict-unknown-key]
    if not body:
        return
    media_type, _ = request.content_type
    if media_type != "application/json":
        raise UnsupportedMediaType(f"send the body as application/json, not {media_type or 'without a content type'}")
    decode_json(body)


def _refuse_unknown_query(request: Request[Any, Any, Any]) -> None:
    if not request.scope["query_string"]:
        return
    unknown = sorted(request.query_params.keys() - _known_query(request.route_handler))
    if unknown:
        raise Invalid(
            "the request has query parameters that this operation does not know",
            fields=[FieldError(f"$.{name}", "unknown query parameter") for name in unknown],
            remedy="see the API's documentation under /docs",
        )


@lru_cache(maxsize=1024)
def _known_query(handler: HTTPRouteHandler) -> frozenset[str]:
    """What this operation may be asked with; the same for each of its requests."""
    declared = handler.parsed_fn_signature.parameters.items()
    asked = {name: parameter.kwarg_definition for name, parameter in declared}
    return frozenset(said.name or name for name, said in asked.items() if isinstance(said, QueryParameter))
