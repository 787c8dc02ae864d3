"""Commands of drafts: dataset draft, accept."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Group, RenderableType
from rich.text import Text

from sekisho.cli.following import bars, followed, result_of
from sekisho.cli.session import Session, corpus_reference, session
from sekisho.client.drafting import Drafts
from sekisho.client.registry import Registry
from sekisho.evaluation.drafting.proposals import MOST, Proposal, proposals, rows_of
from sekisho.evaluation.drafting.sentences import READABLE
from sekisho.evaluation.drafting.writing import ollama_writer
from sekisho.indexing.sources.gathering import Said, gather
from sekisho.indexing.sources.local import local_files
from sekisho.indexing.sources.process import ParserProcess
from sekisho.indexing.sources.types import Limits
from sekisho.indexing.types import Document, language_of
from sekisho.inference.ollama_host import OllamaHost
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.settings import Settings

OLLAMA: Final = "ollama/"
_UNREAD: Final = "no questions are drafted from this kind of text"


@click.group()
def dataset() -> None:
    """Propose questions from documents, and take into use those that a person accepts."""


@dataset.command()
@click.argument("corpus")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File for the rows.")
@click.option("--size", type=click.IntRange(1, MOST), default=50, show_default=True, help="Most questions.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Which sentences are taken.")
@click.option("--model", help="Have ollama/<model> write them, where a host has it.")
@session
def draft(state: Session, corpus: str, out: Path, size: int, seed: int, model: str | None) -> None:
    """Propose questions with their gold passages from CORPUS: a corpus version, or a folder, which needs no server.

    Every row is marked as a draft, and no run takes it; read them, mend or delete, then `sekisho dataset accept`.
    """
    if model is not None and not model.startswith(OLLAMA):
        raise Invalid("there is no such writer", fields=[FieldError("--model", "use ollama/<model>")])
    if Path(corpus).is_dir():
        documents, left_out = _documents(state.settings, Path(corpus))
        found = asyncio.run(_of_folder(state, documents, size, seed, model))
        rows, by = rows_of(found), Counter(one.by for one in found)
    else:
        rows, by, left_out = _of_version(state, corpus_reference(corpus), size, seed, model)
    try:
        out.write_bytes(rows)
    except OSError as error:
        raise Invalid(f"the drafts cannot be written to {out}: {error.strerror}") from error
    shown = {"file": str(out), "cases": by.total(), "by": dict(sorted(by.items())), "left_out": left_out}
    state.show(shown, _drafted(shown))


@dataset.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", required=True, help="Name of the dataset.")
@click.option("--licence", required=True, help="Licence of the rows, such as Apache-2.0; the corpus's, mostly.")
@click.option("--only", multiple=True, metavar="ID", help="Take this row alone; may be given again.")
@click.option("--message", "-m", default="", help="How they were looked at.")
@session
def accept(state: Session, file: Path, name: str, licence: str, only: tuple[str, ...], message: str) -> None:
    """Register the drafts in FILE as dataset NAME, in your own name: you have read them. A service cannot."""
    [content] = Registry(state.connection, state.project).put_blobs([file.read_bytes()])
    made = Drafts(state.connection, state.project).accept(name, content, licence=licence, only=only, message=message)
    state.show(made, Text(f"{made['reference']} {made['digest']}{'' if made['new'] else ' (the same rows as before)'}"))


def _of_version(
    state: Session, corpus: str, size: int, seed: int, model: str | None
) -> tuple[bytes, Counter[str], dict[str, str]]:
    client = Drafts(state.connection, state.project)
    started = client.start(corpus, size=size, seed=seed, model=model)
    result = result_of(state, followed(state, f"draft {corpus}", lambda seen: client.wait(started["id"], seen)))
    left_out = dict.fromkeys(result["left_out"]["first"], _UNREAD)
    rows = Registry(state.connection, state.project).blob(result["content"])
    return rows, Counter(json.loads(line)["draft"] for line in rows.splitlines()), left_out


def _documents(settings: Settings, folder: Path) -> tuple[list[Document], dict[str, str]]:
    """What can be read of the folder, and of what cannot the reasons, by path."""
    limits = Limits(text_bytes=settings.max_file_bytes)
    with ParserProcess(limits) as parser:
        found = gather(local_files(folder, limits), Said(), parser)
    left_out = {one.path: one.reason for one in found.refused}
    left_out |= {one.path: _UNREAD for one in found.documents if one.media_type not in READABLE}
    documents = [
        Document(one.path, one.data.decode("utf-8"), one.media_type, language_of(one.path, None, None))
        for one in found.documents
        if one.media_type in READABLE
    ]
    return documents, left_out


async def _of_folder(
    state: Session, documents: Sequence[Document], size: int, seed: int, model: str | None
) -> list[Proposal]:
    settings = state.settings
    hosts = [
        OllamaHost(url, timeout_s=settings.ollama_timeout_s, concurrency=settings.ollama_concurrency)
        for url in settings.ollama_hosts
    ]
    try:
        writer, by = await ollama_writer(hosts, model.removeprefix(OLLAMA), seed) if model else (None, "")
        with bars(state) as bar:
            drafted = bar("draft")
            drafted(0, size)

            async def told(done: int) -> None:
                drafted(done, size)

            found = await proposals(documents, size, seed, writer=writer, by=by, told=told)
    finally:
        for host in hosts:
            await host.close()
    if not found:
        raise Invalid(
            "no question could be drafted",
            fields=[FieldError("CORPUS", "it has no sentence in English or Japanese that stands there once")],
        )
    return found


def _drafted(shown: dict[str, Any]) -> RenderableType:
    forms = ", ".join(f"{count} by {name}" for name, count in shown["by"].items())
    return Group(
        Text(f"{shown['cases']} drafts in {shown['file']}: {forms}"),
        *(Text(f"left out {path}: {reason}", style="yellow") for path, reason in shown["left_out"].items()),
        Text("read them, mend or delete what is wrong, then `sekisho dataset accept`", style="dim"),
    )


commands: Final[list[click.Command]] = [dataset]
