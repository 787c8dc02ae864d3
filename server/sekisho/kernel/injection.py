"""Marks a request handler's parameter that the application provides by the parameter's name."""

from __future__ import annotations

from typing import TypeAlias, TypeVar

from litestar.di import NamedDependency
from litestar.params import SkipValidation

T = TypeVar("T")

Injected: TypeAlias = NamedDependency[SkipValidation[T]]
"""A service or the actor, as `wiring` built it. Not validated: it did not come from outside."""
