"""The dialect of prompt templates: a part of Jinja2 in which every rendering ends soon, by construction.

A template is checked when it is registered. It may print variables, choose, and loop over them; it cannot assign,
define, include, call, multiply, or reach an attribute that is not a key of JSON. Filters that lengthen text are
applied to a variable as it is, never to another filter's result, so that no chain of them grows without bound.
While it renders, `Budget` counts loop turns and watches the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from jinja2 import Environment, StrictUndefined, Template, TemplateSyntaxError, nodes, pass_context
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sekisho.kernel.errors import Invalid
from sekisho.registry.filters import FILTERS, GROWING, text_of

MAX_NODES: Final = 2000
MAX_LOOP_DEPTH: Final = 3
MAX_TURNS: Final = 10_000
MAX_OUTPUT: Final = 200_000
MAX_SECONDS: Final = 1.0
MAX_CONSTANT: Final = 1000
MAX_COPIES: Final = 50
TESTS: Final = (
    "boolean",
    "defined",
    "eq",
    "even",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sequence",
    "string",
    "undefined",
)
_LOOP: Final = ("index", "index0", "revindex", "revindex0", "first", "last", "length", "depth")
_BUDGET: Final = "sekisho budget"  # no variable can be called so
_COUNTED: Final = "counted"

_ALLOWED: Final[tuple[type[nodes.Node], ...]] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.CondExpr, nodes.For,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Add, nodes.Sub, nodes.Neg, nodes.Pos,
    nodes.Concat, nodes.Filter, nodes.Test, nodes.Getattr, nodes.Getitem, nodes.List, nodes.Tuple,
)  # fmt: skip


@dataclass(slots=True)
class Budget:
    """What one rendering may still spend. Raises `Invalid` once it is spent."""

    turns: int = MAX_TURNS
    chars: int = MAX_OUTPUT
    monotonic: Callable[[], float] = time.monotonic
    deadline: float = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = self.monotonic() + MAX_SECONDS

    def turn(self) -> None:
        self.turns -= 1
        if self.turns < 0:
            raise _spent(f"loops more than {MAX_TURNS} times")
        self.look()

    def look(self) -> None:
        if self.monotonic() > self.deadline:
            raise _spent(f"takes longer than {MAX_SECONDS:g} s")

    def write(self, length: int) -> None:
        self.look()
        self.chars -= length
        if self.chars < 0:
            raise _spent(f"comes to more than {MAX_OUTPUT} characters")


def _spent(what: str) -> Invalid:
    return Invalid(f"the rendering {what}", remedy="pass less, or loop over less")


class _Counted(list[Any]):
    """The items of a loop; each turn is paid for before it runs."""

    budget: Budget

    def __iter__(self) -> Iterator[Any]:
        for item in super().__iter__():
            self.budget.turn()
            yield item


@pass_context
def _counted(context: Context, value: Any) -> _Counted:
    if isinstance(value, Undefined) or not isinstance(value, (list, tuple, dict, str)):
        raise Invalid(f"a template loops over {_kind(value)}, which is no list, object or text")
    items = _Counted(value)
    items.budget = context.parent[_BUDGET]
    return items


def _watched(work: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, which looks at the clock before it works: one call takes milliseconds, a thousand may not."""

    @pass_context
    def filtered(context: Context, value: Any, *arguments: Any) -> Any:
        if isinstance(value, Undefined):
            str(value)  # raises UndefinedError, naming what is not there
        context.parent[_BUDGET].look()
        return work(value, *arguments)

    return filtered


def _kind(value: Any) -> str:
    return "something undefined" if isinstance(value, Undefined) else type(value).__name__


class _Environment(ImmutableSandboxedEnvironment):
    """Attributes and items are keys of JSON objects and places in JSON arrays, and nothing else of Python."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, dict) and isinstance(argument, str) and argument in obj:
            return obj[argument]
        if isinstance(obj, (list, tuple, str)) and type(argument) is int and -len(obj) <= argument < len(obj):
            return obj[argument]
        return self.undefined(obj=obj, name=argument)


def environment() -> Environment:
    """The sandbox. It has no globals, and only the filters and tests of the dialect."""
    made = _Environment(
        undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False, finalize=text_of, cache_size=0
    )
    made.globals.clear()
    made.filters = {name: _watched(work) for name, work in FILTERS.items()} | {_COUNTED: _counted}
    made.tests = {name: made.tests[name] for name in TESTS}
    return made


def free_variables(text: str) -> frozenset[str]:
    """The names that a template takes from outside. Raises TemplateSyntaxError."""
    return frozenset(find_undeclared_variables(_parse(text)))


def template_problems(text: str) -> list[str]:
    """What keeps `text` from being a template of the dialect, each with its line; empty where nothing does."""
    try:
        tree = _parse(text)
    except TemplateSyntaxError as error:
        return [f"line {error.lineno}: {error.message}"]
    found = [f"line {node.lineno}: {problem}" for node in tree.find_all(nodes.Node) for problem in _problems(node)]
    if sum(1 for _ in tree.find_all(nodes.Node)) > MAX_NODES:
        found.append(f"more than {MAX_NODES} expressions and statements")
    if sum(_copies(node) for node in tree.find_all(nodes.Expr)) > MAX_COPIES:
        found.append(f"joins more than {MAX_COPIES} expressions to one another")
    if _loop_depth(tree) > MAX_LOOP_DEPTH:
        found.append(f"loops stand more than {MAX_LOOP_DEPTH} deep in one another")
    return found


def _parse(text: str) -> nodes.Template:
    try:
        return environment().parse(text)
    except RecursionError as error:
        raise TemplateSyntaxError("nested too deep", 1) from error


def _problems(node: nodes.Node) -> Iterator[str]:
    if isinstance(node, nodes.Call):
        yield "calls are not allowed"
    elif not isinstance(node, _ALLOWED):
        yield f"{type(node).__name__.lower()} is not allowed"
    elif isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        yield f"attribute {node.attr!r} may not be reached"
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and str(node.arg.value).startswith("_"):
        yield f"item {node.arg.value!r} may not be reached"
    elif isinstance(node, nodes.Name) and (node.name.startswith("_") or node.name in {"self", "caller"}):
        yield f"the name {node.name!r} may not be used"
    elif isinstance(node, nodes.Const) and len(str(node.value)) > MAX_CONSTANT:
        yield f"a constant longer than {MAX_CONSTANT} characters"
    elif isinstance(node, nodes.For) and node.recursive:
        yield "recursive loops are not allowed"
    elif isinstance(node, nodes.For) and not _is_path(_unfiltered(node.iter)):
        yield "a loop runs over a variable, filtered at most, not over an expression"
    elif isinstance(node, nodes.Filter):
        yield from _filter_problems(node)
    elif isinstance(node, nodes.Test) and (node.name not in TESTS or node.kwargs or node.dyn_args or node.dyn_kwargs):
        yield f"the test {node.name!r} is not allowed; use {', '.join(TESTS)}"


def _filter_problems(node: nodes.Filter) -> Iterator[str]:
    if node.name not in FILTERS:
        yield f"the filter {node.name!r} is not allowed; use {', '.join(sorted(FILTERS))}"
    elif node.node is None:
        yield "filter blocks are not allowed"
    elif node.kwargs or node.dyn_args or node.dyn_kwargs or (node.args and node.name not in {"join", "indent"}):
        yield f"the filter {node.name!r} takes no arguments here"
    elif any(not isinstance(argument, nodes.Const) for argument in node.args) or len(node.args) > 1:
        yield f"the filter {node.name!r} takes one constant"
    elif node.name == "join" and node.args and len(str(_constant(node.args[0]))) > 32:
        yield "join's separator is longer than 32 characters"
    elif node.name in GROWING and not _is_path(node.node):
        yield f"the filter {node.name!r} is applied to a variable itself, not to an expression"


def _constant(node: nodes.Expr) -> Any:
    return node.value if isinstance(node, nodes.Const) else None


def _unfiltered(node: nodes.Node | None) -> nodes.Node | None:
    while isinstance(node, nodes.Filter) and node.name not in GROWING:
        node = node.node
    return node


def _copies(node: nodes.Expr) -> int:
    """How many values that are not constants an expression puts together."""
    match node:
        case nodes.Concat():
            parts = node.nodes
        case nodes.Add():
            parts = [node.left, node.right]
        case nodes.List() | nodes.Tuple():
            parts = node.items
        case _:
            parts = []
    return sum(not isinstance(part, nodes.Const) for part in parts)


def _is_path(node: nodes.Node | None) -> bool:
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        node = node.node
    return isinstance(node, nodes.Name)


def _loop_depth(node: nodes.Node) -> int:
    inner = max((_loop_depth(child) for child in node.iter_child_nodes()), default=0)
    return inner + isinstance(node, nodes.For)


def render(text: str, variables: Mapping[str, Any], budget: Budget) -> str:
    """Render a template of the dialect.

    Raises `Invalid` where the budget is spent, and jinja2's UndefinedError for a key that is not there.
    """
    pieces = []
    for piece in _compiled(text).generate({**variables, _BUDGET: budget}):
        budget.write(len(piece))
        pieces.append(piece)
    return "".join(pieces)


@lru_cache(maxsize=128)
def _compiled(text: str) -> Template:
    """An evaluation renders one template for every case; compiling it took longer than all else of a case."""
    made = environment()
    tree = made.parse(text)
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, _COUNTED, [], [], None, None, lineno=loop.lineno)
    return made.template_class.from_code(made, made.compile(tree), {}, None)
