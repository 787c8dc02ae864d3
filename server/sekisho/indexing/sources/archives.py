"""An archive (ZIP, or TAR plain or gzipped) fetched by HTTP, taken only where it has the sha256 that was declared."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import httpx

from sekisho.indexing.sources.types import Limits, Original, Refusal, Refused
from sekisho.indexing.sources.zips import open_zip, path_problem, read_member
from sekisho.kernel.errors import FieldError, IntegrityFailed, Invalid, Unavailable

_TIMEOUT_S: Final = 60
_PIECE: Final = 1024 * 1024


def fetch(client: httpx.Client, url: str, sha256: str, limits: Limits) -> bytes:
    """The archive's bytes. Raises `IntegrityFailed` where they have another hash, `Invalid`, `Unavailable`."""
    if not url.startswith(("http://", "https://")):
        raise _wrong("$.url", "must begin with https:// or http://")
    data = bytearray()
    try:
        with client.stream("GET", url, follow_redirects=True, timeout=_TIMEOUT_S) as answer:
            if answer.status_code != httpx.codes.OK:
                raise _away(f"{url} answered {answer.status_code}")
            for piece in answer.iter_bytes():
                data += piece
                if len(data) > limits.unpacked_bytes:
                    raise _wrong("$.url", f"has more than {limits.unpacked_bytes} bytes")
    except httpx.HTTPError as error:
        raise _away(f"{url} cannot be fetched: {error}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != sha256.removeprefix("sha256:"):
        told = f"{url} has the sha256 {found}, not the one declared; find out why before you declare the new hash"
        raise IntegrityFailed("the archive is another one", fields=[FieldError("$.sha256", told)])
    return bytes(data)


def archive_files(data: bytes, url: str, path: str, limits: Limits) -> Iterator[Original | Refused]:
    """The files under `path`, named from there. Raises `Invalid` where the archive as a whole is not to be trusted."""
    prefix = f"{path.strip('/')}/" if path.strip("/") else ""
    members = _zipped(data, limits) if data.startswith(b"PK") else _tarred(data, limits)
    total = count = 0
    try:
        for one in members:
            hidden = any(part.startswith(".") and part not in {".", ".."} for part in one.path.split("/"))
            if not one.path.startswith(prefix) or hidden:
                continue
            name = one.path.removeprefix(prefix)
            count += 1
            if isinstance(one, Refused) or (problem := path_problem(name)):
                yield Refused(name, one.reason if isinstance(one, Refused) else str(problem))
                continue
            total += len(one.data)
            if total > limits.unpacked_bytes or count > limits.members:
                raise Refusal(f"unpacks to over {limits.unpacked_bytes} bytes or {limits.members} files")
            yield Original(name, one.data, f"{url}#{one.path}", one.time)
    except Refusal as error:
        raise _wrong("$.url", f"{url} {error}") from error
    if not count:
        raise _wrong("$.path", f"{url} has nothing at {path!r}")


def _zipped(data: bytes, limits: Limits) -> Iterator[Original | Refused]:
    archive = open_zip(data, limits)
    for member in archive.infolist():
        if member.is_dir():
            continue
        if problem := path_problem(member.filename):
            yield Refused(member.filename, problem)
        elif (member.external_attr >> 16) & 0o170000 == 0o120000:
            yield Refused(member.filename, "is a link")
        else:
            try:
                read = read_member(archive, member, limits, limits.original_bytes)
            except Refusal as error:
                yield Refused(member.filename, str(error))
                continue
            yield Original(member.filename, read, time=_zip_time(member.date_time))


def _zip_time(parts: tuple[int, int, int, int, int, int]) -> int | None:
    """A ZIP's times have no zone: they are read as UTC. 1980 is its zero, and means nothing."""
    try:
        return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000) if parts[0] > 1980 else None
    except ValueError:
        return None


def _tarred(data: bytes, limits: Limits) -> Iterator[Original | Refused]:
    plain = _gunzipped(data, limits) if data.startswith(b"\x1f\x8b") else data
    seen = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
            for member in archive:
                seen += 1
                if seen > limits.members:
                    raise Refusal(f"has more than {limits.members} members")
                name = member.name.removeprefix("./")
                if member.isdir():
                    continue
                problem = path_problem(name) or (None if member.isreg() else "is a link or a device")
                if problem is None and member.size > limits.original_bytes:
                    problem = f"has {member.size} bytes; at most {limits.original_bytes} are taken"
                opened = None if problem else archive.extractfile(member)
                if opened is None:
                    yield Refused(name, problem or "cannot be unpacked")
                else:
                    yield Original(name, opened.read(), time=int(member.mtime) * 1000 if member.mtime > 0 else None)
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise Refusal(f"is not a ZIP or TAR file that can be read: {error}") from error


def _gunzipped(data: bytes, limits: Limits) -> bytes:
    found = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as opened:
            while piece := opened.read(_PIECE):
                found += piece
                if len(found) > limits.unpacked_bytes:
                    raise Refusal(f"unpacks to over {limits.unpacked_bytes} bytes, as a bomb does")
    except (OSError, EOFError, zlib.error) as error:
        raise Refusal(f"is not gzip that can be read: {error}") from error
    return bytes(found)


def _away(message: str) -> Unavailable:
    return Unavailable("the archive cannot be had", fields=[FieldError("$.url", message)])


def _wrong(path: str, message: str) -> Invalid:
    return Invalid("the archive cannot be read", fields=[FieldError(path, message)])
