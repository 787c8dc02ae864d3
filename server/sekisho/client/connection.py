"""One HTTP connection to a Sekisho server; problem details come back as the exceptions of ``kernel/errors.py``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from sekisho.kernel import errors
from sekisho.kernel.errors import FieldError, SekishoError

if TYPE_CHECKING:
    import httpx

_BY_SLUG: Final[Mapping[str, type[SekishoError]]] = {
    "invalid": errors.Invalid,
    "ambiguous-reference": errors.AmbiguousReference,
    "unauthenticated": errors.Unauthenticated,
    "forbidden": errors.Forbidden,
    "not-found": errors.NotFound,
    "conflict": errors.Conflict,
    "archived": errors.Archived,
    "revoked": errors.Revoked,
    "too-large": errors.TooLarge,
    "unavailable": errors.Unavailable,
    "engine-failed": errors.EngineFailed,
    "model-failed": errors.ModelFailed,
    "integrity-failed": errors.IntegrityFailed,
    "unwarranted": errors.Unwarranted,
    "lapsed": errors.Lapsed,
    "extra-missing": errors.ExtraMissing,
}

# A proxy set in the environment cannot reach this machine's loopback; for other servers it is used as set.
_DIRECT: Final = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}


class ServerFailed(errors.Unavailable):
    title = "The server failed"


class Connection:
    """Holds the server's address and the token. Every method raises `SekishoError` for whatever goes wrong."""

    def __init__(
        self, server: str, token: str = "", *, timeout_s: float = 60.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        import httpx  # a quarter of a second, which `sekisho --help` need not wait

        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.server = server
        self._http = httpx.Client(
            base_url=server, headers=headers, timeout=timeout_s, transport=transport, mounts=_DIRECT
        )

    def get(self, path: str, **params: Any) -> Any:
        """Decoded JSON of a GET; parameters that are None are left out."""
        return self._decode(self.send("GET", path, params=_given(params)))

    def post(self, path: str, body: Any = None, *, idempotency_key: str | None = None) -> Any:
        """Decoded JSON of a POST."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._decode(self.send("POST", path, json={} if body is None else body, headers=headers))

    def delete(self, path: str) -> Any:
        return self._decode(self.send("DELETE", path))

    def put_bytes(self, path: str, data: bytes) -> Any:
        """PUT raw bytes."""
        headers = {"Content-Type": "application/octet-stream"}
        return self._decode(self.send("PUT", path, content=data, headers=headers))

    def pages(self, path: str, **params: Any) -> list[Any]:
        """Every item of a paged listing, page after page."""
        items: list[Any] = []
        cursor: str | None = None
        while True:
            page = self.get(path, **{**params, "cursor": cursor})
            items += page["items"]
            cursor = page.get("next_cursor")
            if not cursor:
                return items

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request. Raises `Unavailable` where no server answers, else what its problem details say."""
        import httpx

        try:
            response = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise errors.Unavailable(
                f"no Sekisho server answers at {self.server}: {error}",
                remedy="start one with `sekisho up`, or set SEKISHO_SERVER_URL",
            ) from error
        if response.status_code >= 400:
            raise _problem(response)
        return response

    def download(self, path: str, **params: Any) -> Iterator[bytes]:
        """A body as it arrives, so that none of it need be held. Raises as `send` does."""
        import httpx

        try:
            with self._http.stream("GET", path, params=_given(params)) as response:
                if response.status_code >= 400:
                    response.read()
                    raise _problem(response)
                yield from response.iter_bytes()
        except httpx.HTTPError as error:
            raise errors.Unavailable(f"what the server at {self.server} was sending broke off: {error}") from error

    def events(self, path: str, body: Any = None) -> Iterator[tuple[str, Any]]:
        """Server-sent events as (name, decoded JSON), until the server ends them; of a POST where there is a body.

        Raises as `send` does, also for an event `problem`.
        """
        import httpx

        method, headers = "GET" if body is None else "POST", {"Accept": "text/event-stream"}
        try:
            with self._http.stream(method, path, headers=headers, json=body) as response:
                if response.status_code >= 400:
                    response.read()
                    raise _problem(response)
                for name, said in _events(response.iter_lines()):
                    if name == "problem":
                        raise _error_of(said)
                    yield name, said
        except httpx.HTTPError as error:
            raise errors.Unavailable(f"the server's events at {self.server} broke off: {error}") from error

    def close(self) -> None:
        self._http.close()

    @staticmethod
    def _decode(response: httpx.Response) -> Any:
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise ServerFailed(f"the server answered something that is not JSON at {response.url}") from error


def _events(lines: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """What stands in the lines of an event stream; comments are signs of life and nothing else."""
    name, data = "message", ""
    for line in lines:
        field, _, value = line.partition(":")
        if field == "event":
            name = value.strip()
        elif field == "data":
            data += value.strip()
        elif not line and data:
            yield name, json.loads(data)
            name, data = "message", ""


def _given(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name.rstrip("_"): value for name, value in params.items() if value is not None}


def _problem(response: httpx.Response) -> SekishoError:
    try:
        return _error_of(response.json(), ServerFailed if response.status_code >= 500 else errors.Invalid)
    except (ValueError, KeyError, TypeError):
        return ServerFailed(f"the server answered {response.status_code} at {response.url}: {response.text[:200]}")


def _error_of(body: Any, otherwise: type[SekishoError] = ServerFailed) -> SekishoError:
    """The exception that problem details tell of. Raises KeyError or TypeError for what is none."""
    slug = str(body["type"]).rsplit("/", 1)[-1]
    fields = [FieldError(str(item.get("path")), str(item.get("message"))) for item in body.get("errors", [])]
    return _BY_SLUG.get(slug, otherwise)(str(body["detail"]), remedy=body.get("remedy"), fields=fields)
