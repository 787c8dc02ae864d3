"""Files of a lakeFS commit, over its HTTP API (``/api/v1``).

The endpoint and the credentials are read from the environment, under the names that lakeFS's own client uses, and
never from a file that is committed: ``LAKECTL_SERVER_ENDPOINT_URL``, ``LAKECTL_CREDENTIALS_ACCESS_KEY_ID``,
``LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx

from sekisho.indexing.sources.types import Limits, Original, Refused
from sekisho.indexing.sources.zips import path_problem
from sekisho.kernel.errors import FieldError, Invalid, SekishoError, Unavailable

_COMMIT: Final = re.compile(r"^[0-9a-f]{64}$")
_MD5: Final = re.compile(r'^"?([0-9a-f]{32})"?$')
_PAGE: Final = 1000
_TIMEOUT_S: Final = 60


@dataclass(frozen=True)
class LakeFS:
    """A repository at a commit. Every method raises `Invalid` or `Unavailable`."""

    client: httpx.Client
    repository: str
    commit: str

    def files(self, path: str, limits: Limits) -> Iterator[Original | Refused]:
        """The objects under `path`, named from there. An object whose bytes do not have its checksum is refused."""
        if not _COMMIT.match(self.commit):
            raise _wrong("$.commit", f"{self.commit!r} is not the full id of a commit; a branch moves")
        if self._json(f"/commits/{self.commit}").get("id") != self.commit:
            raise _wrong("$.commit", "the server answers with another commit")
        prefix = f"{path.strip('/')}/" if path.strip("/") else ""
        count = 0
        for entry in self._entries(prefix):
            count += 1
            if count > limits.members:
                raise _wrong("$.path", f"has more than {limits.members} objects")
            yield self._file(prefix, entry, limits)
        if not count:
            raise _wrong("$.path", f"the commit has nothing at {path!r}")

    def _entries(self, prefix: str) -> Iterator[Mapping[str, Any]]:
        after = ""
        while True:
            wanted = {"prefix": prefix, "after": after, "amount": str(_PAGE)}
            page = self._json(f"/refs/{self.commit}/objects/ls", wanted)
            for entry in page.get("results", ()):
                if entry.get("path_type", "object") == "object":
                    yield entry
            pagination = page.get("pagination") or {}
            following = str(pagination.get("next_offset", ""))
            if not pagination.get("has_more"):
                return
            if following <= after:
                raise _wrong("$.path", "the server's list of objects does not move on")
            after = following

    def _file(self, prefix: str, entry: Mapping[str, Any], limits: Limits) -> Original | Refused:
        whole = str(entry.get("path", ""))
        name = whole.removeprefix(prefix)
        checksum = _MD5.match(str(entry.get("checksum", "")))
        if not whole.startswith(prefix) or path_problem(name):
            return Refused(name or "(no name)", path_problem(name) or "is not under the path that was asked for")
        if checksum is None:
            return Refused(name, "has no MD5 as its checksum in lakeFS, so its bytes cannot be checked")
        data = self._bytes(f"/refs/{self.commit}/objects", {"path": whole}, limits.original_bytes)
        if data is None:
            return Refused(name, f"has more than {limits.original_bytes} bytes")
        if hashlib.md5(data, usedforsecurity=False).hexdigest() != checksum[1]:
            return Refused(name, f"has other bytes than its checksum {checksum[1]} says")
        time = entry.get("mtime")
        uri = f"lakefs://{self.repository}/{self.commit}/{whole}"
        return Original(name, data, uri, time * 1000 if isinstance(time, int) and time > 0 else None)

    def _json(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        data = self._bytes(path, query or {}, 50_000_000)
        try:
            value = httpx.Response(200, content=data or b"").json()
        except (ValueError, RecursionError) as error:
            raise Unavailable("lakeFS gave an answer that is not JSON") from error
        if not isinstance(value, dict):
            raise Unavailable("lakeFS gave an answer that is not an object")
        return value

    def _bytes(self, path: str, query: Mapping[str, str], most: int) -> bytes | None:
        """The body; None where it is longer than `most`."""
        url = f"/api/v1/repositories/{quote(self.repository, safe='')}{path}"
        try:
            with self.client.stream("GET", url, params=dict(query)) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise _refused(answer.status_code, path)
                data = bytearray()
                for piece in answer.iter_bytes():
                    data += piece
                    if len(data) > most:
                        return None
                return bytes(data)
        except httpx.HTTPError as error:
            raise Unavailable(f"lakeFS cannot be reached: {error}", remedy="look at the endpoint") from error


def lakefs_client(environ: Mapping[str, str]) -> httpx.Client:
    """Raises `Invalid` where the environment names no endpoint."""
    endpoint = environ.get("LAKECTL_SERVER_ENDPOINT_URL", "")
    if not endpoint.startswith(("http://", "https://")):
        raise Invalid(
            "no lakeFS server is named",
            fields=[
                FieldError("$", "set LAKECTL_SERVER_ENDPOINT_URL in the environment to the server's http(s) address")
            ],
        )
    user = environ.get("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", "")
    secret = environ.get("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", "")
    return httpx.Client(
        base_url=endpoint.rstrip("/").removesuffix("/api/v1"),
        auth=(user, secret) if user else None,
        timeout=_TIMEOUT_S,
    )


def _refused(status: int, path: str) -> SekishoError:
    if status in {401, 403}:
        return Invalid(
            f"lakeFS refuses the credentials for {path}",
            remedy="set LAKECTL_CREDENTIALS_ACCESS_KEY_ID and LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY",
        )
    if status == httpx.codes.NOT_FOUND:
        return _wrong("$.commit", f"lakeFS has no {path}")
    return Unavailable(f"lakeFS answered {status} for {path}")


def _wrong(path: str, message: str) -> Invalid:
    return Invalid("the lakeFS source cannot be read", fields=[FieldError(path, message)])
