"""Counting an Ollama model's tokens here, by the vocabulary that the host tells, rather than by a request per text.

Ollama has no call that counts tokens. It does tell a model's vocabulary, and BERT's rules over it are known; whether
they are the host's own is tried on a few texts before they are believed. Of models with other tokenizers the host is
asked, text by text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

PROBES: Final = (
    "The gate asks the policy engine; it never allows on silence (see §3.2).",
    "Café naïve ÜBER-größe, 12,345.67 % of https://example.org/a_b?c=d",
    "関所は変更と本番の間にある。サービスは承認できません。ﾊﾝｶｸ Ａｂ",
    'antidisestablishmentarianism xqzvw \t `code` "quoted" — 🚦 ok',
    "def f(x): return [x**2 for _ in range(10)]",
    "x" * 300,
)
"""Texts on which the count here must be the host's."""
_LONGEST_WORD: Final = 1000
"""Of a text with a longer word the host is asked: cutting it here takes time with the square of its length."""
_LONGER: Final = re.compile(rf"\S{{{_LONGEST_WORD + 1}}}")
_WORD_START: Final = "▁"


def counter(figures: Mapping[str, Any], asked: Callable[[str], int]) -> Callable[[str], int] | None:
    """Counts as `asked` does, without asking; None where the model's rules are not known or the host counts otherwise.

    `figures` is what the host tells of the model when it is asked for everything.
    """
    tokens = figures.get("tokenizer.ggml.tokens")
    if figures.get("tokenizer.ggml.model") != "bert" or not isinstance(tokens, list) or not tokens:
        return None
    try:
        count = _word_pieces(tokens)
    except ImportError:
        return None
    offsets = {asked(probe) - count(probe) for probe in PROBES}
    if len(offsets) != 1:
        return None
    offset = offsets.pop()  # the marks that the host adds to every text
    return lambda text: asked(text) if _LONGER.search(text) else count(text) + offset


def _word_pieces(tokens: Sequence[str]) -> Callable[[str], int]:
    """BERT's uncased WordPiece over a vocabulary as GGUF writes it: what begins a word is marked, not what goes on."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.normalizers import BertNormalizer
    from tokenizers.pre_tokenizers import BertPreTokenizer

    vocabulary = {_piece(token): number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=_LONGEST_WORD))  # noqa: S106  # no password
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _piece(token: str) -> str:
    if token.startswith(_WORD_START):
        return token.removeprefix(_WORD_START)
    return token if token.startswith("[") and token.endswith("]") else f"##{token}"
