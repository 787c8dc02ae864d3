"""How much context a prompt needs of an Ollama model, which has no tokeniser to ask. Pure.

The estimate errs on the long side: three ASCII letters to a token, every digit and sign one of its own, two tokens for
a Japanese or Chinese character, and some for each message's frame. What it comes to is rounded up to a power of two,
so that few sizes occur (a host loads its model anew for each), and is part of the cache's key. What was really read
is checked afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sekisho.inference.types import Message

LEAST: Final = 4096
"""Ollama's own default; a prompt that fits in it is given that much."""
_FRAME: Final = 16
_LETTERS: Final = re.compile(r"[A-Za-z ]+")


def estimated_tokens(messages: Sequence[Message]) -> int:
    """As many tokens as the messages take at most, in all likelihood."""
    return _FRAME + sum(_FRAME + _estimated(message.content) for message in messages)


def context_size(messages: Sequence[Message], num_predict: int, longest: int) -> int:
    """``num_ctx`` for a prompt and its answer; at most `longest`, the model's own context (0: not known)."""
    needed, size = estimated_tokens(messages) + num_predict, LEAST
    while size < needed:
        size *= 2
    return min(size, longest) if longest else size


def surely_cut(messages: Sequence[Message], tokens_in: int, num_ctx: int) -> bool:
    """Whether earlier messages were left out: they may not have fitted, and fewer tokens were read than they take.

    A host drops the oldest messages of a chat that is too long, and then reads less than its context holds.
    """
    letters = sum(len(message.content) for message in messages)
    return len(messages) > 1 and estimated_tokens(messages) > num_ctx and tokens_in * 7 < letters


def _estimated(text: str) -> int:
    letters = sum(-(-len(run) // 3) for run in _LETTERS.findall(text))
    others = _LETTERS.sub("", text)
    return letters + sum(1 if ord(sign) < 0x800 else 2 for sign in others)
