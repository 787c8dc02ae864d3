"""Chroma behind the port: embedded in the one worker that owns the folder, or a server. Imported when first used."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar
from urllib.parse import urlsplit

from sekisho.indexing.chroma_rows import all_stored, held, held_of, metadata, products
from sekisho.indexing.types import DISTANCE, Chunk
from sekisho.indexing.vectors import Stored
from sekisho.kernel.errors import ExtraMissing, Unavailable

if TYPE_CHECKING:
    import httpx
    import numpy as np
    from numpy.typing import NDArray

P = ParamSpec("P")
T = TypeVar("T")
BATCH: Final = 5000  # a Chroma server refuses more than 5,461 rows at once
_PAGE: Final = 1000
_LABELS_AT_ONCE: Final = 10_000
_SEARCH_WIDTH: Final = 400
_ROOT: Final = "vectors_root"
_WHOLE: Final = ["metadatas", "embeddings"]
_KEPT_OPEN: Final = 64
_LOCKED_S: Final = 60
_OPTIMISE: Final = "INSERT INTO embedding_fulltext_search(embedding_fulltext_search) VALUES ('optimize')"


def _told(method: Callable[P, T]) -> Callable[P, T]:
    """Whatever Chroma raises becomes `Unavailable`."""

    @wraps(method)
    def inner(*args: P.args, **kwargs: P.kwargs) -> T:
        troubles = _troubles()
        try:
            return method(*args, **kwargs)
        except troubles as error:
            raise _unavailable(str(args[0]), error) from error

    return inner


def _troubles() -> tuple[type[Exception], ...]:
    import httpx  # not at every start of the API, which has no vectors

    try:
        from chromadb.errors import ChromaError
    except ImportError as error:
        raise ExtraMissing(
            f"vectors need the package {error.name}", remedy='run `pip install "sekisho[worker]"`'
        ) from error
    return (ChromaError, httpx.HTTPError, OSError)


class Chroma:
    """A `VectorStore`. With a folder it is the only owner of it; a second process would miss new vectors."""

    def __init__(self, *, folder: Path | None = None, url: str = "") -> None:
        self._folder, self._url = folder, url
        self._lock = threading.Lock()
        self._client: Any = None
        self._opened: dict[str, Any] = {}

    def __str__(self) -> str:
        return f"the Chroma server {self._url}" if self._url else f"the vectors in {self._folder}"

    def close(self) -> None:
        with self._lock:
            if self._client is None:
                return
            sessions = _sessions(self._client)
            self._client.close()
            for session in sessions:  # Chroma 1.5 leaves a server's connections open
                session.close()
            self._client = None
            self._opened.clear()

    @_told
    def create(self, name: str) -> None:
        self.delete(name)
        self._chroma().create_collection(
            name,
            embedding_function=None,  # the default one reaches for the network
            configuration={"hnsw": {"space": DISTANCE, "ef_search": _SEARCH_WIDTH}},
        )

    @_told
    def add(self, name: str, chunks: Sequence[tuple[int, Chunk]], vectors: NDArray[np.float32]) -> None:
        collection = self._chroma().get_collection(name, embedding_function=None)
        for start in range(0, len(chunks), BATCH):
            batch = chunks[start : start + BATCH]
            collection.add(
                ids=[chunk.id for _, chunk in batch],
                embeddings=vectors[start : start + BATCH],
                metadatas=[metadata(held_of(str(collection.id), *placed)) for placed in batch],
            )

    @_told
    def publish(self, staging: str, name: str, vectors_root: str) -> bool:
        from chromadb.errors import ChromaError

        if name in self.names():
            return False
        collection = self._chroma().get_collection(staging, embedding_function=None)
        try:
            collection.modify(name=name, metadata={_ROOT: vectors_root})
        except ChromaError:
            if name in self.names():  # somebody was faster
                return False
            raise
        return True

    @_told
    def vectors_root(self, name: str) -> str | None:
        collection = self._find(name)
        return None if collection is None else str((collection.metadata or {}).get(_ROOT, ""))

    @_told
    def count(self, name: str) -> int | None:
        collection = self._find(name)
        return None if collection is None else int(collection.count())

    def scan(self, name: str) -> Iterator[Stored]:
        """The next page is on its way while this one is looked at."""
        with ThreadPoolExecutor(1, "scan") as reader:
            coming: Future[list[Stored]] | None = None
            for offset in range(0, self.count(name) or 0, _PAGE):
                page, coming = coming, reader.submit(self._page, name, limit=_PAGE, offset=offset)
                if page is not None:
                    yield from page.result()
            if coming is not None:
                yield from coming.result()

    def some(self, name: str, ids: Sequence[str]) -> Mapping[str, Stored]:
        return {stored.id: stored for stored in self._page(name, ids=list(ids))} if ids else {}

    @_told
    def documents(self, name: str) -> Mapping[str, tuple[str, str]]:
        collection, found = self._find(name), dict[str, tuple[str, str]]()
        for offset in range(0, self.count(name) or 0, _LABELS_AT_ONCE):
            rows = collection.get(include=["metadatas"], limit=_LABELS_AT_ONCE, offset=offset)
            for chunk_id, said in zip(rows["ids"], map(held, rows["metadatas"]), strict=True):
                found[chunk_id] = (said.document, said.language)
        return found

    @_told
    def nearest(self, name: str, vector: NDArray[np.float32], k: int) -> list[tuple[str, float]]:
        found = self._asked(name, lambda one: one.query(query_embeddings=[vector], n_results=k, include=["embeddings"]))
        return list(zip(found["ids"][0], products(found["embeddings"][0], vector), strict=True))

    @_told
    def nearest_whole(self, name: str, vector: NDArray[np.float32], k: int) -> list[tuple[Stored, float]]:
        found = self._asked(name, lambda one: one.query(query_embeddings=[vector], n_results=k, include=_WHOLE))
        rows = {what: found[what][0] for what in ("ids", *_WHOLE)}
        return list(zip(all_stored(rows), products(rows["embeddings"], vector), strict=True))

    @_told
    def delete(self, name: str) -> None:
        self._close(name)
        if name in self.names():
            self._chroma().delete_collection(name)

    @_told
    def names(self) -> list[str]:
        client = self._chroma()
        found: list[str] = []
        while page := [one.name for one in client.list_collections(limit=_PAGE, offset=len(found))]:
            found += page
        return found

    def scrub(self) -> None:
        """Chroma deletes rows; their bytes stay in its file's free pages, in its full-text index, and the vectors in
        folders that no segment names any more. A server's files are its operator's to vacuum."""
        file = None if self._folder is None else self._folder / "chroma.sqlite3"
        if self._folder is None or file is None or not file.exists():
            return
        try:
            with closing(sqlite3.connect(file, timeout=_LOCKED_S, isolation_level=None)) as connection:
                connection.execute("PRAGMA secure_delete=ON")
                connection.execute(_OPTIMISE)
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                live = {str(row[0]) for row in connection.execute("SELECT id FROM segments")}
            for place in self._folder.iterdir():
                if place.is_dir() and place.name not in live:
                    shutil.rmtree(place)
        except (sqlite3.Error, OSError) as error:
            raise _unavailable(str(self), error) from error

    @_told
    def _page(self, name: str, **which: Any) -> list[Stored]:
        from chromadb.errors import NotFoundError

        try:
            return all_stored(self._asked(name, lambda collection: collection.get(include=_WHOLE, **which)))
        except NotFoundError:
            return []

    def _asked(self, name: str, question: Callable[[Any], T]) -> T:
        """The answer of the collection that has this name now, looked up once and not for every question.

        A collection never gets another's id: one that was deleted, or replaced by another build, here or by another
        process, says that it is gone, and what has the name by then is asked. Raises `NotFoundError` where nothing has.
        """
        from chromadb.errors import NotFoundError

        kept = self._opened.get(name)
        if kept is not None:
            try:
                return question(kept)
            except NotFoundError:
                self._close(name)
        opened = self._chroma().get_collection(name, embedding_function=None)
        answer = question(opened)
        with self._lock:
            while len(self._opened) >= _KEPT_OPEN:
                self._opened.pop(next(iter(self._opened)))
            self._opened[name] = opened
        return answer

    def _close(self, name: str) -> None:
        with self._lock:
            self._opened.pop(name, None)

    def _find(self, name: str) -> Any:
        from chromadb.errors import NotFoundError

        try:
            return self._chroma().get_collection(name, embedding_function=None)
        except NotFoundError:
            return None

    def _chroma(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> Any:
        import chromadb
        from chromadb.config import Settings

        settings = Settings(anonymized_telemetry=False)
        if not self._url:
            folder = self._folder or Path()
            folder.mkdir(parents=True, exist_ok=True)
            return chromadb.PersistentClient(str(folder), settings=settings)
        address = urlsplit(self._url)
        try:
            client = chromadb.HttpClient(
                host=address.hostname or self._url,
                port=address.port or (443 if address.scheme == "https" else 8000),
                ssl=address.scheme == "https",
                settings=settings,
            )
        except ValueError as error:  # what Chroma raises where nobody answers
            raise _unavailable(str(self), error) from error
        for session in _sessions(client):
            session.event_hooks["response"].append(_let_go)
        return client


def _sessions(client: Any) -> list[httpx.Client]:
    """What a client asks a server with; none of an embedded one."""
    parts = (client, getattr(client, "_admin_client", None))
    found = [getattr(getattr(part, "_server", None), "_session", None) for part in parts]
    return [session for session in found if session is not None]


def _let_go(response: httpx.Response) -> None:
    """An answer and its stream hold each other, and ten megabytes of vectors would wait for the garbage collector."""
    import httpx

    response.read()
    response.stream = httpx.ByteStream(b"")


def _unavailable(what: str, error: Exception) -> Unavailable:
    return Unavailable(
        f"{what} cannot be used: {error}",
        remedy="look at SEKISHO_CHROMA_URL, at the Chroma server's log, and at the disk's free space",
    )
