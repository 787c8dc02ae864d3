"""What may be undefined under `not`, where the engines differ.

OPA evaluates what a call, a comparison or an index needs before the `not`: where that is undefined, so is the whole
body. regorus takes all of it as what is denied, which then holds: `not input.absent >= 0` is true there and undefined
in OPA. On `not input.absent` and `not input.absent == 0` they agree, since nothing is evaluated before.

Of a local variable's field only the name is known here: it may lack one that no object of the gate's input must have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final

from sekisho.gate.rego_tokens import Token

REMEDY: Final = "bind it before, as `x := …`, or ask with object.get, outside the `not`"
_OPERATORS: Final = frozenset("=<>!+-*/%&|,:")
_MAY_FAIL: Final = frozenset({"max", "min"})
"""Built-ins that come to nothing for arguments in order: for an empty collection."""


def negated(text: Sequence[Token]) -> Iterator[tuple[int, str]]:
    """Every place of a file at which something that may be undefined stands under `not`, evaluated before it."""
    conditional = _conditional(text)
    for place, token in enumerate(text):
        if token.kind == "name" and token.text == "not":
            operand = _unwrapped(_operand(text[place + 1 :]))
            if not any(map(_plain, _sides(operand))):
                for found in _undefined(operand, conditional):
                    yield token.line, f"under `not`, {found} may be undefined, on which the engines differ: {REMEDY}"


def _operand(text: Sequence[Token]) -> list[Token]:
    """What `not` denies: to the end of its line, of the body or of the group, or to a `with`."""
    found: list[Token] = []
    depth = 0
    for token in text:
        depth += token.depth
        goes_on = not found or depth > 0 or token.depth < 0 or token.line == found[-1].line
        if depth < 0 or (depth == 0 and token.text in (";", "with")):
            break
        if not goes_on and found[-1].text not in _OPERATORS and token.text not in _OPERATORS:
            break
        found.append(token)
    return found


def _unwrapped(operand: list[Token]) -> list[Token]:
    """Without parentheses around all of it."""
    while len(operand) > 2 and operand[0].text == "(" and _group(operand, 0) == len(operand) - 1:
        operand = operand[1:-1]
    return operand


def _sides(operand: list[Token]) -> Iterator[list[Token]]:
    """Both sides of an equality as one list where each is plain, else all of it."""
    depth = 0
    for place, token in enumerate(operand[:-1]):
        depth += token.depth
        if depth == 0 and token.text == operand[place + 1].text == "=":
            left, right = operand[:place], operand[place + 2 :]
            if _plain(left) and _plain(right):
                yield left
            return
    yield operand


def _plain(side: list[Token]) -> bool:
    """A literal, or a path whose steps are names, literals and variables."""
    if len(side) == 1 and not side[0].is_reference:
        return side[0].kind != "mark"
    if not side or not side[0].is_reference:
        return False
    rest = side[1:]
    while rest:
        if len(rest) > 2 and rest[0].text == "[" and rest[2].text == "]" and _step(rest[1]):
            rest = rest[3:]
        elif len(rest) > 1 and rest[0].text == "." and rest[1].kind == "name":
            rest = rest[2:]
        else:
            return False
    return True


def _step(token: Token) -> bool:
    return token.kind in ("string", "raw", "number") or (token.is_reference and "." not in token.text)


def _undefined(operand: list[Token], conditional: frozenset[str]) -> Iterator[str]:
    place = 0
    while place < len(operand):
        token, after = operand[place], operand[place + 1 : place + 2]
        called = bool(after) and after[0].text == "("
        if token.text in ("[", "{") and token.kind == "mark":
            if place and (operand[place - 1].is_reference or operand[place - 1].text in ("]", ")")):
                yield "what stands at an index"
            elif _comprehends(operand, place):
                place = _group(operand, place)
        elif token.is_reference and called and token.text in _MAY_FAIL:
            yield f"{token.text}(…)"
        elif token.is_reference and not called and _may_lack(token.text, conditional):
            yield token.text
        place += 1


def _may_lack(path: str, conditional: frozenset[str]) -> bool:
    root, *steps = path.split(".")
    required, optional = _fields()
    if root == "data":
        # The built-in rules' own words always come to something; what users define in another file need not.
        return not path.startswith("data.sekisho.")
    if any(step in optional for step in steps):
        return True
    return path in conditional or (root == "input" and any(step not in required for step in steps))


def _comprehends(operand: list[Token], place: int) -> bool:
    """Whether the group that opens here is a comprehension; what is undefined in one is left out of it, and no more."""
    depth = 0
    for token in operand[place : _group(operand, place)]:
        depth += token.depth
        if depth == 1 and token.text == "|":
            return True
    return False


def _group(operand: Sequence[Token], place: int) -> int:
    """Where the group that opens here is closed."""
    depth = 0
    for end in range(place, len(operand)):
        depth += operand[end].depth
        if depth == 0:
            return end
    return len(operand) - 1


def _conditional(text: Sequence[Token]) -> frozenset[str]:
    """Rules of this file, no functions and no sets, that hold only if their body does, and have no default."""
    found: set[str] = set()
    sure: set[str] = set()
    depth, last = 0, 0
    for place, token in enumerate(text):
        if depth == 0 and token.kind == "name" and token.line > last:
            head = [other for other in text[place + 1 : place + 60] if other.line == token.line]
            words = {other.text for other in head}
            if token.text == "default" and head:
                sure.add(head[0].text)
            elif token.is_reference and "if" in words and not (head and head[0].text in ("contains", "(", "[")):
                found.add(token.text)
        depth, last = depth + token.depth, token.line
    return frozenset(found - sure)


@cache
def _fields() -> tuple[frozenset[str], frozenset[str]]:
    """Names of the gate input's fields: those that some object must have, and those that none must have."""
    from sekisho.gate.schemas import schema

    required: set[str] = set()
    known: set[str] = set()
    waiting: list[Any] = [schema("input.schema.json")]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            known |= node.get("properties", {}).keys()
            required |= set(node.get("required", ()))
        waiting += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return frozenset(required), frozenset(known - required)
