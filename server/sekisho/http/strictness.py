"""What the framework would take silently and a careful server refuses, before any handler runs.

Unknown query parameters, bodies that are not JSON by name, duplicate keys, NUL, NaN, deep nesting, invalid UTF-8.
Handlers that take raw bytes say so with ``opt={"raw_body": True}``.
"""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.exceptions import HTTPException

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
    parameters = request.route_handler.parsed_fn_signature.parameters
    known = {name.rstrip("_") for name in parameters} | {_alias(parameter) for parameter in parameters.values()}
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        raise Invalid(
            "the request has query parameters that this operation does not know",
            fields=[FieldError(f"$.{name}", "unknown query parameter") for name in unknown],
            remedy="see the API's documentation under /docs",
        )


def _alias(parameter: Any) -> str:
    for meta in parameter.metadata:
        if alias := getattr(meta, "query", None) or getattr(meta, "name", None):
            return str(alias)
    definition = getattr(parameter, "kwarg_definition", None)
    return str(getattr(definition, "query", None) or getattr(definition, "name", None) or "")
