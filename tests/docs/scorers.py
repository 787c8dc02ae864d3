"""The page about the scorers, made from the code: `python -m tests.docs.scorers` writes it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from sekisho.evaluation.scorers.catalogue import SCORERS
from sekisho.evaluation.scorers.declaration import Scorer
from sekisho.evaluation.types import Target

PAGE: Final = Path(__file__).parents[2] / "docs/scorers.md"
_TITLES: Final = {Target.RETRIEVAL: "Scorers of retrieval", Target.ANSWERS: "Scorers of answers"}
_HEAD: Final = """\
# Scorers

<!-- made from the code by `python -m tests.docs.scorers` -->

A suite names scorers, each with its parameters. A scorer gives every case one score per metric: a number within the
range that stands here, or *unscored* with a reason, which lowers the coverage and enters no mean. How means become
intervals, gaps and verdicts stands in [evaluation](evaluation.md). All that do not ask a judge also work without a
server: `sekisho score FILE --scorer NAME`, or `from sekisho.evaluation import score`.

Where a case has `qrels` (document or chunk id to grade), retrieval is judged by them, else by its `gold` passages.
Words are in lower case and without punctuation, full-width letters are letters, and every Chinese or Japanese character
counts as a word of its own.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_overview(), *(line for target in Target for line in _family(target))]) + "\n"


def _overview() -> Iterator[str]:
    yield "| scorer | metrics | range | better | what the score is |"
    yield "|---|---|---|---|---|"
    for scorer in SCORERS.values():
        metrics = ", ".join(f"`{metric}`" for metric in scorer.metrics)
        cells = (f"`{scorer.name}`", metrics, _range(scorer), _better(scorer), scorer.meaning)
        yield f"| {' | '.join(cells)} |"
    yield ""


def _family(target: Target) -> Iterator[str]:
    yield f"## {_TITLES[target]}\n"
    for scorer in SCORERS.values():
        if scorer.target is target:
            yield from _section(scorer)


def _section(scorer: Scorer) -> Iterator[str]:
    yield f"### `{scorer.name}`\n"
    yield f"{_sentence(scorer.meaning)}\n"
    yield f"- **reads** {', '.join(f'`{name}`' for name in scorer.reads)}"
    yield f"- **unscored** when {scorer.unscored}"
    if scorer.judged:
        yield "- **asks** the suite's judge"
    if scorer.extra:
        yield f"- **needs** `sekisho[{scorer.extra}]`"
    yield ""
    if scorer.limits:
        yield f"{scorer.limits}\n"
    if parameters := _parameters(scorer):
        yield from parameters
        yield ""


def _parameters(scorer: Scorer) -> list[str]:
    schema = _own(msgspec.json.schema(scorer.params))
    if not schema["properties"]:
        return []
    rows = ["| parameter | takes | default |", "|---|---|---|"]
    for name, kind in schema["properties"].items():
        default = "required" if name in schema["required"] else f"`{_told(kind.get('default'))}`"
        rows.append(f"| `{name}` | {_kind(kind)} | {default} |")
    return [" ".join(schema["description"].split()).replace("``", "`"), "", *rows]


def _own(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def _kind(schema: Mapping[str, Any]) -> str:
    """A parameter's type in words."""
    if "anyOf" in schema:
        return " or ".join(_kind(part) for part in schema["anyOf"] if part != {"type": "null"})
    if "enum" in schema:
        return " or ".join(f"`{word}`" for word in schema["enum"])
    if schema["type"] == "array":
        return f"a list of {schema.get('maxItems', 'any number')} at most"
    words = {"integer": "a whole number", "string": "text", "boolean": "`true` or `false`", "object": "an object"}
    limits = [f"from {schema['minimum']} to {schema['maximum']}"] if "maximum" in schema else []
    limits += [f"of {schema['maxLength']} characters at most"] if "maxLength" in schema else []
    limits += [f"like `{schema['pattern']}`".replace("|", "\\|")] if "pattern" in schema else []
    return " ".join([words[schema["type"]], *limits])


def _told(default: object) -> str:
    return "absent" if default is None else msgspec.json.encode(default).decode()


def _range(scorer: Scorer) -> str:
    low, high = scorer.range
    unit = f" {scorer.unit}" if scorer.unit else ""
    return f"{low:g} to {high:g}" if math.isfinite(high) else f"{low:g} and up,{unit}".rstrip(",")


def _better(scorer: Scorer) -> str:
    if not scorer.lower_is_better:
        return "higher"
    if scorer.lower_is_better == set(scorer.metrics):
        return "lower"
    return f"higher; lower for {', '.join(f'`{name}`' for name in sorted(scorer.lower_is_better))}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def write() -> None:
    """Bring the page up to date."""
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    write()
