"""Sources on this machine that behave as remote ones: a git repository, a DVC cache, a web server, a lakeFS."""

from __future__ import annotations

import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "c" * 64


def git(folder: Path, *words: str) -> str:
    given = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", "-C", str(folder), *given, *words], capture_output=True, check=True)
    return done.stdout.decode().strip()


def committed(folder: Path, files: Mapping[str, bytes]) -> str:
    """Commit these files in a new repository (links that stand there too); the commit's id."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet")
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Pages", "--date", "2026-01-01T00:00:00Z")
    return git(folder, "rev-parse", "HEAD")


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def cached(cache: Path, data: bytes, suffix: str = "") -> str:
    """Put bytes into a DVC cache; their MD5."""
    found = md5(data)
    place = cache / "files" / "md5" / found[:2] / (found[2:] + suffix)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return found + suffix


def cached_folder(cache: Path, files: Mapping[str, bytes]) -> str:
    listed = [{"md5": cached(cache, data), "relpath": name} for name, data in files.items()]
    return cached(cache, json.dumps(listed).encode(), ".dir")


@contextmanager
def served(answers: Mapping[str, bytes]) -> Iterator[str]:
    """A web server with these bodies by path; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(urlsplit(self.path).path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_words: object) -> None:
            """Tests are quiet."""

    with _running(Handler) as address:
        yield address


@contextmanager
def lakefs(objects: Mapping[str, bytes], checksums: Mapping[str, str], token: str = "key:secret") -> Iterator[str]:
    """The part of lakeFS's API that reads a commit of the repository ``pages``, two objects a page."""
    import base64

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            if self.headers.get("Authorization") != f"Basic {base64.b64encode(token.encode()).decode()}":
                return self._send(401, b"{}")
            root = "/api/v1/repositories/pages"
            if url.path == f"{root}/commits/{COMMIT}":
                return self._send(200, json.dumps({"id": COMMIT}).encode())
            if url.path == f"{root}/refs/{COMMIT}/objects/ls":
                return self._send(200, json.dumps(self._page(query)).encode())
            if url.path == f"{root}/refs/{COMMIT}/objects" and unquote(query["path"]) in objects:
                return self._send(200, objects[unquote(query["path"])])
            return self._send(404, b"{}")

        def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
            prefix, after = query.get("prefix", ""), query.get("after", "")
            names = sorted(name for name in objects if name.startswith(prefix) and name > after)
            results = [
                {
                    "path": name,
                    "path_type": "object",
                    "checksum": checksums.get(name, md5(objects[name])),
                    "mtime": 1_700_000_000,
                    "size_bytes": len(objects[name]),
                }
                for name in names[:2]
            ]
            more = len(names) > 2
            return {"results": results, "pagination": {"has_more": more, "next_offset": names[1] if more else ""}}

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Tests are quiet."""

    with _running(Handler) as address:
        yield address


@contextmanager
def _running(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
