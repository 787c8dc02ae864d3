"""The dialect of Rego on which regorus and OPA agree, and a lint that refuses the rest.

Both engines were given the same adversarial policies; what is allowed here gave the same answers on both. The lint
reads tokens, not meaning: it knows built-ins by name, and everything it does not know it refuses.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sekisho.gate.negation import negated
from sekisho.gate.rego_tokens import KEYWORDS, Token, tokens

BUILTINS: Final = frozenset(
    {
        "abs", "array.concat", "array.reverse", "array.slice", "concat", "contains", "count", "endswith",
        "glob.match", "graph.reachable", "is_array", "is_boolean", "is_number", "is_object", "is_set", "is_string",
        "max", "min", "numbers.range", "object.get", "object.keys", "object.union", "object.union_n", "replace",
        "set", "sort", "split", "sprintf", "startswith", "substring", "sum", "trim_prefix", "trim_suffix", "walk",
    }
)  # fmt: skip
"""Built-ins that both engines answer alike when their arguments are guarded."""

_VERB: Final = re.compile(r"%(.)")
_IMPORTS: Final = frozenset({"rego.v1"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that leaves the dialect."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def lint(files: Mapping[str, bytes]) -> tuple[Finding, ...]:
    """Every place of these Rego files that leaves the dialect, in order."""
    findings = []
    for file in sorted(files):
        found = sorted(_lint(files[file].decode("utf-8")), key=lambda place: place[0])
        findings += [Finding(file, line, message) for line, message in found]
    return tuple(findings)


def package_of(text: str) -> str | None:
    """The package that Rego text is of, as an engine reads it; None where it does not begin by naming one plainly."""
    opening = list(itertools.islice(tokens(text), 3))
    if len(opening) < 2 or opening[0].text != "package" or opening[1].kind != "name":
        return None
    if opening[1].line != opening[0].line or (len(opening) == 3 and opening[2].line == opening[1].line):
        return None
    return opening[1].text


def _lint(text: str) -> Iterator[tuple[int, str]]:
    read = list(tokens(text))
    defaults: set[str] = set()
    functions = _functions(read)
    names = _rules(read)
    for place, token in enumerate(read):
        following = read[place + 1 : place + 4]
        if token.kind == "template":
            yield token.line, "template strings are not in the dialect: use sprintf"
        elif token.kind == "number" and not token.text.isdigit():
            yield token.line, f"{token.text} is a float: use basis points"
        elif token.text == "}" and [other.text for other in following[:2]] == [":", "="]:
            yield token.line, "an object on the left of := is taken apart by regorus alone: name its fields"
        elif token.kind == "name":
            if token.text == "import" and following:
                yield from _import(following[0])
            elif token.text == "default" and following:
                name = following[0].text
                if name in defaults:
                    yield token.line, f"two defaults for {name}"
                defaults.add(name)
            elif token.text == "some":
                yield from _shadowed(read[place + 1 :], names)
            elif following and following[0].text == "(" and token.text not in KEYWORDS:
                yield from _call(token, following, functions)
                if token.text == "glob.match":
                    yield from _delimiters(token.line, read[place + 1 :])
    yield from negated(read)


def _functions(tokens: list[Token]) -> frozenset[str]:
    """Functions of this file: a name that opens a line's rule and is followed by a parenthesis."""
    return frozenset(
        token.text
        for previous, token, following in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False)
        if token.kind == "name"
        and following is not None
        and following.text == "("
        and (previous is None or previous.line < token.line)
        and "." not in token.text
    )


def _rules(tokens: list[Token]) -> frozenset[str]:
    """Names that open a rule of this file: a word at the outermost level that begins a line."""
    names, depth, last = set(), 0, 0
    for token in tokens:
        if depth == 0 and token.kind == "name" and token.line > last and token.text not in ("package", "import"):
            names.add(token.text)
        if token.kind == "mark":
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.text, 0)
        last = token.line
    return frozenset(names)


def _import(target: Token) -> Iterator[tuple[int, str]]:
    if target.text.startswith("data."):
        return
    if target.text not in _IMPORTS:
        yield target.line, f"import {target.text} is not in the dialect"


def _shadowed(tokens: list[Token], rules: frozenset[str]) -> Iterator[tuple[int, str]]:
    """regorus refuses a variable that has the name of a rule of the same file."""
    for token in tokens:
        if token.text == "in" or (token.kind != "name" and token.text != ","):
            return
        if token.text in rules:
            yield token.line, f"the variable {token.text} has the name of a rule, which regorus refuses"


def _call(token: Token, following: list[Token], functions: frozenset[str]) -> Iterator[tuple[int, str]]:
    name = token.text
    if name in functions or name.startswith("data."):
        return
    if name not in BUILTINS:
        hint = " (call a function of another file by its whole path, data.…)" if "." in name else ""
        yield token.line, f"{name} is not in the dialect{hint}"
    elif name == "sprintf":
        yield from _sprintf(token.line, following)


def _sprintf(line: int, following: list[Token]) -> Iterator[tuple[int, str]]:
    pattern = following[1] if len(following) > 1 else None
    if pattern is None or pattern.kind not in ("string", "raw"):
        yield line, "sprintf needs a literal pattern"
        return
    for verb in _VERB.findall(pattern.text):
        if verb not in "sd":
            yield line, f"sprintf: %{verb} is not in the dialect, only %s of strings and %d of integers"


def _delimiters(line: int, following: list[Token]) -> Iterator[tuple[int, str]]:
    """regorus takes a slash for a delimiter whatever is given, so with others it matches what OPA does not."""
    depth = 0
    for place, token in enumerate(following):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.text, 0) if token.kind == "mark" else 0
        if depth == 1 and token.text == ",":
            given = "".join(part.text for part in following[place + 1 : place + 4])
            if given != '["/"]':
                yield line, 'glob.match needs ["/"] as its delimiters, on which the engines agree'
            return
