"""A model that answers the same word at once, as an Ollama host and as an OpenAI one: what everybody is timed with.

`python -m benchmarks.stub_model` serves it on a free port, which it prints, until its input ends.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

NAME: Final = "stub:latest"
DIGEST: Final = "5" * 64
ANSWER: Final = "gate"
_MESSAGE: Final = {"role": "assistant", "content": ANSWER}
_REPLIES: Final = {
    "/api/tags": {"models": [{"model": NAME, "digest": DIGEST, "size": 1, "details": {"family": "stub"}}]},
    "/api/show": {"model_info": {"stub.context_length": 8192}, "details": {"family": "stub"}},
    "/api/chat": {
        "model": NAME,
        "created_at": "2026-11-25T00:00:00Z",
        "message": _MESSAGE,
        "done": True,
        "done_reason": "stop",
        "prompt_eval_count": 9,
        "eval_count": 1,
    },
    "/v1/chat/completions": {
        "id": "stub",
        "object": "chat.completion",
        "created": 0,
        "model": NAME,
        "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
    },
}


def _whole(value: object, status: str = "200 OK") -> bytes:
    body = json.dumps(value).encode()
    return b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        status.encode(),
        len(body),
        body,
    )


_ANSWERS: Final = {path: _whole(reply) for path, reply in _REPLIES.items()}
_NOTHING: Final = _whole({"error": "not found"}, "404 Not Found")


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request of one connection by its path alone."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.decode("latin-1").split("\r\n")
            sizes = [line.partition(":")[2] for line in lines if line.lower().startswith("content-length:")]
            length = int(sizes[0]) if sizes else 0
            await reader.readexactly(length)
            writer.write(_ANSWERS.get(lines[0].split(" ")[1].split("?")[0], _NOTHING))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def serve() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


@contextmanager
def stub() -> Iterator[str]:
    """The address of one in a process of its own, so that it takes none of anybody's time."""
    command = [sys.executable, "-m", "benchmarks.stub_model"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.communicate()


if __name__ == "__main__":
    asyncio.run(serve())
