"""A comparison of two index versions as Markdown, for a pull request. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sekisho.evaluation.reports.neutral import markdown as inert

SHOWN: Final = 20


def comparison_markdown(result: Mapping[str, Any]) -> str:
    """What came, went and changed; then, where questions were asked, what became of the answers."""
    return "\n\n".join(_blocks(result)) + "\n"


def metric_rows(metrics: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str, str, str]]:
    """Metric, before, after, paired difference with its interval, and what to think of it."""
    return [
        (
            name,
            _share(found["before_bp"]),
            _share(found["after_bp"]),
            f"{_signed(found['diff_bp'])} [{_signed(found['low_bp'])}, {_signed(found['high_bp'])}]",
            str(found["change"]),
        )
        for name, found in metrics.items()
        if found["n"]
    ]


def content_rows(result: Mapping[str, Any]) -> list[tuple[str, int, int, str]]:
    """What is counted, how many before and after, and what changed."""
    documents, chunks = result["documents"], result["chunks"]
    edits = [f"{documents[what]['count']} {what}" for what in ("added", "removed", "changed")]
    moves = [f"{chunks[what]['count']} {what}" for what in ("added", "removed")]
    return [
        ("documents", documents["before"], documents["after"], ", ".join(edits)),
        ("chunks", chunks["before"], chunks["after"], ", ".join([*moves, f"{chunks['kept']} kept"])),
    ]


def ranking_lines(retrieval: Mapping[str, Any]) -> list[str]:
    """What became of the rankings, a sentence each."""
    k, asked = retrieval["k"], retrieval["questions"]
    chunks, documents = (_interval(retrieval[name]) for name in ("overlap", "documents_overlap"))
    mean, farthest = retrieval["mean_move_hundredths"] / 100, retrieval["farthest_move"]
    passages = f"{retrieval['moved']} of {retrieval['kept']} passages that both give moved"
    return [
        f"overlap@{k} of chunks {chunks}, of documents {documents}, over {asked} questions",
        f"the same first passage for {retrieval['same_first']}, the same ranking for {retrieval['unchanged']}",
        f"{passages}, by {mean:.2f} places on average and {farthest} at most",
    ]


def _blocks(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {inert(result['before']['reference'])} → {inert(result['after']['reference'])}"
    yield _table(("", "before", "after", "what changed"), content_rows(result))
    if result["parameters"]:
        yield _table(
            ("parameter", "before", "after"),
            [(one["path"], one["before"], one["after"]) for one in result["parameters"]],
        )
    if not result["vectors"]["same_embedder"]:
        yield "The embedder is another, so every vector is."
    for what in ("added", "removed", "changed"):
        names = result["documents"][what]
        if names["count"]:
            yield _listed(f"Documents {what}", names)
    if retrieval := result.get("retrieval"):
        yield from _retrieval(retrieval)


def _retrieval(retrieval: Mapping[str, Any]) -> Iterator[str]:
    yield f"### Retrieval over {inert(retrieval['queries'])}"
    yield "\n".join(f"- {inert(line)}" for line in ranking_lines(retrieval))
    rows = metric_rows(retrieval["metrics"])
    if rows:
        yield f"Over the {retrieval['judged']} questions that say what there is to find:"
        yield _table(("metric", "before", "after", "difference (95 %)", "change"), rows)
    changed = retrieval["most_changed"][:SHOWN]
    if changed:
        yield "The most changed questions:"
        yield _table(
            ("question", f"overlap@{retrieval['k']}", "entered", "left", "moved"),
            [
                (one["case"], _share(one["overlap_bp"]), len(one["entered"]), len(one["left"]), len(one["moved"]))
                for one in changed
            ],
        )


def _table(titles: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head, *body = ([inert(str(cell)) for cell in row] for row in (titles, *rows))
    lines = [head, ["---"] * len(titles), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _listed(title: str, names: Mapping[str, Any]) -> str:
    shown = names["first"][:SHOWN]
    more = names["count"] - len(shown)
    listed = ", ".join(inert(name) for name in shown)
    return f"{title}: {listed}{f' and {more} more' if more else ''}."


def _interval(value: Mapping[str, int]) -> str:
    return f"{_share(value['mean_bp'])} [{_share(value['low_bp'])}, {_share(value['high_bp'])}]"


def _share(basis_points: int) -> str:
    return f"{basis_points / 10_000:.4f}"


def _signed(basis_points: int) -> str:
    return f"{basis_points / 10_000:+.4f}"
