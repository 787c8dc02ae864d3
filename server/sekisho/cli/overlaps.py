"""Commands of overlap checks: do the questions of an evaluation stand in the prompt or the corpus?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from sekisho.cli.gate import LOCK
from sekisho.cli.session import Session, session
from sekisho.client.overlaps import Overlaps
from sekisho.kernel.digests import short
from sekisho.kernel.errors import SekishoError
from sekisho.kernel.references import Kind


@click.group()
def overlap() -> None:
    """Look whether what is asked in an evaluation stands ready in the prompt or the corpus."""


@overlap.command()
@click.argument("subject", required=False)
@click.option("--dataset", "datasets", multiple=True, help="Dataset to look for, by reference or digest; repeatable.")
@LOCK
@session
def check(state: Session, subject: str | None, datasets: tuple[str, ...], lock_file: Path) -> None:
    """Have a worker look for the questions of DATASETS in the prompt and corpus of SUBJECT, an agent.

    Left out, SUBJECT means every agent of sekisho.lock, and the datasets are all that the lock holds. `sekisho eval`
    asks for the same; what was found once is not looked for again. Whether it is too much, policy says (EVA-10).
    """
    subjects = [state.pinned(subject, lock_file)] if subject else state.locked(lock_file, Kind.AGENT)
    looked = _named(state, datasets, lock_file) or state.locked(lock_file, Kind.DATASET)
    found = look(state, ((one, dataset) for one in subjects for dataset in looked))
    state.show({"overlaps": found}, "\n".join(map(_line, found)))


@overlap.command("list")
@click.argument("subject")
@session
def list_overlaps(state: Session, subject: str) -> None:
    """Every overlap check of what SUBJECT, an agent, is made from."""
    found = Overlaps(state.connection, state.project).all(subject)
    state.show({"items": found}, "\n".join(map(_line, found)) or f"nobody looked for any dataset in {subject}")


def look(state: Session, asked: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """Check each subject with each dataset. Raises `SekishoError` where a check cannot be made."""
    found: list[dict[str, Any]] = []
    for subject, dataset in asked:
        job = Overlaps(state.connection, state.project).check(subject, dataset)
        if job["state"] != "done":
            raise SekishoError(job.get("error") or f"the overlap check was {job['state']}")
        found += job["result"]["overlaps"]
    return found


def _named(state: Session, datasets: tuple[str, ...], lock_file: Path) -> list[str]:
    return [name if name.startswith("sha256:") else state.pinned(name, lock_file) for name in datasets]


def _line(found: Mapping[str, Any]) -> str:
    named = f": {', '.join(found['found'][:5])}" if found["found"] else ""
    return (
        f"dataset {short(found['dataset'])}: of {found['cases']} cases {found['in_prompt']} stand in prompt "
        f"{short(found['prompt'])}, {found['in_corpus']} in corpus {short(found['corpus'])}, "
        f"{found['untold']} too short to be told{named}"
    )


commands: list[click.Command] = [overlap]
