"""The parsing process: one file after the other from standard input, one answer each on standard output.

It holds nothing that a hostile file could be after: no token, no connection, no file but the bytes that it is given.
"""

from __future__ import annotations

import os
import struct
import sys
from typing import BinaryIO, Final

import msgspec

from sekisho.indexing.sources.parsing import parse
from sekisho.indexing.sources.types import Parsed, Refusal, Task

HEAD: Final = struct.Struct(">Q")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file: `refused` says why there is nothing, else it is empty."""

    parsed: Parsed = Parsed()
    refused: str = ""
    last: bool = False
    """The process is no longer to be trusted, and ends."""


def answer(task: Task, data: bytes) -> Answer:
    """Parse, and turn whatever happens into an answer."""
    try:
        return Answer(parsed=parse(task, data))
    except Refusal as error:
        return Answer(refused=str(error))
    except MemoryError:
        return Answer(refused=f"needs more than {task.limits.memory_bytes} bytes of memory to be read", last=True)
    except RecursionError:
        return Answer(refused="is nested deeper than its parser goes")
    except Exception as error:  # any parser, any bytes: the file is named, and the next one comes
        words = " ".join(str(error).split())[:200]
        return Answer(refused=f"cannot be read: {type(error).__name__}: {words}")


def main() -> None:
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a parser prints goes where its warnings go, and not between our answers
    while head := source.read(HEAD.size):
        task = msgspec.json.decode(source.read(HEAD.unpack(head)[0]), type=Task)
        _bound_memory(task.limits.memory_bytes)
        done = answer(task, source.read(task.size))
        send(sink, msgspec.json.encode(done))
        if done.last:
            return


def send(sink: BinaryIO, message: bytes) -> None:
    sink.write(HEAD.pack(len(message)) + message)
    sink.flush()


def _bound_memory(most: int) -> None:
    """By the kernel, where it can: Linux can, macOS takes the call and does nothing, Windows has none."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    main()
