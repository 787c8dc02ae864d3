"""The child process that holds regorus. It imports nothing of Sekisho and is run by path, isolated (``python -I``).

Frames on both pipes: four bytes of length, big-endian, then the bytes. The first frame is the policy
(``{"files": {path: text}, "data": {…}, "memory": bytes}``); each further one is an input. Each is answered by one
frame: ``+`` and the engine's JSON, or ``-`` and what went wrong. regorus has no timeout, so whoever started this
process kills it when it is late.
"""

import json
import os
import resource
import struct
import sys
from typing import Any, BinaryIO

HEADER = struct.Struct(">I")
RULE = "data.sekisho.gate.decision"


def read_frame(source: BinaryIO) -> bytes | None:
    """The next frame; None where the other side has closed the pipe."""
    header = source.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (length,) = HEADER.unpack(header)
    body = source.read(length)
    return body if len(body) == length else None


def write_frame(sink: BinaryIO, kind: bytes, body: bytes) -> None:
    sink.write(HEADER.pack(len(body) + 1) + kind + body)
    sink.flush()


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Load the policy, then answer inputs until the pipe closes."""
    opening = read_frame(source)
    if opening is None:
        return
    policy = json.loads(opening)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (policy["memory"], policy["memory"]))
    import regorus

    try:
        # Its type stub lacks clone().
        engine: Any = regorus.Engine()
        for path, text in policy["files"].items():
            engine.add_policy(path, text)
        engine.add_data_json(json.dumps(policy["data"]))
        # Evaluated once here, the engine has compiled the policy; its clones need not do it again.
        engine.eval_rule_as_json(RULE)
    except BaseException as error:
        write_frame(sink, b"-", describe(error))
        raise SystemExit(1) from None
    write_frame(sink, b"+", b"ready")
    while (document := read_frame(source)) is not None:
        try:
            query = engine.clone()
            query.set_input_json(document.decode("utf-8"))
            answer = query.eval_rule_as_json(RULE).encode("utf-8")
        except BaseException as error:
            # A panic of the engine arrives as a BaseException; what it left behind is not to be trusted.
            write_frame(sink, b"-", describe(error))
            if not isinstance(error, Exception):
                raise SystemExit(1) from None
        else:
            write_frame(sink, b"+", answer)


def describe(error: BaseException) -> bytes:
    return f"{type(error).__name__}: {str(error).strip()[:2000]}".encode("utf-8", "replace")


if __name__ == "__main__":
    # Frames go out on a private descriptor: a stray print of the engine must not tear them.
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, pipe)
