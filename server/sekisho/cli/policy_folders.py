"""Which policy folder a command means, and writing one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from sekisho.gate.policies import DATA_FILE, ROOTS, USER_ROOT, read_content
from sekisho.kernel.errors import Invalid
from sekisho.kernel.settings import Settings
from sekisho.kernel.trees import tree

FOLDER = click.option(
    "--policies",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Policy folder; by default the one in the settings, or the one that ships with Sekisho.",
)


def policy_folder(settings: Settings, given: Path | None) -> Path:
    """The folder given, else the one in the settings, else the one that ships."""
    return given or (Path(settings.policy_dir) if settings.policy_dir else tree("policies"))


def own_policy_folder(settings: Settings, given: Path | None) -> Path:
    """The same for commands that write. Raises `Invalid` instead of the one that ships."""
    if given is None and not settings.policy_dir:
        raise Invalid(
            "no policy folder of your own is named, and the one that ships with Sekisho is not changed",
            remedy="`sekisho policy copy my-policies`, then --policies my-policies or SEKISHO_POLICY_DIR=my-policies",
        )
    return policy_folder(settings, given)


def write_policy(folder: Path, content: Mapping[str, Any]) -> None:
    """Write a policy's content to a new folder that `load_policies` reads back. Raises `Invalid` where it exists.

    The data are written as JSON, which is YAML too: comments of the folder that was published are gone.
    """
    from sekisho.gate.checking import generated

    if folder.exists():
        raise Invalid(f"{folder} exists already", remedy="name a new folder; nothing is written over")
    policies = read_content(content)  # whatever a server sent, paths lead nowhere else
    roots = [*ROOTS, USER_ROOT] if policies.own_files else list(ROOTS)
    texts = {
        **{path: text.decode("utf-8") for path, text in {**policies.files, **policies.tests}.items()},
        DATA_FILE: json.dumps(policies.data, indent=2, ensure_ascii=False) + "\n",
        ".manifest": json.dumps({"roots": roots, "rego_version": 1}) + "\n",
        **generated(policies),
    }
    for path, text in texts.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
