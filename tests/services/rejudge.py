"""`python -m tests.services.rejudge FOLDER`: the real OPA judges again what a demo's gate has decided.

FOLDER is the data folder of a server on SQLite. Every decision's stored input goes to an OPA that pulls the same
policy as a signed bundle; the answers must be the ones that regorus gave. Exit code 1 where one differs.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sekisho.gate.bundle import build_bundle
from sekisho.gate.engines.opa_server import OpaServer
from sekisho.gate.policies import PolicySet, load_policies
from sekisho.kernel.errors import EngineFailed
from sekisho.kernel.json import decode_json
from sekisho.kernel.trees import tree
from sekisho.ledger.signing import load_signer
from tests.gate.opa import BundleHost, opa_pulling, serving
from tests.services.demo import ADDRESSES

QUERY: Final = "SELECT id, input, answer FROM decisions WHERE policy_digest = ? ORDER BY decided_at, id"


def decisions(folder: Path, policy: str) -> list[tuple[str, Any, Any]]:
    """Id, input and answer of each decision that the server made under this policy."""
    file = folder / "sekisho.sqlite3"
    with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
        rows = database.execute(QUERY, (policy,)).fetchall()
    return [(name, decode_json(given.encode()), decode_json(answer.encode())) for name, given, answer in rows]


async def rejudge(policies: PolicySet, made: Sequence[tuple[str, Any, Any]], binary: str) -> list[str]:
    """Ids of the decisions on which OPA says something else."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = load_signer(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    different = []
    with tempfile.TemporaryDirectory() as scratch:
        async with (
            serving(BundleHost(build_bundle(policies, signer))) as host,
            opa_pulling(binary, host, signer.public, Path(scratch)) as address,
        ):
            engine = OpaServer(address, policies.digest, 20_000)
            await _ready(engine)
            for name, given, answer in made:
                if await engine.evaluate(given) != answer:
                    different.append(name)
            await engine.close()
    return different


async def _ready(engine: OpaServer) -> None:
    """Wait until OPA has pulled the bundle."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await engine.check()
            except EngineFailed:
                await asyncio.sleep(0.2)


def main(words: Sequence[str]) -> int:
    services = dict(line.split("=", 1) for line in ADDRESSES.read_text().splitlines() if "=" in line)
    policies = load_policies(tree("policies"))
    made = decisions(Path(words[0]), policies.digest)
    different = asyncio.run(rejudge(policies, made, services["SEKISHO_TEST_OPA_BINARY"]))
    print(f"OPA judged {len(made)} decisions again: {len(different)} came out differently {' '.join(different)}")
    return 1 if different or not made else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
