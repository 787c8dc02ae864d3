"""`python -m tests.services.demo [--once]`: the demo on the grown-up settings, which `make demo-services` calls.

PostgreSQL, the Chroma server and Ollama are those of `make services`. OPA is one more process of its program, since it
is configured as in docker-compose.yml: it pulls the signed bundle from the demo's own API.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy.engine import URL, make_url

from tests.services.background import usable_port

CHECKOUT = Path(__file__).resolve().parents[2]
ADDRESSES = CHECKOUT / ".services" / "env"


def main(words: Sequence[str]) -> int:
    if not ADDRESSES.exists():
        print("no services are up: run `make services` first", file=sys.stderr)
        return 2
    addresses = dict(line.split("=", 1) for line in ADDRESSES.read_text().splitlines() if "=" in line)
    with tempfile.TemporaryDirectory(prefix="sekisho-demo-") as scratch:
        folder = Path(scratch)
        key, public = _keys(folder)
        port = usable_port(None)
        with (
            _database(make_url(addresses["SEKISHO_TEST_POSTGRES_URL"])) as database,
            _opa(addresses["SEKISHO_TEST_OPA_BINARY"], f"http://127.0.0.1:{port}", public) as opa,
        ):
            settings = {
                "SEKISHO_DATA_DIR": str(folder / "data"),
                "SEKISHO_DATABASE_URL": database,
                "SEKISHO_PORT": str(port),
                "SEKISHO_CHROMA_URL": addresses["SEKISHO_TEST_CHROMA_URL"],
                "SEKISHO_POLICY_ENGINE": "opa",
                "SEKISHO_OPA_URL": opa,
                "SEKISHO_OLLAMA_HOSTS": addresses["SEKISHO_TEST_OLLAMA_URL"],
                "SEKISHO_SIGNING_KEY": str(key),
            }
            return _demo(words, settings)


def _demo(words: Sequence[str], settings: Mapping[str, str]) -> int:
    command = [str(Path(sys.executable).with_name("sekisho")), "demo", *words]
    demo = subprocess.Popen(command, cwd=CHECKOUT, env={**os.environ, **settings})
    while True:
        try:
            return demo.wait()
        except KeyboardInterrupt:
            continue  # Ctrl-C reached the demo too; it says when it has ended


def _keys(folder: Path) -> tuple[Path, Path]:
    """A key pair on P-256: OPA 1.21 takes no EdDSA for bundles that it fetches."""
    private = ec.generate_private_key(ec.SECP256R1())
    key, public = folder / "signing.pem", folder / "signing.pub.pem"
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    key.chmod(0o600)
    public.write_bytes(
        private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return key, public


@contextmanager
def _database(server: URL) -> Iterator[str]:
    """A database that lives as long as the demo."""
    name = f"sekisho_demo_{uuid.uuid4().hex[:12]}"
    asyncio.run(_execute(server, f'CREATE DATABASE "{name}"'))
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        asyncio.run(_execute(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _execute(server: URL, statement: str) -> None:
    connection = await asyncpg.connect(server.set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def _opa(program: str, api: str, public_key: Path) -> Iterator[str]:
    """An OPA that asks `api` for its bundle every second or two, and takes none that the key did not sign."""
    port = usable_port(None)
    command = [
        program, "run", "--server", f"--addr=127.0.0.1:{port}", "--log-level=error", "--skip-version-check",
        f"--set=services.sekisho.url={api}",
        "--set=bundles.sekisho.service=sekisho",
        "--set=bundles.sekisho.resource=v1/policy/bundle",
        "--set=bundles.sekisho.polling.min_delay_seconds=1",
        "--set=bundles.sekisho.polling.max_delay_seconds=2",
        "--set=bundles.sekisho.signing.keyid=sekisho",
        "--set=keys.sekisho.algorithm=ES256",
        f"--set-file=keys.sekisho.key={public_key}",
    ]  # fmt: skip
    # In a session of its own: on Ctrl-C the demo still has to decide what it is in the middle of. Its complaints, that
    # the API is not there yet, are of no use to anyone.
    opa = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        opa.terminate()
        opa.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
