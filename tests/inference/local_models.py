"""Small models of sentence-transformers, real ones but untrained, in folders as operators have them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from sekisho.inference.minilm import model_folder

CONFIG: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "vocab_size": 30522,
    "max_position_embeddings": 128,
}


def save_embedder(folder: Path, seed: int = 1) -> Path:
    """An embedder of 32 dimensions that reads 128 tokens and puts a word before questions."""
    import torch  # not when tests are merely collected
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import AutoTokenizer, BertConfig, BertModel

    base = folder.with_name(f"{folder.name}-base")
    torch.manual_seed(seed)
    BertModel(BertConfig(**CONFIG)).save_pretrained(base)
    AutoTokenizer.from_pretrained(model_folder()).save_pretrained(base)
    transformer = Transformer(str(base), max_seq_length=128)
    model = SentenceTransformer(
        modules=[transformer, Pooling(32)], prompts={"query": "question: ", "document": ""}, device="cpu"
    )
    model.save_pretrained(str(folder), create_model_card=False)
    shutil.rmtree(base)
    return folder


def save_reranker(folder: Path, seed: int = 2) -> Path:
    """A cross-encoder with one output."""
    import torch
    from sentence_transformers import CrossEncoder
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    base, config = folder.with_name(f"{folder.name}-base"), BertConfig(**CONFIG)
    config.num_labels = 1
    torch.manual_seed(seed)
    BertForSequenceClassification(config).save_pretrained(base)
    AutoTokenizer.from_pretrained(model_folder()).save_pretrained(base)
    CrossEncoder(str(base), device="cpu", local_files_only=True).save_pretrained(str(folder), create_model_card=False)
    shutil.rmtree(base)
    return folder


def touch_card(folder: Path) -> None:
    """Change what decides nothing."""
    (folder / "README.md").write_text("# A card\n")


def change_prompt(folder: Path) -> None:
    """Change what is put before questions."""
    file = folder / "config_sentence_transformers.json"
    settings = json.loads(file.read_text())
    settings["prompts"]["query"] = "ask: "
    file.write_text(json.dumps(settings))
