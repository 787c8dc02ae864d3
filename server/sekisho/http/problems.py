"""One table from our error tree to RFC 9457 problem details, and what Litestar raises of its own."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.plugins.problem_details import ProblemDetailsConfig, ProblemDetailsException, ProblemDetailsPlugin

from sekisho.kernel import errors
from sekisho.kernel.errors import FieldError, SekishoError
from sekisho.kernel.json import decode_json
from sekisho.kernel.logging import get_logger
from sekisho.registry.schemas import violations

TYPE_BASE: Final = "https://sekisho.dev/problems/"

STATUS: Final[dict[type[SekishoError], tuple[int, str]]] = {
    errors.Invalid: (400, "invalid"),
    errors.AmbiguousReference: (400, "ambiguous-reference"),
    errors.Unauthenticated: (401, "unauthenticated"),
    errors.Forbidden: (403, "forbidden"),
    errors.NotFound: (404, "not-found"),
    errors.Conflict: (409, "conflict"),
    errors.Archived: (410, "archived"),
    errors.Revoked: (410, "revoked"),
    errors.TooLarge: (413, "too-large"),
    errors.Unavailable: (503, "unavailable"),
    errors.EngineFailed: (503, "engine-failed"),
    errors.ModelFailed: (503, "model-failed"),
    errors.IntegrityFailed: (500, "integrity-failed"),
    errors.Unwarranted: (503, "unwarranted"),
    errors.Lapsed: (503, "lapsed"),
    errors.ExtraMissing: (501, "extra-missing"),
}
_FRAMEWORK: Final = {
    400: "invalid",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
}

_log = get_logger("sekisho.http")


class Problem(ProblemDetailsException):
    """A problem that also says which request it is about."""

    def to_response(self, request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
        body: dict[str, Any] = {
            "type": self.type_,
            "title": self.title,
            "status": self.status_code,
            "detail": self.detail,
            "instance": request.url.path,
        }
        if isinstance(self.extra, dict):
            body |= self.extra
        if identity := request.scope.get("sekisho_request_id"):
            body["request_id"] = identity
        return Response(
            body, status_code=self.status_code, media_type="application/problem+json", headers=self.headers or {}
        )


def problem_plugin() -> ProblemDetailsPlugin:
    """The plugin that turns every exception into ``application/problem+json``."""
    return ProblemDetailsPlugin(
        ProblemDetailsConfig(
            exception_to_problem_detail_map={
                SekishoError: _ours,
                HTTPException: _frameworks,
                Exception: _unexpected,
            },
        )
    )


def validation_problem(request: Request[Any, Any, Any], error: ValidationException) -> Response[Any]:
    """A request that does not decode: name every offending field, not only the first that msgspec met."""
    fields = _body_fields(request) or _parameter_fields(error)
    return _ours(errors.Invalid("the request is not valid", fields=fields)).to_response(request)


def _body_fields(request: Request[Any, Any, Any]) -> list[FieldError]:
    parameter = request.route_handler.parsed_fn_signature.parameters.get("data")
    raw = request.scope.get("sekisho_body")
    if parameter is None or not isinstance(raw, bytes) or not raw:
        return []
    return violations(parameter.annotation, decode_json(raw))


def _parameter_fields(error: ValidationException) -> list[FieldError]:
    if not isinstance(error.extra, list):
        return [FieldError("$", error.detail)]
    return [FieldError(f"$.{item.get('key', '')}".rstrip("."), str(item.get("message", ""))) for item in error.extra]


def _ours(error: SekishoError) -> Problem:
    status, slug = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    extra: dict[str, Any] = {}
    if error.remedy:
        extra["remedy"] = error.remedy
    if error.fields:
        extra["errors"] = [{"path": field.path, "message": field.message} for field in error.fields]
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {"Retry-After": "1"} if status == 503 else None
    return Problem(
        status_code=status,
        type_=TYPE_BASE + slug,
        title=error.title,
        detail=error.detail,
        extra=extra or None,
        headers=headers,
    )


def _frameworks(error: HTTPException) -> Problem:
    status = error.status_code
    slug = _FRAMEWORK.get(status, "invalid" if status < 500 else "internal")
    detail = error.detail if status < 500 else "an unexpected error; the server's log has it under this request id"
    return Problem(
        status_code=status,
        type_=TYPE_BASE + slug,
        title=slug.replace("-", " ").capitalize(),
        detail=detail,
        headers=error.headers,
    )


def _unexpected(error: Exception) -> Problem:
    _log.error("unexpected error", exc_info=error)
    return Problem(
        status_code=500,
        type_=TYPE_BASE + "internal",
        title="Internal error",
        detail="an unexpected error; the server's log has it under this request id",
    )
