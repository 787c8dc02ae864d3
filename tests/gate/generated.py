"""Gate inputs that match the schema and mean harm: a case of the tests with a few of its parts put in others' place.

Inputs made up from the types alone are denied by nearly every rule for the same reasons; one that was in order, or just
not, until a few of its parts changed takes the rules to their limits.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

from sekisho.gate.input_types import GateInput
from sekisho.gate.scalars import LARGEST
from tests.gate.cases import CASES
from tests.gate.inputs import AGENT, ANSWERS, BASELINE, DAY, HEAD, JUDGE, NOW, RETRIEVAL, SYSTEM, Json, digest

DIGESTS: Final = (AGENT, SYSTEM, BASELINE, RETRIEVAL, ANSWERS, HEAD, JUDGE, digest("0"), digest("f"))
WORDS: Final = (
    "agent", "docs-answers",
    "language", "ja", "recall@5", "bob", "MIT", "MIT OR GPL-3.0-only", "*", "**", "{a,b}", "[!x]",
    "a/b/c", "%s%d%v", '"', "\\", "\\u0000", "日本語 🏯", "e\u0301", "\u202e", "true", "null", "1e999", "-0",
    "x" * 256,
)  # fmt: skip
LETTERS: Final = st.characters(exclude_characters="\x00", codec="utf-8")
"""No NUL: whatever holds one is refused before an engine is asked, and regorus takes none where it matches globs."""
NUMBERS: Final = (0, 1, 2, 29, 30, 300, 9_999, 10_000, 10_001, NOW - DAY, NOW, NOW + 1, 2**31, 2**32 + 1, LARGEST)
INPUT: Final = inspect.type_info(GateInput)
Place = tuple[tuple[str | int, ...], inspect.Type]


@dataclass(frozen=True)
class Changed:
    """The input, and which case it was before."""

    case: str
    document: Json


@st.composite
def gate_inputs(draw: st.DrawFn) -> Changed:
    """One of the tests' cases with up to six parts changed."""
    case = draw(st.sampled_from(CASES))
    document = copy.deepcopy(case.document)
    for _ in range(draw(st.integers(1, 6))):
        path, kind = draw(st.sampled_from(list(places(document, INPUT, ()))))
        _put(document, path, _other(draw, kind, _at(document, path)))
    return Changed(case.name, document)


def places(value: Any, kind: inspect.Type, path: tuple[str | int, ...]) -> Iterator[Place]:
    """Every part of the document with its type; the whole is none."""
    if path:
        yield path, kind
    match _narrowed(kind, value):
        case inspect.StructType() as struct:
            for field in struct.fields:
                if field.encode_name in value:
                    yield from places(value[field.encode_name], field.type, (*path, field.encode_name))
        case inspect.DictType(value_type=item):
            for key in value:
                yield from places(value[key], item, (*path, key))
        case inspect.VarTupleType(item_type=item):
            for index, one in enumerate(value):
                yield from places(one, item, (*path, index))


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """What matches a type, with those values in front at which rules change their minds."""
    match kind:
        case inspect.Metadata(type=inner):
            return values(inner)
        case inspect.BoolType():
            return st.booleans()
        case inspect.IntType(ge=low, le=high):
            known = [n for n in (*NUMBERS, *(-n for n in NUMBERS)) if (low is None or n >= low) and n <= (high or n)]
            return st.sampled_from(known) | st.integers(low, high)
        case inspect.StrType(pattern=None, min_length=low, max_length=high):
            known_words = [word for word in WORDS if len(word) >= (low or 0)]
            return st.sampled_from(known_words) | st.text(LETTERS, min_size=low or 0, max_size=min(high or 40, 40))
        case inspect.StrType(pattern=pattern):
            return _matching(str(pattern))
        case inspect.LiteralType(values=choices):
            return st.sampled_from(choices)
        case inspect.UnionType(types=types):
            return st.one_of(*(values(one) for one in types))
        case inspect.VarTupleType(item_type=item):
            return st.lists(values(item), max_size=3)
        case inspect.DictType(key_type=key, value_type=item):
            return st.dictionaries(values(key), values(item), max_size=3)
        case inspect.StructType():
            return _struct(kind)
    raise AssertionError(f"the gate's input has grown a type that is not generated yet: {kind}")


def _struct(kind: inspect.StructType) -> st.SearchStrategy[Any]:
    must = {field.encode_name: values(field.type) for field in kind.fields if field.required}
    may = {field.encode_name: values(field.type) for field in kind.fields if not field.required}
    tag = {} if kind.tag_field is None else {kind.tag_field: st.just(kind.tag)}
    return st.fixed_dictionaries({**tag, **must}, optional=may)


def _matching(pattern: str) -> st.SearchStrategy[str]:
    if pattern.startswith("^sha256:"):
        return st.sampled_from(DIGESTS)
    if pattern.startswith("^[a-z]"):
        return st.sampled_from(("dev", "staging", "production", "elsewhere"))
    return st.sampled_from(("EVA-01", "LIC-01", "OVS-01", "LIN-06", "DOC-01", "XXX-99"))


def _narrowed(kind: inspect.Type, value: Any) -> inspect.Type:
    """Of a union the member that this value is."""
    if isinstance(kind, inspect.Metadata):
        return _narrowed(kind.type, value)
    if not isinstance(kind, inspect.UnionType):
        return kind
    return next(one for one in kind.types if isinstance(one, inspect.StructType) and one.tag == value["kind"])


def _other(draw: st.DrawFn, kind: inspect.Type, value: Any) -> Any:
    """Something else of the type; of a list or an object also this one with an entry less, or another order."""
    whole = values(kind)
    match _narrowed(kind, value):
        case inspect.VarTupleType(item_type=item) if value:
            shorter = st.integers(0, len(value) - 1).map(lambda at: [*value[:at], *value[at + 1 :]])
            longer = values(item).map(lambda one: [*value, one])
            twice = st.just([*value, *copy.deepcopy(value)])
            return draw(st.one_of(st.permutations(value), shorter, longer, twice, whole))
        case inspect.DictType() if value:
            fewer = st.sampled_from(sorted(value)).map(lambda key: {k: v for k, v in value.items() if k != key})
            return draw(fewer | whole)
        case inspect.StructType(fields=fields):
            spare = [one.encode_name for one in fields if not one.required and one.encode_name in value]
            if spare:
                less = st.sampled_from(spare).map(lambda name: {k: v for k, v in value.items() if k != name})
                return draw(less | whole)
    return draw(whole)


def _at(document: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        document = document[part]
    return document


def _put(document: Any, path: tuple[str | int, ...], value: Any) -> None:
    _at(document, path[:-1])[path[-1]] = value


def as_sent(document: Json) -> Json:
    """What an engine is given; raises ValidationError where the input does not match its schema."""
    return msgspec.convert(document, GateInput).as_json()
