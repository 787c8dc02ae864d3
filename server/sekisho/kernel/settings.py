"""Settings: frozen, from defaults, then ``sekisho.toml``, then ``SEKISHO_*`` in the environment.

Each value remembers where it came from, so that ``sekisho settings`` can say it. Nothing is read at import. A variable
that nobody reads is refused: a misspelt name would leave a default in force unnoticed.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import itertools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import msgspec

from sekisho.kernel.errors import FieldError, Invalid

PREFIX: Final = "SEKISHO_"
FILE: Final = "sekisho.toml"
_PASSWORD: Final = re.compile(r"(://[^:/@]*:)[^@]*@")

Positive = Annotated[int, msgspec.Meta(gt=0)]
NotNegative = Annotated[int, msgspec.Meta(ge=0)]
Host = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/]+")]
"""The address of a server, with its scheme."""
LongSecret = Annotated[str, msgspec.Meta(pattern=r"^([!-~]{32,})?$")]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every setting of every process. The name in the environment is ``SEKISHO_`` and the field in capitals."""

    data_dir: Path = Path(".sekisho")
    """Folder for the SQLite database, vectors, BM25 files, keys and the first admin's token."""
    database_url: str = ""
    """``sqlite+aiosqlite:///path`` or ``postgresql+asyncpg://user:password@host/name``; empty: SQLite in `data_dir`."""
    host: str = "127.0.0.1"
    """Address the API listens on."""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8321
    """Port the API listens on."""
    server_url: str = ""
    """Where the CLI and the client find the API; empty: ``http://host:port``. Reports name it where it is set."""
    token: str = ""
    """API token of the CLI and the client. Empty: the admin token in `data_dir`, where this user may read it."""
    log_format: Literal["console", "json"] = "console"
    """Shape of the log lines on standard error."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe log line that is written."""
    policy_engine: Literal["regorus", "opa"] = "regorus"
    """Which engine decides: regorus in a child process, or an OPA server at `opa_url`."""
    policy_dir: str = ""
    """Folder of the policy that a new database begins with (Rego and ``data.yaml``); empty: the one that ships."""
    policy_timeout_ms: Positive = 5000
    """How long a policy engine may take for one decision before the outcome is ``error``."""
    opa_url: str = "http://127.0.0.1:8181"
    """The OPA server, where `policy_engine` is ``opa``."""
    decision_log_token: LongSecret = ""
    """What OPA shows when it sends its decision log, 32 characters or more; empty: no log is taken."""
    chroma_url: str = ""
    """A Chroma server; empty: Chroma embedded in the worker, in `data_dir`."""
    vector_cache_mb: Positive = 2000
    """Most space of the vectors that builds remember in `data_dir`, in megabytes; the longest unused go first."""
    embedders: tuple[str, ...] = ()
    """Folders of sentence-transformers models as ``name=/folder``; recipes call them ``local:<name>``."""
    rerankers: tuple[str, ...] = ()
    """Folders of cross-encoders as ``name=/folder``; retrievers call them ``local:<name>``."""
    ollama_hosts: tuple[Host, ...] = ()
    """Ollama hosts, comma-separated in the environment; empty: none is asked."""
    ollama_timeout_s: Positive = 120
    """Longest wait for one answer of an Ollama host, in seconds."""
    ollama_concurrency: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Requests in flight per Ollama host; 0: found out by timing a few small ones before the first."""
    ollama_failures: Positive = 5
    """Failures in a row after which an Ollama host is left alone for a while, and other hosts take over."""
    worker_concurrency: Positive = 4
    """Cases that one worker evaluates at a time."""
    lease_seconds: Positive = 30
    """How long a worker that fell silent keeps its job."""
    verify_interval_s: NotNegative = 3600
    """Within how many seconds the worker verifies each index that a stage serves, again and again; 0: never."""
    signing_key: str = ""
    """PEM file of the private key (PKCS#8) that signs attestations and checkpoints; empty: made in `data_dir`."""
    alert_url: str = ""
    """Where break-glass is told: a signed JSON document is posted there when it begins and ends; empty: nowhere."""
    checkpoint_targets: tuple[str, ...] = ()
    """Where the API pushes the ledger's checkpoints: ``file:/path``, ``git:/clone#file`` or ``https://host/path``."""
    checkpoint_interval_s: Positive = 300
    """How often it does, in seconds, while the ledger grows; after a failure it tries again within a minute."""
    max_file_bytes: Positive = 10_000_000
    """Largest single file of a corpus or dataset."""

    @property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite+aiosqlite:///{(self.data_dir / 'sekisho.sqlite3').resolve()}"

    @property
    def server(self) -> str:
        """The API's base URL in force."""
        return self.server_url or f"http://{self.host}:{self.port}"


_LISTS: Final = frozenset({"checkpoint_targets", "embedders", "ollama_hosts", "rerankers"})
"""Settings that are comma-separated in the environment."""
SECRETS: Final = frozenset({"token", "decision_log_token"})
OTHER_VARIABLES: Final[Mapping[str, str]] = {
    "SEKISHO_PROJECT": "option of the CLI",
    "SEKISHO_AUTHOR": "option of the CLI",
    "SEKISHO_MESSAGE": "option of the CLI",
    "SEKISHO_COMMIT": "option of the CLI",
    "SEKISHO_CI_RUN": "option of the CLI",
    "SEKISHO_IDEMPOTENCY_KEY": "option of the CLI",
    "SEKISHO_SUPERVISOR_PID": "from `sekisho up` to its children",
    "SEKISHO_WORKER_PASSWORD": "option of the CLI, and of docker-compose.yml",
    "SEKISHO_POSTGRES_PASSWORD": "of docker-compose.yml, whose .env may be loaded as a whole",
    "SEKISHO_SIGNING_KEY_FILE": "of docker-compose.yml",
    "SEKISHO_BUNDLE_PUBLIC_KEY_FILE": "of docker-compose.yml",
    "SEKISHO_REQUIRE_SERVICES": "of the tests",
}
"""Variables with our prefix that are no settings, and who reads them."""
# Addresses that the tests use; and those that Kubernetes puts into every container for a service named sekisho-….
_OTHERS: Final = re.compile(
    r"SEKISHO_TEST_.*|SEKISHO_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP)(_\w+)?)=.*|SEKISHO_\w+_PORT=tcp://.*",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Described:
    """One setting for people: its name in the environment, what it takes, its default, and what it means."""

    name: str
    variable: str
    kind: str
    default: str
    meaning: str


def described_settings() -> tuple[Described, ...]:
    """Every setting, told from the class itself."""
    meanings = _meanings()
    return tuple(
        Described(
            field.name,
            variable_of(field.name),
            _kind(field.type),
            ",".join(field.default) if isinstance(field.default, tuple) else str(field.default),
            meanings[field.name] + (" Secret." if field.name in SECRETS else ""),
        )
        for field in msgspec.structs.fields(Settings)
    )


def variable_of(name: str) -> str:
    """The setting's name in the environment."""
    return f"{PREFIX}{name.upper()}"


@dataclass(frozen=True, slots=True)
class Sourced:
    """One setting with its origin: ``default``, the file's path, or the variable's name."""

    name: str
    value: Any
    source: str

    @property
    def shown(self) -> str:
        """The value for people: secrets and passwords masked."""
        text = ",".join(self.value) if isinstance(self.value, tuple) else str(self.value)
        if self.name in SECRETS and text:
            return "********"
        return _PASSWORD.sub(r"\1********@", text)


def load_settings(environ: Mapping[str, str], folder: Path) -> tuple[Settings, tuple[Sourced, ...]]:
    """Settings in force, and where each came from.

    Raises `Invalid`, naming every unknown or ill-typed setting and its source.
    """
    settings, origin, wrong = read_settings(environ, folder)
    if wrong:
        raise Invalid("the settings are not valid", fields=wrong, remedy="see `sekisho settings --help` for the names")
    return settings, origin


def read_settings(
    environ: Mapping[str, str], folder: Path
) -> tuple[Settings, tuple[Sourced, ...], tuple[FieldError, ...]]:
    """As `load_settings`, but with what is wrong beside what could be read; a wrong value leaves the default.

    Only for showing them: nothing may run on settings that are partly wrong. Raises `Invalid` where the file cannot be
    read at all.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    path = folder / FILE
    if path.is_file():
        for name, value in _read_toml(path).items():
            values[name], sources[name] = value, str(path)
    known = {field.name: field for field in msgspec.structs.fields(Settings)}
    wrong = [
        FieldError(f"$.{name}", f"unknown setting in {sources[name]}{_closest(name, known)}")
        for name in values
        if name not in known
    ]
    values = {name: value for name, value in values.items() if name in known}
    wrong += _unknown_variables(environ, known)
    for variable, text in environ.items():
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and name in known:
            values[name] = _split(text) if name in _LISTS else text
            sources[name] = variable
    for name in list(values):
        try:
            values[name] = msgspec.convert(values[name], known[name].type, strict=False, dec_hook=_path)
        except msgspec.ValidationError as error:
            wrong.append(FieldError(f"$.{name}", f"{error} (from {sources[name]})"))
            del values[name]
    settings = Settings(**values)
    origin = tuple(
        Sourced(name, getattr(settings, name), sources[name] if name in values else "default") for name in known
    )
    return settings, origin, tuple(wrong)


def _unknown_variables(environ: Mapping[str, str], known: Mapping[str, Any]) -> list[FieldError]:
    read = {*map(variable_of, known), *OTHER_VARIABLES}
    return [
        FieldError(variable, f"unknown variable in the environment{_closest(variable.upper(), read)}")
        for variable in sorted(environ)
        if variable.startswith(PREFIX)
        and variable not in read
        and not _OTHERS.fullmatch(f"{variable}={environ[variable]}")
    ]


def _closest(name: str, names: Iterable[str]) -> str:
    found = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; did you mean {found[0]}?" if found else ""


def _meanings() -> dict[str, str]:
    """The text under each field of the class, which Python itself does not keep."""
    parsed = ast.parse(inspect.getsource(Settings)).body
    body = next(node.body for node in parsed if isinstance(node, ast.ClassDef))
    return {
        field.target.id: " ".join(str(told.value.value).replace("``", "`").split())
        for field, told in itertools.pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(told, ast.Expr)
        and isinstance(told.value, ast.Constant)
    }


def _kind(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(arguments[0])
    if origin is Literal:
        return " or ".join(arguments)
    return {int: "number", Path: "path", str: "text"}.get(annotation, "list")


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not valid TOML", fields=[FieldError("$", str(error))]) from error


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(kind)
