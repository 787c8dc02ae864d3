"""What every command has at hand: settings, a client, a project, and one way to show things."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sekisho.cli.lock import Lock, read_lock
from sekisho.client import Client
from sekisho.client.connection import Connection
from sekisho.kernel.errors import THE_CALLERS, ExtraMissing, FieldError, Invalid, SekishoError
from sekisho.kernel.references import DEFAULT_PROJECT, Kind, parse_reference
from sekisho.kernel.settings import Settings, Sourced, load_settings

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def corpus_reference(text: str) -> str:
    """The text, which names no folder here. Raises `Invalid` where it is no reference of a corpus either."""
    try:
        kind = parse_reference(text).kind
    except Invalid:
        kind = None
    if kind is not Kind.CORPUS:
        raise Invalid(
            f"{text!r} is neither a folder here nor a corpus",
            fields=[FieldError("CORPUS", "name a folder, or a corpus version such as corpus/handbook@latest")],
        )
    return text


@dataclass
class Session:
    """One run of the command line. Standard output carries the result, standard error everything else."""

    project: str = DEFAULT_PROJECT
    as_json: bool = False
    project_given: bool = False

    @cached_property
    def console(self) -> Console:
        """Standard output, for people."""
        from rich.console import Console  # a server's start shows nothing

        return Console(highlight=False, soft_wrap=False)

    @cached_property
    def errors(self) -> Console:
        """Standard error, for people."""
        from rich.console import Console

        return Console(stderr=True, highlight=False)

    @cached_property
    def _loaded(self) -> tuple[Settings, tuple[Sourced, ...]]:
        return load_settings(os.environ, Path.cwd())

    @property
    def settings(self) -> Settings:
        return self._loaded[0]

    @property
    def sources(self) -> tuple[Sourced, ...]:
        return self._loaded[1]

    @cached_property
    def client(self) -> Client:
        return Client(self.settings.server, self._token(), project=self.project)

    @property
    def connection(self) -> Connection:
        return self.client.connection

    def adopt(self, lock: Lock) -> Lock:
        """Work in the lock's project. Raises `Invalid` where another was asked for by name."""
        if self.project_given and lock.project != self.project:
            raise Invalid(
                f"{lock.path} is of project {lock.project}, and --project says {self.project}",
                fields=[FieldError("$.project", f"leave --project out, or say {lock.project}")],
            )
        self.project = lock.project
        return lock

    def pinned(self, reference: str, lock_file: Path) -> str:
        """The reference with a selector: what it says, else what the lock says that this commit means."""
        parsed = parse_reference(reference, project=self.project)
        if parsed.selector is not None:
            return reference
        return f"{parsed.label}@{self.adopt(read_lock(lock_file)).digest(parsed.label)}"

    def locked(self, lock_file: Path, kind: Kind) -> list[str]:
        """Everything of this kind in the lock, pinned. Raises `Invalid` where there is nothing."""
        lock = self.adopt(read_lock(lock_file))
        found = [f"{label}@{lock.digest(label)}" for label in lock.labels if label.startswith(f"{kind}/")]
        if not found:
            raise Invalid(f"{lock_file} holds no {kind}", remedy="declare one in sekisho.yaml and run `sekisho apply`")
        return found

    def path(self, tail: str) -> str:
        """An API path inside the session's project."""
        return f"/v1/projects/{self.project}{tail}"

    def show(self, value: Any, text: RenderableType | None = None) -> None:
        """Print `value` as JSON where asked to, else `text` (or the JSON where a command has no text for it)."""
        if self.as_json or text is None:
            sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
        else:
            # Lines of plain text stay whole, so that digests and secrets can be copied and piped; and what stands in
            # them, somebody's case id say, is never taken for markup.
            plain = isinstance(text, str)
            self.console.print(text, soft_wrap=plain, markup=not plain)

    def say(self, message: RenderableType) -> None:
        """A remark for a person, on standard error, left out where JSON was asked for."""
        if not self.as_json:
            self.errors.print(message)

    def show_error(self, error: SekishoError) -> None:
        """The whole error on standard error: as JSON where asked for, else in words with its remedy."""
        if self.as_json:
            fields = [{"path": item.path, "message": item.message} for item in error.fields]
            body = {"title": error.title, "detail": error.detail, "remedy": error.remedy, "errors": fields}
            sys.stderr.write(json.dumps(body, ensure_ascii=False) + "\n")
            return
        self.errors.print(f"error: {error.title}: {error}", style="red", markup=False, soft_wrap=True)

    def close(self) -> None:
        if "client" in self.__dict__:
            self.client.close()

    def _token(self) -> str:
        if self.settings.token:
            return self.settings.token
        path = self.settings.data_dir / "admin.token"
        return path.read_text("utf-8").strip() if os.access(path, os.R_OK) else ""


def coloured(text: str, language: str) -> RenderableType:
    """The text with the colours of its language."""
    from rich.syntax import Syntax  # its lexers would take a tenth of a second of every command's start

    return Syntax(text, language, background_color="default")


session = click.make_pass_decorator(Session)
"""Decorator: gives a command its `Session` as the first argument."""


def exit_code_of(error: SekishoError) -> int:
    """2 for what the caller can mend in his input, 4 for what the server or an engine could not do."""
    return 2 if isinstance(error, (*THE_CALLERS, ExtraMissing)) else 4
