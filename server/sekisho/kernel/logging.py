"""Structured logs on standard error; whatever is bound to the context (request id, job id) stands in each line."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, TextIO

import msgspec
import structlog

from sekisho.kernel.settings import Settings

REQUESTS: Final = "sekisho.access"
"""The logger of request lines."""


def configure_logging(settings: Settings) -> None:
    """Send structlog's and the standard library's records through one pipeline."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    requests = logging.getLogger(REQUESTS)
    requests.handlers, requests.propagate = [RequestLines(sys.stderr, settings.log_format)], False
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for chatty in ("httpx", "httpcore", "chromadb", "sentence_transformers", "aiosqlite", "alembic", "bm25s"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger; messages are constant words, facts go in keyword arguments."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


class RequestLog:
    """One line per request, of the same shape as all others, to wherever `configure_logging` sends them.

    It goes past structlog and past log records, which take longer than answering from memory does.
    """

    def __init__(self) -> None:
        self._logger = logging.getLogger(REQUESTS)

    def write(self, *, request_id: str, method: str, path: str, status: int, ms: float) -> None:
        if self._logger.isEnabledFor(logging.INFO):
            for handler in self._logger.handlers:
                if isinstance(handler, RequestLines):
                    handler.write(request_id, method, path, status, ms)


class RequestLines(logging.StreamHandler[TextIO]):
    """Writes request lines for a person or as JSON. A stream that takes none fails no request."""

    def __init__(self, stream: TextIO, log_format: str) -> None:
        super().__init__(stream)
        self._line = _json_line if log_format == "json" else _console_line

    def write(self, request_id: str, method: str, path: str, status: int, ms: float) -> None:
        moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        with suppress(OSError, ValueError):
            self.stream.write(self._line(moment, request_id, method, path, status, ms))
            self.stream.flush()


def _json_line(moment: str, request_id: str, method: str, path: str, status: int, ms: float) -> str:
    line = {
        "method": method, "path": path, "status": status, "ms": ms, "event": "request", "request_id": request_id,
        "logger": REQUESTS, "level": "info", "timestamp": moment,
    }  # fmt: skip
    return msgspec.json.encode(line).decode() + "\n"


def _console_line(moment: str, request_id: str, method: str, path: str, status: int, ms: float) -> str:
    return (
        f"{moment} [info     ] request                        [{REQUESTS}] method={_plain(method)} ms={ms} "
        f"path={_plain(path)} request_id={request_id} status={status}\n"
    )


def _plain(text: str) -> str:
    """Text on one line and of one word, whatever a caller put into it."""
    return text if text.isprintable() and " " not in text else repr(text)
