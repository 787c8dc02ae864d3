"""Which optional part of the package a command needs, told before it fails on an import."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from sekisho.kernel.errors import ExtraMissing

# For each extra, the modules without which its commands cannot start; the first that is absent is named.
NEEDS: Final = {
    "verify": ("securesystemslib", "cryptography"),
    "server": (
        "litestar",
        "sqlalchemy",
        "aiosqlite",
        "alembic",
        "uvicorn",
        "structlog",
        "uuid_utils",
        "prometheus_client",
    ),
    "worker": ("sqlalchemy", "structlog", "chromadb", "bm25s", "onnx", "onnxruntime", "sentence_transformers", "torch"),
}


def require_extra(extra: str, command: str) -> None:
    """Raises `ExtraMissing`, saying what to install, where `command` lacks a module of `extra`. Imports none."""
    for module in NEEDS[extra]:
        if find_spec(module) is None:
            raise ExtraMissing(
                f"`sekisho {command}` needs the extra {extra!r}: the module {module} is not installed",
                remedy=f"pip install 'sekisho[{extra}]'",
            )
