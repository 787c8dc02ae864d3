"""Commands of corpora: what one is like, and taking a document out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sekisho.cli.following import FAILED, followed, result_of
from sekisho.cli.session import Session, corpus_reference, session
from sekisho.client.indexing import Indexing
from sekisho.indexing.profiles.page import page_of
from sekisho.indexing.profiles.reading import profile_of_folder
from sekisho.indexing.profiles.types import Alike, Profile, Share, named
from sekisho.indexing.sources.types import Limits
from sekisho.kernel.clock import from_epoch_ms
from sekisho.kernel.errors import Invalid, SekishoError

_SHOWN: Final = 10


@click.group()
def corpus() -> None:
    """Look at corpora, and erase what may not be kept."""


@corpus.command()
@click.argument("target", metavar="REFERENCE|FOLDER")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with plots here, too.")
@session
def profile(state: Session, target: str, html: Path | None) -> None:
    """What a corpus is like: sizes, languages, licences, duplicates, personal data and secrets, age.

    A FOLDER is looked at here, without a server, and its bad files are named. REFERENCE is a registered corpus; the
    worker looks at it.
    """
    found = _of_folder(state, Path(target)) if Path(target).is_dir() else _of_reference(state, corpus_reference(target))
    if html is not None:
        try:
            html.write_text(page_of(found), "utf-8")
        except OSError as error:
            raise Invalid(f"the page cannot be written to {html}: {error.strerror}") from error
    state.show(msgspec.to_builtins(found), _shown(found))


@corpus.command()
@click.argument("reference", metavar="CORPUS")
@click.argument("document")
@click.option("--reason", required=True, help="Why; it enters the ledger, so name no person in it.")
@click.option("--with-datasets", is_flag=True, help="Erase and revoke every dataset that quotes it, too.")
@session
def erase(state: Session, reference: str, document: str, reason: str, with_datasets: bool) -> None:
    """Erase DOCUMENT, a path in CORPUS (corpus/name), and everything that was made of it. There is no way back.

    Its text goes from every version of the project that holds it; these and their indexes are revoked, and their runs
    count no more. The worker deletes vectors, terms, case rows, recorded answers, drafts and cached calls. Keep the
    salt: it is told once, and with it you can show that the ledger's commitment is to this document.
    """
    client = Indexing(state.connection, state.project)
    done = client.erase(reference, document, reason, with_datasets=with_datasets)
    state.say(Text(f"salt {done['salt']}", style="bold"))
    job = followed(state, f"erase {document}", lambda seen: client.wait("erasures", done["job_id"], seen))
    if job["state"] != "done":
        state.show_error(SekishoError(job["error"] or f"the job was {job['state']}"))
        state.show(done)
        sys.exit(FAILED)
    state.show({**done, "deleted": job["result"]}, _erased(done, job["result"]))


def _erased(done: dict[str, Any], deleted: dict[str, int]) -> RenderableType:
    lines = [f"erased from {', '.join(done['corpora'])}", f"commitment {done['commitment']}"]
    lines += [f"revoked {one}" for one in (*done["indexes"], *done["datasets"])]
    lines.append(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in deleted.items()))
    if done["dependants"]:
        lines.append(f"{len(done['dependants'])} versions pin a revoked index; promote others in their place")
    lines += [f"still quoted in {one}; --with-datasets takes it too" for one in done["quoted_by"]]
    return Text("\n".join(lines))


def _of_folder(state: Session, folder: Path) -> Profile:
    return profile_of_folder(folder, Limits(text_bytes=state.settings.max_file_bytes))


def _of_reference(state: Session, reference: str) -> Profile:
    client = Indexing(state.connection, state.project)
    started = client.start_profile(reference)
    job = followed(state, f"profile {reference}", lambda seen: client.wait("profiles", started["id"], seen))
    return msgspec.convert(result_of(state, job), Profile)


def _shown(found: Profile) -> RenderableType:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _rows(found):
        table.add_row(name, Text(value))
    refused = [Text(f"refused {one.path}: {one.reason}", style="yellow") for one in found.refused]
    return Group(table, *refused)


def _rows(found: Profile) -> list[tuple[str, str]]:
    lengths = found.lengths
    rows = [
        ("documents", f"{found.documents:,} with {found.bytes:,} bytes, {len(found.refused):,} refused"),
        ("characters", f"{lengths.shortest:,} to {lengths.longest:,}, median {lengths.median:,}"),
        ("media types", _shares(found.media_types)),
        ("languages", _shares(tuple(map(named, found.languages)))),
        ("scripts", _shares(found.scripts)),
        ("licences", _shares(found.licences)),
        ("personal data", _shares(found.personal_data)),
        ("duplicates", _alike(found.duplicate_documents, found.duplicates)),
        ("near-duplicates", _alike(found.near_duplicate_documents, found.near_duplicates)),
    ]
    rows += [
        (one.detector, f"{one.matches:,} in {one.documents:,} documents: {', '.join(one.first[:3])}")
        for one in found.findings
    ]
    for name, dated in (("oldest", found.oldest), ("newest", found.newest), ("first due", found.first_due)):
        if dated is not None:
            rows.append((name, f"{from_epoch_ms(dated.time):%Y-%m-%d} {dated.document}"))
    return rows


def _shares(shares: tuple[Share, ...]) -> str:
    more = f", and {len(shares) - _SHOWN} more" if len(shares) > _SHOWN else ""
    return ", ".join(f"{one.name} {one.documents:,}" for one in shares[:_SHOWN]) + more


def _alike(spare: int, groups: tuple[Alike, ...]) -> str:
    return "none" if not groups else f"{spare:,} to spare, as {' = '.join(groups[0].documents[:3])}"


commands: Final[list[click.Command]] = [corpus]
