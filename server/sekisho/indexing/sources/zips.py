"""Reading ZIP files that nobody vouches for: sizes are checked before and while a member is unpacked."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePosixPath

from sekisho.indexing.sources.types import MIB, Limits, Refusal


def open_zip(data: bytes, limits: Limits) -> zipfile.ZipFile:
    """Raises `Refusal` where it is no ZIP, has too many members, or says that it unpacks to too much."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Refusal(f"is not a ZIP file that can be read: {error}") from error
    if len(members) > limits.members:
        raise Refusal(f"has {len(members)} members; at most {limits.members} are taken")
    total = sum(member.file_size for member in members)
    if total > limits.unpacked_bytes:
        raise Refusal(f"unpacks to {total} bytes, as a ZIP bomb does; at most {limits.unpacked_bytes} are taken")
    return archive


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limits: Limits, most: int) -> bytes:
    """A member's bytes, at most `most` of them. Raises `Refusal`; the sizes that it states are not believed."""
    if member.flag_bits & 0x1:
        raise Refusal("is encrypted")
    if member.file_size > most:
        raise Refusal(f"unpacks to {member.file_size} bytes; at most {most} are taken")
    if member.file_size > MIB and member.file_size > limits.ratio * max(member.compress_size, 1):
        times = member.file_size // max(member.compress_size, 1)
        raise Refusal(f"unpacks to {times} times its size, as a ZIP bomb does; at most {limits.ratio} times are taken")
    try:
        with archive.open(member) as opened:
            data = opened.read(most + 1)
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise Refusal(f"cannot be unpacked: {error}") from error
    except Exception as error:  # zlib.error and LZMAError share no base but this one
        raise Refusal(f"cannot be unpacked: {type(error).__name__}: {error}") from error
    if len(data) > most:
        raise Refusal(f"unpacks to more than {most} bytes, though it states fewer")
    return data


def path_problem(path: str) -> str | None:
    """Why a path from an archive may not become a document's; None where it may."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or ":" in parts[0]:
        return "has a path that leads out of its archive"
    if any(ord(character) < 32 for character in path):
        return "has a path with control characters"
    return "has a path of over 400 characters" if len(path) > 400 else None
