"""How the client reaches a server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from sekisho.cli.demo.server import Server
from sekisho.client.connection import Connection
from sekisho.kernel.errors import Unavailable

NOWHERE = "http://127.0.0.1:9"


class Answer(BaseHTTPRequestHandler):
    """Says which address it was asked for: whole where the asker took this for a proxy."""

    def do_GET(self) -> None:
        body = f'{{"asked": "{self.path}"}}'.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_proxy_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def asked(address: str) -> str:
    connection = Connection(address)
    try:
        return str(connection.get("/healthz")["asked"])
    finally:
        connection.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_no_proxy_for_this_machine(host: str, variable: str, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy set in the environment is not asked for a loopback address."""
    monkeypatch.setenv(variable.lower(), NOWHERE)
    assert asked(f"http://{host}:{port}") == "/healthz"


def test_a_proxy_for_other_machines(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is used as set."""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    assert asked("http://sekisho.example") == "http://sekisho.example/healthz"
    monkeypatch.setenv("http_proxy", NOWHERE)
    with pytest.raises(Unavailable):
        asked("http://sekisho.example")


def test_the_demo_asks_its_own_server_directly(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is ready is not a proxy's to say."""
    monkeypatch.setenv("http_proxy", NOWHERE)
    with Server(f"http://127.0.0.1:{port}", {}, tmp_path / "log", command=("sleep", "60"), patience_s=5) as server:
        assert server.running
