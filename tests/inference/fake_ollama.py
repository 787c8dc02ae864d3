"""A small Ollama server over real HTTP, with the faults that real ones have."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CHAT = "tiny:1b"
EMBED = "tiny-embed:latest"
APACHE = "                                 Apache License\n                           Version 2.0, January 2004\n"


@dataclass
class FakeOllama:
    """What the fake has, does and has seen. Tests change it while it runs."""

    digests: dict[str, str] = field(default_factory=lambda: {CHAT: "a" * 64, EMBED: "b" * 64})
    figures: dict[str, int] = field(default_factory=dict)
    drops: int = 0
    busy: int = 0
    garbage: bool = False
    unfinished: bool = False
    says: Callable[[dict[str, Any]], str] | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    seconds: float = 0.0
    """How long it works on one chat, of which it has `slots` in hand at a time; the others wait for their turn."""
    slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(1000))
    down: bool = False
    url: str = ""

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        text = " ".join(message["content"] for message in body["messages"])
        read = min(len(text.split()) + 5, body["options"]["num_ctx"])
        plain = f"seed {body['options']['seed']}: {text.split()[-1]}"
        said = self.says(body) if self.says else '{"yes": true}' if body.get("format") else plain
        return {
            "model": body["model"],
            "message": {"role": "assistant", "content": said},
            "done": not self.unfinished,
            "done_reason": "stop",
            "prompt_eval_count": read,
            "eval_count": len(said.split()),
        }

    def embed(self, body: dict[str, Any]) -> dict[str, Any] | None:
        texts = body["input"]
        if any(len(text.split()) > 60 for text in texts) and not body.get("truncate"):
            return None
        vectors = [[float(len(text)), float(text.count("a") + 1), 2.0, 0.5] for text in texts]
        return {
            "model": body["model"],
            "embeddings": vectors,
            "prompt_eval_count": sum(min(len(text.split()), 64) for text in texts),
        }

    def work(self) -> None:
        """Take as long as one chat takes."""
        with self.slots:
            time.sleep(self.seconds)


@contextmanager
def running(fake: FakeOllama | None = None) -> Iterator[FakeOllama]:
    """Serve on a loopback port until the end of the block; the same fake comes back at the same address."""
    fake = fake or FakeOllama()
    fake.down = False
    port = int(fake.url.rpartition(":")[2] or 0)
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Handler", (_Handler,), {"fake": fake}))
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.down = True
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    fake: FakeOllama
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        return

    def do_GET(self) -> None:
        models = [
            {"name": name, "model": name, "digest": digest, "size": 5, "details": {"family": "tiny"}}
            for name, digest in self.fake.digests.items()
        ]
        self._send(200, {"models": models})

    def do_POST(self) -> None:
        if self.fake.down:  # a connection from before the end, kept alive
            self.close_connection = True
            return
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.fake.seen.append({"path": self.path, **body})
        self.fake.in_flight += 1
        self.fake.most_in_flight = max(self.fake.most_in_flight, self.fake.in_flight)
        try:
            self._answer(body)
        finally:
            self.fake.in_flight -= 1

    def _answer(self, body: dict[str, Any]) -> None:
        fake = self.fake
        name = body["model"] if ":" in body["model"] else body["model"] + ":latest"
        if name not in fake.digests:
            self._send(404, {"error": f'model "{name}" not found, try pulling it first'})
        elif fake.drops:
            fake.drops -= 1
            self._drop()
        elif fake.busy:
            fake.busy -= 1
            self._send(503, {"error": "server busy, please try again"})
        elif fake.garbage:
            self._send_bytes(200, b"<html>not an Ollama</html>")
        elif self.path == "/api/show":
            figures = {"tiny.context_length": 64, "tiny.embedding_length": 4} if "embed" in name else fake.figures
            licence = {"license": APACHE} if name == CHAT else {}
            self._send(200, {"model_info": figures, "details": {"family": "tiny"}, **licence})
        elif self.path == "/api/chat":
            fake.work()
            self._send(200, fake.chat(body))
        else:
            made = fake.embed(body)
            self._send(*((200, made) if made else (400, {"error": "input length exceeds maximum context length"})))

    def _drop(self) -> None:
        """Promise an answer, send half of it, hang up."""
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        self.wfile.write(b'{"model": "')
        self.wfile.flush()
        self.close_connection = True

    def _send(self, status: int, value: Any) -> None:
        self._send_bytes(status, json.dumps(value).encode())

    def _send_bytes(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
