"""A policy folder, read whole: Rego files, merged data, and the digest that names them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from sekisho.gate.catalog import CatalogEntry, catalog
from sekisho.gate.parameters import Parameters, read_policy_data
from sekisho.kernel.digests import canonical_json, digest_of, digest_of_bytes
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.yaml import load_yaml

DATA_FILE: Final = "data.yaml"
TEST_SUFFIX: Final = "_test.rego"
ROOTS: Final = ("sekisho", "parameters")
_PACKAGE: Final = re.compile(rb"^package[ \t]+([A-Za-z_][\w.]*)", re.MULTILINE)
MAX_FILE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class PolicySet:
    """One policy: what decides, and what tests it. Two folders with the same digest decide the same."""

    files: Mapping[str, bytes]
    """Rego by its path in the folder, tests left out."""
    tests: Mapping[str, bytes]
    data: Mapping[str, Any]
    """Base data as plain JSON values, rooted at ``parameters``."""
    parameters: Parameters
    catalog: tuple[CatalogEntry, ...]
    digest: str

    @property
    def stages(self) -> tuple[str, ...]:
        """Stages in the order they are taken."""
        return self.parameters.order

    @property
    def titles(self) -> dict[str, str]:
        """Each rule's title by its id."""
        return {entry.id: entry.title for entry in self.catalog}

    @property
    def manifest(self) -> dict[str, Any]:
        """The bundle's manifest; its revision is the policy digest."""
        return {"revision": self.digest, "roots": list(ROOTS), "rego_version": 1}

    @property
    def data_json(self) -> bytes:
        """Canonical JSON of the base data."""
        return canonical_json(self.data)


def load_policies(folder: Path) -> PolicySet:
    """Read a policy folder. Raises `Invalid` for one that is not a whole policy, naming each fault."""
    if not folder.is_dir():
        raise Invalid(f"{folder} is not a folder", remedy="give the folder of a policy (Rego files and data.yaml)")
    rego = {path.relative_to(folder).as_posix(): _read(path) for path in sorted(folder.rglob("*.rego"))}
    data = _read_data(folder / DATA_FILE)
    return policy_set(rego, data)


def policy_set(rego: Mapping[str, bytes], data: Any) -> PolicySet:
    """A policy from its files' bytes and its data."""
    faults = [fault for path, content in rego.items() for fault in _package_faults(path, content)]
    files = {path: content for path, content in rego.items() if not path.endswith(TEST_SUFFIX)}
    if not files:
        faults.append(FieldError("$", "holds no Rego file"))
    if faults:
        raise Invalid("the policy is not whole", fields=faults)
    parameters = read_policy_data(data)
    return PolicySet(
        files=files,
        tests={path: content for path, content in rego.items() if path.endswith(TEST_SUFFIX)},
        data=data,
        parameters=parameters,
        catalog=catalog(files),
        digest=policy_digest(files, data),
    )


def policy_digest(files: Mapping[str, bytes], data: Any) -> str:
    """Digest over the canonical JSON of each deciding file's digest and of the data."""
    return digest_of({"files": {path: digest_of_bytes(files[path]) for path in files}, "data": data})


def _read(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise Invalid(f"{path} is not a plain file", remedy="copy the file into the policy folder")
    content = path.read_bytes()
    if len(content) > MAX_FILE:
        raise Invalid(f"{path} is over {MAX_FILE} bytes")
    return content


def _read_data(path: Path) -> Any:
    if not path.exists():
        raise Invalid(f"there is no {DATA_FILE} in {path.parent}")
    try:
        return load_yaml(_read(path))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not valid YAML", fields=[FieldError("$", str(error))]) from error


def _package_faults(path: str, content: bytes) -> list[FieldError]:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return [FieldError(path, "not UTF-8")]
    found = _PACKAGE.search(content)
    if found is None:
        return [FieldError(path, "names no package")]
    root = found[1].decode().split(".")[0]
    return [] if root == ROOTS[0] else [FieldError(path, f"its package is not under {ROOTS[0]}")]
