"""docker-compose.yml and the Dockerfile, as far as a machine without a Docker engine can judge them.

The commands that the file gives to OPA and Chroma are run for real, where these programs are installed.
"""

import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.conftest import service_url
from tests.services.background import usable_port
from tests.services.workspace import fetch_json

from sekisho.kernel.settings import PREFIX, Settings

CHECKOUT = Path(__file__).resolve().parents[2]
COMPOSE = CHECKOUT / "docker-compose.yml"
DOCKERFILE = CHECKOUT / "Dockerfile"
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
LOOPBACK = re.compile(r"127\.0\.0\.1:\d+:\d+")
# What `docker compose` would replace by the value of a variable; `$$` is a plain dollar.
VARIABLE = re.compile(r"\$\{(\w+)([^}]*)\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return document


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


@pytest.fixture(scope="module")
def stages() -> dict[str, list[str]]:
    """The Dockerfile's stages by name, each with its instructions; a stage's base is its first line."""
    joined = DOCKERFILE.read_text().replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    found: dict[str, list[str]] = {}
    for line in lines:
        if match := re.fullmatch(r"FROM (\S+) AS (\S+)", line):
            found[match[2]] = [f"FROM {match[1]}"]
        else:
            found[list(found)[-1]].append(line)
    return found


def runs_once(service: dict[str, Any]) -> bool:
    return service.get("restart") == "no"


def inherited(stages: dict[str, list[str]], name: str) -> list[str]:
    """A stage's instructions after those of every stage it is based on."""
    base = stages[name][0].removeprefix("FROM ")
    return [*(inherited(stages, base) if base in stages else []), *stages[name]]


def test_nothing_secret_stands_in_the_file(services: dict[str, dict[str, Any]]) -> None:
    """A password or a key is a variable without a default, so that a start without it is refused."""
    text = COMPOSE.read_text()
    variables = dict(VARIABLE.findall(text))

    assert set(variables) == {
        "SEKISHO_POSTGRES_PASSWORD",
        "SEKISHO_WORKER_PASSWORD",
        "SEKISHO_SIGNING_KEY_FILE",
        "SEKISHO_BUNDLE_PUBLIC_KEY_FILE",
        "SEKISHO_DECISION_LOG_TOKEN",
    }
    assert all(rest.startswith(":?") for rest in variables.values())
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|SECRET", name):
                assert VARIABLE.match(value), f"{name} has a value of its own"


def test_docker_compose_accepts_the_file() -> None:
    """`docker compose config` finds no fault, where a client with compose is installed."""
    if shutil.which("docker") is None:
        pytest.skip("no docker client on this machine")
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode != 0:
        pytest.skip("this docker client has no compose")
    settings = {
        "SEKISHO_POSTGRES_PASSWORD": "example",
        "SEKISHO_WORKER_PASSWORD": "example",
        "SEKISHO_SIGNING_KEY_FILE": "/dev/null",
        "SEKISHO_BUNDLE_PUBLIC_KEY_FILE": "/dev/null",
        "SEKISHO_DECISION_LOG_TOKEN": "example",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    }
    command = ["docker", "compose", "-f", str(COMPOSE), "config", "--quiet"]

    checked = subprocess.run(command, env=settings, capture_output=True, text=True)

    assert checked.returncode == 0, checked.stderr


def test_every_service_that_stays_up_has_a_health_check(
    services: dict[str, dict[str, Any]], stages: dict[str, list[str]]
) -> None:
    """Each says how it is asked, in the file or, for our own images, in the Dockerfile."""
    for name, service in services.items():
        if runs_once(service):
            continue
        if "build" in service:
            checks = [line for line in stages[service["build"]["target"]] if line.startswith("HEALTHCHECK")]
            assert len(checks) == 1, name
        else:
            assert {"test", "interval", "timeout", "retries"} <= set(service["healthcheck"]), name


def test_images_are_pinned_by_a_tag(services: dict[str, dict[str, Any]], stages: dict[str, list[str]]) -> None:
    """No image floats: each names a version, and none is `latest`."""
    bases = {lines[0].removeprefix("FROM ") for lines in stages.values()} - set(stages)
    images = {service["image"] for service in services.values()} | bases

    for image in images:
        assert re.search(r":\d", image), image


def test_services_wait_for_what_exists_and_can_be_waited_for(services: dict[str, dict[str, Any]]) -> None:
    """Every dependency names a service and a condition that this service can meet, without a circle."""
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services, f"{name} needs {needed}"
            assert how["condition"] in CONDITIONS
            assert (how["condition"] == "service_completed_successfully") == runs_once(services[needed])

    settled: set[str] = set()
    while ready := {
        name
        for name, service in services.items()
        if name not in settled and set(service.get("depends_on", {})) <= settled
    }:
        settled |= ready
    assert settled == set(services)


def test_only_the_api_is_published_and_only_on_this_machine(services: dict[str, dict[str, Any]]) -> None:
    """Databases, OPA and Ollama have no port outside; opening the API to a network is the operator's step."""
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}

    assert set(published) == {"api"}
    assert all(LOOPBACK.fullmatch(port) for port in published["api"])


def test_our_services_are_given_settings_that_exist(services: dict[str, dict[str, Any]]) -> None:
    """Each variable of API and worker is a setting, or an option of the command that is run."""
    known = {f"{PREFIX}{field.name.upper()}" for field in msgspec.structs.fields(Settings)}
    known.add("SEKISHO_WORKER_PASSWORD")
    ours = [service for service in services.values() if "build" in service]

    assert len(ours) == 4
    for service in ours:
        assert set(service["environment"]) <= known
        assert service["environment"]["SEKISHO_POLICY_ENGINE"] == "opa"


def test_addresses_name_services_of_the_file(services: dict[str, dict[str, Any]]) -> None:
    """Every URL among the settings points at a service that is there."""
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            if "://" in value:
                plain = VARIABLE.sub("example", value)
                assert urlsplit(plain).hostname in services, name


def test_the_worker_decides_nothing(services: dict[str, dict[str, Any]]) -> None:
    """It has a database role of its own, neither the signing key nor the API's folder, and waits for its rights."""
    api, worker = services["api"], services["worker"]
    role = urlsplit(VARIABLE.sub("example", worker["environment"]["SEKISHO_DATABASE_URL"])).username

    assert services["grant"]["command"] == ["db", "grant-worker", role]
    assert "grant" in worker["depends_on"]
    assert worker["secrets"] == []
    assert worker["environment"]["SEKISHO_SIGNING_KEY"] == ""
    assert set(worker["volumes"]).isdisjoint(api["volumes"])


def test_volumes_and_secrets_are_declared(compose: dict[str, Any], services: dict[str, dict[str, Any]]) -> None:
    """What a service mounts is declared, and nothing declared is left over."""
    mounted = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    secrets = {secret for service in services.values() for secret in service.get("secrets", [])}

    assert mounted == set(compose["volumes"])
    assert secrets == set(compose["secrets"])


@pytest.mark.parametrize("target", ["api", "worker"])
def test_an_image_does_not_run_as_root(stages: dict[str, list[str]], target: str) -> None:
    """Both images end as a numbered user, which also Kubernetes can check, and own their data folder."""
    lines = inherited(stages, target)
    users = [line for line in lines if line.startswith("USER ")]

    assert re.fullmatch(r"USER [1-9]\d+:[1-9]\d+", users[-1])
    assert lines.index(users[-1]) > max(i for i, line in enumerate(lines) if line.startswith(("RUN", "COPY")))
    assert "VOLUME /data" in lines


@pytest.mark.parametrize(("target", "extra", "command"), [("api", "server", "serve"), ("worker", "worker", "worker")])
def test_an_image_holds_its_extra_and_starts_its_door(
    stages: dict[str, list[str]], target: str, extra: str, command: str
) -> None:
    """The API comes without torch, the worker with it, and each starts its own door."""
    assert f"COPY --from=install-{target} /opt/sekisho /opt/sekisho" in stages[target]
    assert any(f"sekisho[{extra}] @ file://" in line for line in stages[f"install-{target}"])
    assert stages[target][-1] == f'CMD ["{command}"]'


def test_a_plain_build_gives_the_api(stages: dict[str, list[str]]) -> None:
    """The last stage is what `docker build .` makes."""
    assert list(stages)[-1] == "api"


def test_the_builder_is_given_what_the_wheel_is_made_of(stages: dict[str, list[str]]) -> None:
    """Every path that is copied exists and is let through by .dockerignore."""
    copies = [line for line in stages["wheel"] if line.startswith("COPY ")]
    sources = {source for line in copies for source in line.split()[1:-1]}
    admitted = {line[1:] for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert sources == admitted
    assert [source for source in sorted(sources) if not (CHECKOUT / source).exists()] == []


def test_chroma_is_asked_with_what_its_image_has(services: dict[str, dict[str, Any]]) -> None:
    """The health check, plain bash, is content with a real server and not with a closed port."""
    chroma = urlsplit(service_url("SEKISHO_TEST_CHROMA_URL"))
    if shutil.which("bash") is None:
        pytest.skip("no bash on this machine")

    assert health(services["chroma"], ":8000", f":{chroma.port}", "/8000", f"/{chroma.port}") == 0
    closed = usable_port(None)
    assert health(services["chroma"], ":8000", f":{closed}", "/8000", f"/{closed}") != 0


@pytest.mark.slow
def test_opa_takes_a_bundle_that_we_signed(services: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """OPA, started with the file's own options, fetches our bundle, verifies it and turns healthy."""
    ours = key_pair(tmp_path / "ours")
    bundle = build_bundle(tmp_path, ours)

    with serving(bundle) as server, opa_of(services["opa"], server, ours[1]) as port:
        await_health(services["opa"], port)
        answered = fetch_json(f"http://127.0.0.1:{port}/v1/data/example/answer")
        assert isinstance(answered, dict)
        assert answered["result"] == 42


@pytest.mark.slow
@pytest.mark.parametrize("signed", ["by another key", "by nobody"])
def test_opa_refuses_a_bundle_that_we_did_not_sign(
    services: dict[str, dict[str, Any]], tmp_path: Path, signed: str
) -> None:
    """A bundle without our signature is never activated: OPA stays unhealthy and decides nothing."""
    ours = key_pair(tmp_path / "ours")
    stranger = key_pair(tmp_path / "stranger") if signed == "by another key" else None
    bundle = build_bundle(tmp_path, stranger)

    with serving(bundle) as server, opa_of(services["opa"], server, ours[1]) as port:
        assert server.fetched.wait(20), "OPA did not ask for the bundle twice"
        assert opa_health(services["opa"], port) != 0
        answered = fetch_json(f"http://127.0.0.1:{port}/v1/data/example/answer")
        assert isinstance(answered, dict)
        assert "result" not in answered


class BundleServer(ThreadingHTTPServer):
    """Serves one bundle where the API does, and tells when it was asked."""

    def __init__(self, bundle: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Bundle)
        self.bundle = bundle
        # Set at the second time, when OPA has judged what it got at the first.
        self.fetched = Event()
        self.times = 0


class _Bundle(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, BundleServer)
        found = self.path == "/v1/policy/bundle"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(self.server.bundle if found else b"")
        self.server.times += found
        if self.server.times > 1:
            self.server.fetched.set()

    def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002


@contextmanager
def serving(bundle: Path) -> Iterator[BundleServer]:
    with BundleServer(bundle.read_bytes()) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def opa_of(service: dict[str, Any], server: BundleServer, public_key: Path) -> Iterator[int]:
    """OPA with the options of the compose file, its addresses moved to this machine; yields its port."""
    port = usable_port(None)
    token = public_key.with_name("decision-log-token")
    token.write_text("only-for-this-test")
    moved = {
        "/run/secrets/decision_log_token": str(token),
        "0.0.0.0:8181": f"127.0.0.1:{port}",
        "http://api:8321": f"http://127.0.0.1:{server.server_port}",
        "/run/secrets/bundle_public_key": str(public_key),
        "min_delay_seconds=5": "min_delay_seconds=1",
        "max_delay_seconds=10": "max_delay_seconds=1",
    }
    command = [
        service_url("SEKISHO_TEST_OPA_BINARY"),
        *(replaced(word, moved) for word in service["command"]),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield port
        finally:
            process.kill()


def replaced(text: str, by: dict[str, str]) -> str:
    for old, new in by.items():
        text = text.replace(old, new)
    return text


def health(service: dict[str, Any], *moves: str) -> int:
    """The exit status of a service's health check, with addresses replaced pairwise."""
    moved = dict(zip(moves[::2], moves[1::2], strict=True))
    kind, *command = service["healthcheck"]["test"]
    assert kind == "CMD"
    # Compose writes a plain dollar twice.
    words = [replaced(word, moved).replace("$$", "$") for word in command]
    return subprocess.run(words, capture_output=True, timeout=10).returncode


def opa_health(service: dict[str, Any], port: int) -> int:
    return health(service, ":8181", f":{port}", "/opa", service_url("SEKISHO_TEST_OPA_BINARY"))


def await_health(service: dict[str, Any], port: int) -> None:
    deadline = time.monotonic() + 20
    while opa_health(service, port) != 0:
        assert time.monotonic() < deadline, "OPA did not turn healthy"
        time.sleep(0.1)


def key_pair(path: Path) -> tuple[Path, Path]:
    """A P-256 pair as the head of the compose file makes it: PKCS#8 and SubjectPublicKeyInfo, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = path.with_suffix(".pem"), path.with_suffix(".pub.pem")
    pem = serialization.Encoding.PEM
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


def build_bundle(folder: Path, keys: tuple[Path, Path] | None) -> Path:
    """A small bundle, signed where a pair is given."""
    source = folder / "source"
    source.mkdir()
    (source / "example.rego").write_text("package example\n\nanswer := 42\n")
    bundle = folder / "bundle.tar.gz"
    signing = ["--signing-alg=ES256", f"--signing-key={keys[0]}"] if keys else []
    command = [service_url("SEKISHO_TEST_OPA_BINARY"), "build", "-b", str(source), "-o", str(bundle)]
    subprocess.run([*command, *signing], check=True, capture_output=True)
    with tarfile.open(bundle) as archive:
        assert ("/.signatures.json" in archive.getnames()) == (keys is not None)
    return bundle
