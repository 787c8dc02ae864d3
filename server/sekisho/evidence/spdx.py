"""SPDX licence expressions, as alternatives that an allow-list can be held against. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from license_expression import ExpressionError, get_spdx_licensing

MAX_ALTERNATIVES: Final = 64
MAX_EXPRESSION: Final = 200
OWN: Final = "LicenseRef-"
"""What names of licences begin with that SPDX does not list (SPDX 2.3, annex D)."""

Alternatives = tuple[tuple[str, ...], ...]
"""Each is a set of licences that hold together; one alternative is enough."""


@lru_cache(maxsize=4096)
def alternatives(expression: str) -> Alternatives:
    """The expression in disjunctive normal form, licences by the names on SPDX's list; ``MIT OR (A AND B)`` is two.

    An exception stays with its licence (``GPL-2.0-only WITH Classpath-exception-2.0`` is one name). Empty for what
    cannot be read: another grammar, a licence that SPDX does not list and that is no ``LicenseRef-``, an expression
    with more than 64 alternatives.
    """
    if len(expression) > MAX_EXPRESSION:
        return ()
    try:
        parsed = _spdx().parse(expression)
    except (ExpressionError, ValueError):
        return ()
    if parsed is None or any(not key.startswith(OWN) for key in _spdx().unknown_license_keys(parsed)):
        return ()
    found = _terms(parsed)
    return () if found is None else tuple(sorted({tuple(sorted(term)) for term in found}))


@lru_cache(maxsize=1)
def _spdx() -> Any:
    """The list of licences; reading it takes a tenth of a second."""
    return get_spdx_licensing()


def _terms(node: Any) -> list[frozenset[str]] | None:
    """None where there would be too many."""
    if not getattr(node, "args", ()):
        return [frozenset({node.render()})]
    parts = [_terms(argument) for argument in node.args]
    found: list[frozenset[str]] = []
    if node.operator.strip().upper() == "OR":
        for part in parts:
            if part is None:
                return None
            found += part
    else:
        found = [frozenset()]
        for part in parts:
            if part is None or len(found) * len(part) > MAX_ALTERNATIVES:
                return None
            found = [one | other for one in found for other in part]
    return found if len(found) <= MAX_ALTERNATIVES else None
