"""A policy folder, read whole: Rego files, merged data, and the digest that names them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from sekisho.gate.catalog import EXTENSIONS, USER, CatalogEntry, catalog, extensions
from sekisho.gate.dialect import package_of
from sekisho.gate.parameters import Parameters, read_policy_data
from sekisho.kernel.digests import canonical_json, digest_of, digest_of_bytes
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.trees import tree
from sekisho.kernel.yaml import load_yaml

DATA_FILE: Final = "data.yaml"
TEST_SUFFIX: Final = "_test.rego"
ROOTS: Final = ("sekisho", "parameters")
USER_ROOT: Final = "user"
_USER_PACKAGE: Final = re.compile(r"user\.[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_PATH: Final = re.compile(r"(\w[\w.-]*/)*\w[\w.-]*\.rego", re.ASCII)
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
        roots = [*ROOTS, USER_ROOT] if self.own_files else list(ROOTS)
        return {"revision": self.digest, "roots": roots, "rego_version": 1}

    @property
    def own_files(self) -> tuple[str, ...]:
        """Files of packages that users added."""
        return tuple(path for path in sorted(self.files) if path.startswith(USER))

    @property
    def base(self) -> str:
        """Digest over Sekisho's own rules in it: what was added, and the data, left out."""
        return digest_of({path: digest_of_bytes(self.files[path]) for path in self.files if _ours(path)})

    @property
    def content(self) -> dict[str, Any]:
        """All of it as one JSON value: `read_content` makes the same policy of it."""
        return {
            "files": {path: self.files[path].decode("utf-8") for path in self.files},
            "tests": {path: self.tests[path].decode("utf-8") for path in self.tests},
            "data": self.data,
        }

    @property
    def data_json(self) -> bytes:
        """Canonical JSON of the base data."""
        return canonical_json(self.data)


def load_policies(folder: Path) -> PolicySet:
    """Read a policy folder. Raises `Invalid` for one that is not a whole policy, naming each fault.

    To a folder that holds packages under ``user`` and none of ours, the rules that ship with Sekisho are added.
    """
    if not folder.is_dir():
        raise Invalid(f"{folder} is not a folder", remedy="give the folder of a policy (Rego files and data.yaml)")
    rego = {path.relative_to(folder).as_posix(): _read(path) for path in sorted(folder.rglob("*.rego"))}
    if rego and all(path.startswith(USER) for path in rego):
        shipped = tree("policies")
        rego |= {path.relative_to(shipped).as_posix(): _read(path) for path in sorted(shipped.rglob("*.rego"))}
    data = _read_data(folder / DATA_FILE)
    return policy_set(rego, data)


def policy_set(rego: Mapping[str, bytes], data: Any) -> PolicySet:
    """A policy from its files' bytes and its data."""
    faults = [fault for path, content in rego.items() for fault in _package_faults(path, content)]
    files = {path: content for path, content in rego.items() if not path.endswith(TEST_SUFFIX)}
    if not files:
        faults.append(FieldError("$", "holds no Rego file"))
    elif EXTENSIONS not in files and any(path.startswith(USER) for path in files):
        faults.append(FieldError(EXTENSIONS, "is absent: these rules of Sekisho are too old to be added to"))
    if faults:
        raise Invalid("the policy is not whole", fields=faults)
    parameters = read_policy_data(data)
    entries = catalog(files)
    if EXTENSIONS in files:
        packages = {path: package_of(files[path].decode("utf-8")) or "" for path in files}
        files[EXTENSIONS] = extensions(entries, packages)
    return PolicySet(
        files=files,
        tests={path: content for path, content in rego.items() if path.endswith(TEST_SUFFIX)},
        data=data,
        parameters=parameters,
        catalog=entries,
        digest=policy_digest(files, data),
    )


def read_content(content: Any) -> PolicySet:
    """The policy of a `PolicySet.content`. Raises `Invalid` for any other value."""
    try:
        rego = {path: text.encode("utf-8") for path, text in {**content["files"], **content["tests"]}.items()}
        data = content["data"]
    except (KeyError, TypeError, AttributeError) as error:
        raise Invalid(
            "the policy's content is not whole", fields=[FieldError("$", "give files, tests and data")]
        ) from error
    return policy_set(rego, data)


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
        raise Invalid(
            f"there is no {DATA_FILE} in {path.parent}",
            remedy="name a whole policy folder: the built-in rules, their data.yaml, and yours under user/",
        )
    try:
        return load_yaml(_read(path))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not valid YAML", fields=[FieldError("$", str(error))]) from error


def _package_faults(path: str, content: bytes) -> list[FieldError]:
    if _PATH.fullmatch(path) is None:
        return [
            FieldError(path, "is no path of a Rego file: letters, digits, `_`, `-` and `.`, in folders of such names")
        ]
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return [FieldError(path, "not UTF-8")]
    found = package_of(content.decode("utf-8"))
    if found is None:
        return [FieldError(path, "names no package")]
    if path.startswith(USER):
        named = _USER_PACKAGE.fullmatch(found)
        return (
            [] if named else [FieldError(path, f"its package is {found}: what stands under {USER} is of user.<name>")]
        )
    if found.split(".")[0] == ROOTS[0]:
        return []
    hint = f": packages of your own are user.<name>, in files under {USER}"
    return [FieldError(path, f"its package {found} is not under {ROOTS[0]}{hint}")]


def _ours(path: str) -> bool:
    return not path.startswith(USER) and path != EXTENSIONS
