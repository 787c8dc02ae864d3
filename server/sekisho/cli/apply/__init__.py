"""`sekisho apply`: bring the server to what sekisho.yaml says, and write down in sekisho.lock what that is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from sekisho.cli.apply.declarations import DECLARATIONS, json_schema
from sekisho.cli.apply.provenance import Said, provenance
from sekisho.cli.apply.reading import Project, read_project
from sekisho.cli.apply.registering import Applied, Applier
from sekisho.cli.following import Unclaimed
from sekisho.cli.lock import NAME, Lock, read_lock_or_empty, write_lock
from sekisho.cli.session import Session, session
from sekisho.client.evidence import Evidence
from sekisho.client.indexing import Indexing
from sekisho.client.registry import Registry
from sekisho.kernel.digests import short
from sekisho.kernel.errors import FieldError, Forbidden, Invalid
from sekisho.kernel.references import DEFAULT_PROJECT, Kind

LICENSED = frozenset({Kind.CORPUS, Kind.DATASET, Kind.INDEX, Kind.MODEL})


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default=Path("sekisho.yaml"))
@click.option("--lock", "lock_file", type=click.Path(dir_okay=False, path_type=Path), help="Default: beside FILE.")
@click.option("--check", is_flag=True, help="Only say whether FILE and all it names are valid; needs no server.")
@click.option("--strict", is_flag=True, help="Refuse FILE where any document of a corpus is refused.")
@click.option("--author", default="", envvar="SEKISHO_AUTHOR", help="The human author.  [default: git's]")
@click.option("--message", "-m", default="", envvar="SEKISHO_MESSAGE", help="Why.  [default: git's]")
@click.option("--commit", default="", envvar="SEKISHO_COMMIT", help="The commit applied.  [default: the CI's, git's]")
@click.option("--ci-run", default="", envvar="SEKISHO_CI_RUN", help="URL of the CI run.  [default: the CI's]")
@session
def apply(state: Session, /, file: Path, lock_file: Path | None, check: bool, strict: bool, **said: str) -> None:
    """Register what FILE declares, build its indexes, have licences scanned, and write sekisho.lock.

    Everything is validated before anything is sent. A document that cannot be read is left out and named, with the
    reason; with --strict it stops everything. Applying the same again changes nothing, and says so. Commit the
    lock: `eval` and `promote` read in it what this commit means. `sekisho schema` prints FILE's JSON Schema.
    """
    project = read_project(file, max_file_bytes=state.settings.max_file_bytes)
    _tell_refused(state, project, strict)
    if check:
        labels = [one.label for one in project.declared]
        shown = {"valid": True, "declared": labels, "refused": project.refused}
        state.show(shown, f"{file} is valid: {', '.join(labels)}")
        return
    name = project.name or state.project
    if project.name and state.project not in {DEFAULT_PROJECT, project.name}:
        raise Invalid(f"{file} is for project {project.name}, and --project says {state.project}")
    lock_file = lock_file or file.with_name(NAME)
    before = read_lock_or_empty(lock_file, name)
    with _Bars(state) as bars:
        applier = Applier(
            registry=Registry(state.connection, name),
            indexing=Indexing(state.connection, name),
            models=lambda: _models(state, name),
            said=provenance(file, os.environ, Said(**said)),
            before=before.versions if before.project == name else {},
            shows=bars,
        )
        done = applier.apply(project)
    written = write_lock(Lock(lock_file, name, {one.label: one.digest for one in done}))
    _scan_licences(state, name, done)
    changed = written or any(one.state != "unchanged" for one in done)
    versions = [asdict(one) for one in done]
    shown = {"lock": str(lock_file), "changed": changed, "versions": versions, "refused": project.refused}
    state.show(shown, _table(done))
    word = "wrote" if written else "unchanged:"
    state.say(f"{word} {lock_file}" if changed else f"nothing changed; {lock_file} says so already")


def _scan_licences(state: Session, project: str, done: Sequence[Applied]) -> None:
    """Have the server read what each part says of its licence: policy does not believe manifests.

    A token that may register and not measure leaves that to another, and is told so.
    """
    evidence = Evidence(state.connection, project)
    try:
        for one in done:
            if Kind(one.label.partition("/")[0]) in LICENSED:
                evidence.scan_licences(f"{one.label}@{one.digest}")
    except Forbidden as error:
        state.say(Text(f"licences were not scanned: {error.detail}", style="yellow"))


def _tell_refused(state: Session, project: Project, strict: bool) -> None:
    """Name what was left out. Raises `Invalid` where that may not be."""
    refused = project.refused
    if refused and strict:
        fields = [FieldError(f"{one['corpus']}: {one['path']}", one["reason"]) for one in refused]
        raise Invalid(
            f"{len(refused)} documents are refused, and --strict takes none; nothing was registered",
            fields=fields,
            remedy="mend the files named, or leave them out with `include`",
        )
    for one in refused:
        state.say(Text(f"left out of {one['corpus']}: {one['path']}: {one['reason']}", style="yellow"))


@click.command()
@click.argument("kind", type=click.Choice([kind.value for kind in DECLARATIONS]), required=False)
@session
def schema(state: Session, kind: str | None) -> None:
    """Print the JSON Schema of sekisho.yaml, or of a file with one declaration of KIND. Works without a server."""
    state.show(json_schema(None if kind is None else Kind(kind)))


@dataclass
class _Bars(AbstractContextManager["_Bars"]):
    """A bar for each index that is built, on standard error."""

    state: Session
    _tasks: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=self.state.errors, disable=self.state.as_json)
        self._unclaimed = Unclaimed(self._progress.print)

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def applied(self, one: Applied) -> None:
        if one.label in self._tasks:
            self._progress.update(self._tasks[one.label], description=f"built {one.label}")

    def building(self, label: str, job: Mapping[str, Any]) -> None:
        if label not in self._tasks:
            self._tasks[label] = self._progress.add_task(f"building {label}", total=None, unit="")
        self._unclaimed.look(job)
        progress = job["progress"]
        self._progress.update(
            self._tasks[label], completed=progress["done"], total=progress["total"] or None, unit=progress["unit"]
        )


def _models(state: Session, project: str) -> list[dict[str, Any]]:
    hosts = state.connection.get(f"/v1/projects/{project}/models")["items"]
    return [model for host in hosts for model in host["models"]]


def _table(done: list[Applied]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("version", "digest", "", ""):
        table.add_column(title, overflow="fold")
    for one in done:
        table.add_row(f"{one.label}@v{one.number}", short(one.digest), one.state, one.note)
    return table


commands: list[click.Command] = [apply, schema]
