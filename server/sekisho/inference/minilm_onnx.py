"""`minilm`, the embedder that is used where none is named: MiniLM through ONNX Runtime, without torch, and faster.

Weights, tokenizer and pooling are those of `minilm-torch`; the vectors differ from its in the last bits, so each is an
embedder with a digest of its own. `minilm` reads 256 tokens, as the package's settings say and sentence-transformers
does; `minilm-long` reads the 512 for which the weights have positions. The graph is made here from the weights of the
package, of ONNX Runtime's fused operators for BERT: nothing is exported or downloaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from sekisho.inference import minilm
from sekisho.inference.types import AvailableModel
from sekisho.kernel.digests import digest_of
from sekisho.kernel.errors import ExtraMissing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME: Final = "minilm"
LONG_NAME: Final = "minilm-long"
FORMER_NAME: Final = "minilm-onnx"
"""What recipes and indexes call `minilm-long` that were written while `minilm` ran through torch."""
READS: Final = {NAME: 256, LONG_NAME: minilm.MAX_TOKENS}
"""How many tokens of a text each of them reads."""
GRAPH: Final = 1
"""Version of the graph below: raised with any change of what it computes."""
_LAYERS: Final = 6
_HEADS: Final = 12
_EPSILON: Final = 1e-12
_BATCH: Final = 16
_FUSED: Final = "com.microsoft"


@lru_cache(maxsize=2)
def digest(name: str = NAME) -> str:
    """Over MiniLM's own digest, the graph's version, and where texts are cut if that is not where the weights end."""
    said = {"model": minilm.digest(), "runtime": "onnxruntime", "graph": GRAPH}
    cut = {} if READS[name] == minilm.MAX_TOKENS else {"max_tokens": READS[name]}
    return digest_of({**said, **cut})


def available() -> tuple[AvailableModel, ...]:
    """Both, where their packages are installed."""
    model = minilm.available()
    if model is None or any(find_spec(package) is None for package in ("onnx", "onnxruntime")):
        return ()
    return tuple(
        AvailableModel(name, digest(name), "builtin", "builtin", model.family, model.size_bytes) for name in READS
    )


class MiniLMOnnx:
    """An `Embedder`. Loads at once (a second or two): build it in a thread, keep it. Any thread may use it."""

    dimension: Final = minilm.DIMENSION

    def __init__(self, name: str = NAME) -> None:
        self.name, self.max_tokens, self.digest = name, READS[name], digest(name)
        try:
            import onnxruntime
            from tokenizers import Tokenizer

            graph = _graph()
        except ImportError as error:
            raise ExtraMissing(
                f"{NAME} needs the package {error.name}", remedy='run `pip install "sekisho[worker]"`'
            ) from error
        options = onnxruntime.SessionOptions()
        # Threads that wait do not burn the cores that other processes need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._tokenizer: Any = Tokenizer.from_file(str(minilm.model_folder() / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text).ids)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        rows = np.empty((len(texts), self.dimension), np.float32)
        ids = [_cut(one.ids, self.max_tokens) for one in self._tokenizer.encode_batch(list(texts))] if texts else []
        # Texts of like length share a batch, so that next to nothing is spent on padding.
        order = sorted(range(len(ids)), key=lambda i: (-len(ids[i]), i))
        for start in range(0, len(order), _BATCH):
            batch = order[start : start + _BATCH]
            rows[batch] = self._run([ids[i] for i in batch])
        return rows

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.embed(texts)

    def _run(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """The mean over each text's tokens, at length one."""
        import numpy as np

        ids = np.zeros((len(batch), len(batch[0])), np.int32)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)], mask[row, : len(tokens)] = tokens, 1
        (hidden,) = self._session.run(None, {"ids": ids, "mask": mask})
        means = np.einsum("bth,bt->bh", hidden, mask.astype(np.float32)) / mask.sum(1, keepdims=True)
        unit: NDArray[np.float32] = (means / np.linalg.norm(means, axis=1, keepdims=True)).astype(np.float32)
        return unit


def _cut(ids: Sequence[int], most: int) -> Sequence[int]:
    """No more than so many, with the mark that ends a text."""
    return ids if len(ids) <= most else [*ids[: most - 1], ids[-1]]


def _graph() -> bytes:
    """BERT's encoder as an ONNX model of ONNX Runtime's fused operators, with the package's weights."""
    from onnx import TensorProto, helper, numpy_helper
    from safetensors.numpy import load_file

    held = _Weights(load_file(minilm.model_folder() / "model.safetensors"))
    nodes = list(_nodes(held))
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT32, ["batch", "tokens"]) for name in ("ids", "mask")]
    shape: list[str | int | None] = ["batch", "tokens", minilm.DIMENSION]
    output = helper.make_tensor_value_info(f"out{_LAYERS - 1}", TensorProto.FLOAT, shape)
    weights = [numpy_helper.from_array(value, name) for name, value in held.used.items()]
    graph = helper.make_graph(nodes, NAME, inputs, [output], weights)
    versions = [helper.make_opsetid("", 17), helper.make_opsetid(_FUSED, 1)]
    return bytes(helper.make_model(graph, opset_imports=versions, ir_version=8).SerializeToString())


class _Weights:
    """The package's tensors by the names that the graph calls them."""

    def __init__(self, tensors: dict[str, NDArray[np.float32]]) -> None:
        self.tensors, self.used = tensors, dict[str, Any]()

    def __call__(self, name: str, turned: bool = False) -> str:
        """A weight as it is, or with rows and columns exchanged: torch multiplies by the transposed one."""
        value = self.tensors[name]
        return self.put(name, value.T if turned else value)

    def put(self, name: str, value: NDArray[np.float32]) -> str:
        import numpy as np

        self.used[name] = np.ascontiguousarray(value, np.float32)
        return name


def _nodes(weights: _Weights) -> Iterator[Any]:
    import numpy as np
    from onnx import helper

    def node(kind: str, inputs: list[str], outputs: list[str], **options: Any) -> Any:
        return helper.make_node(kind, inputs, outputs, domain=_FUSED, **options)

    # Every text is of the first segment, so its embedding is added to the positions' once.
    positions = weights.tensors["embeddings.position_embeddings.weight"]
    places = weights.put("places", positions + weights.tensors["embeddings.token_type_embeddings.weight"][0])
    norm = [weights(f"embeddings.LayerNorm.{part}") for part in ("weight", "bias")]
    words = weights("embeddings.word_embeddings.weight")
    yield node(
        "EmbedLayerNormalization", ["ids", "", words, places, "", *norm, "mask"], ["in0", "lengths"], epsilon=_EPSILON
    )
    for number in range(_LAYERS):
        layer, before, after = f"encoder.layer.{number}.", f"in{number}", f"out{number}"
        parts = [layer + f"attention.self.{part}" for part in ("query", "key", "value")]
        merged = np.concatenate([weights.tensors[f"{part}.weight"].T for part in parts], axis=1)
        biases = np.concatenate([weights.tensors[f"{part}.bias"] for part in parts])
        attended = [weights.put(f"{layer}qkv", merged), weights.put(f"{layer}qkv.bias", biases)]
        yield node("Attention", [before, *attended, "lengths"], [f"a{number}"], num_heads=_HEADS)
        yield from _added(node, weights, layer + "attention.output.", f"a{number}", before, f"b{number}")
        wide = weights(f"{layer}intermediate.dense.weight", turned=True)
        yield helper.make_node("MatMul", [f"b{number}", wide], [f"c{number}"])
        yield node("BiasGelu", [f"c{number}", weights(f"{layer}intermediate.dense.bias")], [f"d{number}"])
        last = after if number == _LAYERS - 1 else f"in{number + 1}"
        yield from _added(node, weights, layer + "output.", f"d{number}", f"b{number}", last)


def _added(node: Any, weights: _Weights, part: str, value: str, skipped: str, out: str) -> Iterator[Any]:
    """Multiply, add what was skipped, and normalise."""
    from onnx import helper

    yield helper.make_node("MatMul", [value, weights(f"{part}dense.weight", turned=True)], [f"{out}.dense"])
    norm = [weights(f"{part}LayerNorm.{name}") for name in ("weight", "bias")]
    bias = weights(f"{part}dense.bias")
    yield node("SkipLayerNormalization", [f"{out}.dense", skipped, *norm, bias], [out], epsilon=_EPSILON)
