"""Everything that can be said about a policy folder before it decides anything."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sekisho.gate.catalog import FILE as CATALOG
from sekisho.gate.catalog import catalog_text
from sekisho.gate.dialect import lint
from sekisho.gate.policies import USER_ROOT, PolicySet, load_policies
from sekisho.gate.rego_tests import run_rego_tests
from sekisho.gate.schemas import FILES as SCHEMAS
from sekisho.gate.schemas import schema_text
from sekisho.kernel.digests import canonical_json
from sekisho.kernel.errors import SekishoError

OPA_SECONDS: Final = 300


def check_policies(folder: Path, opa: str | None = None) -> Iterator[str]:
    """Each fault of the folder in a sentence: shape, dialect, generated files, tests; with `opa`, what it finds too.

    `opa` is the path of an OPA binary; None looks for one on PATH and goes without where there is none.
    """
    try:
        policies = load_policies(folder)
    except SekishoError as error:
        yield str(error)
        return
    yield from (str(finding) for finding in lint({**policies.files, **policies.tests}))
    yield from (
        f"{name} is not what the rules and types make: sekisho policy catalog --write"
        for name in _stale(folder, policies)
    )
    yield from (f"{test.file}: {test.rule}: {test.reason}" for test in run_rego_tests(policies) if not test.passed)
    if binary := opa or shutil.which("opa"):
        yield from _ask_opa(binary, folder, policies)


def generated(policies: PolicySet) -> dict[str, str]:
    """The files of a policy folder that are made from the rules and the types, by name."""
    return {CATALOG: catalog_text(policies.catalog), **{name: schema_text(name) for name in SCHEMAS}}


def _stale(folder: Path, policies: PolicySet) -> Iterator[str]:
    for name, text in generated(policies).items():
        path = folder / name
        if not path.is_file() or path.read_text("utf-8") != text:
            yield name


def opa_test_faults(folder: Path, policies: PolicySet, opa: str | None = None) -> Iterator[str]:
    """What `opa test` says against the policy; nothing where there is no OPA."""
    if binary := opa or shutil.which("opa"):
        with _whole(folder, policies) as place:
            yield from _run(binary, "test", "--bundle", str(place), "--timeout", "60s", *_about(policies))


def _ask_opa(binary: str, folder: Path, policies: PolicySet) -> Iterator[str]:
    rego = [str(path) for path in sorted(folder.rglob("*.rego"))]
    with _whole(folder, policies) as place:
        whole = [str(path) for path in sorted(place.rglob("*.rego"))]
        yield from _run(binary, "check", "--strict", *whole)
        yield from _run(binary, "fmt", "--fail", "--list", *rego)
        yield from _run(binary, "test", "--bundle", str(place), "--timeout", "60s", *_about(policies))


def _about(policies: PolicySet) -> list[str]:
    """Which tests are about this policy, as `rules_of_tests` says it."""
    return ["--run", rf"^data\.{USER_ROOT}\."] if policies.own_files else []


@contextmanager
def _whole(folder: Path, policies: PolicySet) -> Iterator[Path]:
    """The folder, or where users' packages are in it a copy to which all that reading adds has been added."""
    if not policies.own_files:
        yield folder
        return
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for path, content in {
            **policies.files,
            **policies.tests,
            ".manifest": canonical_json(policies.manifest),
            "data.json": policies.data_json,
        }.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(content)
        yield place


def _run(binary: str, *arguments: str) -> Iterator[str]:
    done = subprocess.run(  # noqa: S603 (the operator's own OPA, with our arguments)
        [binary, *arguments], capture_output=True, text=True, check=False, timeout=OPA_SECONDS
    )
    if done.returncode != 0:
        said = (done.stderr.strip() + "\n" + done.stdout.strip()).strip()
        yield f"opa {arguments[0]}: {said or 'failed'}"
