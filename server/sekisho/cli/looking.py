"""What looks at indexes, for people: findings of verifications, and the reasons of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

DRIFT: Final = ("missing", "extra", "altered_chunks", "altered_vectors", "foreign_vectors")


def verified(result: dict[str, Any]) -> RenderableType:
    """One verification: a line where nothing drifted, else every chunk that did."""
    deep = result.get("deep")
    again = f"; {deep['sample']} embedded again, at most {deep['farthest']:.1e} apart" if deep else ""
    if result["integrity"] == "verified":
        said = f": {result['chunks']} chunks and vectors are what was built{again}"
        return Text.assemble(("verified", "green"), f" {result['reference']}{said}")
    table = Table(box=None, header_style="bold")
    table.add_column("drift")
    table.add_column("chunk", overflow="fold")
    for what in DRIFT:
        for chunk_id in result["drift"][what]:
            table.add_row(what.replace("_", " "), chunk_id)
    notes = []
    if not result["drift"]["root_matches"]:
        notes.append(Text("the root over the stored chunks is not the manifest's"))
    if not result["drift"]["record_matches"]:
        notes.append(Text("the build record's own rows do not have its vectors_root"))
    if result["drift"]["foreign_vectors"] and deep:
        notes.append(Text(f"foreign vectors lie more than {deep['tolerance']} from what the embedder gives"))
    return Group(Text.assemble(("drifted", "red"), f" {result['reference']}"), table, *notes)


def all_verified(results: Sequence[dict[str, Any]]) -> RenderableType:
    return Group(*map(verified, results)) if results else Text("no index was built in this project")


def found(result: dict[str, Any]) -> RenderableType:
    """The passages of a search, best first, each with its reasons where they were asked for."""
    hits = result["hits"]
    if not hits:
        return Text("nothing found")
    notes = []
    if result.get("vectors_abstained"):
        notes.append(Text("vectors abstained: the embedder does not read this question's script", style="yellow"))
    return Group(*notes, *map(_hit, hits))


def _hit(hit: dict[str, Any]) -> RenderableType:
    shown: RenderableType = Text(hit["text"])
    if why := hit.get("why"):
        shown = Group(shown, Text(_why(why), style="dim"))
    return Panel(shown, title=Text(f"{hit['rank']}. {hit['document']}"), subtitle=f"{hit['score']:.4f}")


def _why(why: dict[str, Any]) -> str:
    lines = []
    if why["dense_score"] is not None:
        lines.append(f"by vectors: {_place(why['dense_rank'])}, cosine {why['dense_score']:.4f}")
    if why["bm25_score"] is not None:
        terms = ", ".join(f"{one['term']} {one['score']:.2f}" for one in why["terms"]) or "no term in common"
        lines.append(f"by terms: {_place(why['bm25_rank'])}, BM25 {why['bm25_score']:.2f} ({terms})")
    return "\n" + "\n".join(lines)


def _place(rank: int | None) -> str:
    return "not among the candidates" if rank is None else f"rank {rank}"
