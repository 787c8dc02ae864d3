"""The bundle is the same for the same policy, and its signature covers every byte of it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_public_key,
)

from sekisho.gate.bundle import Bundle, build_bundle, bundle_signer, jwt_algorithm
from sekisho.gate.engines.opa_server import OpaServer
from sekisho.kernel.errors import Invalid
from sekisho.ledger.signing import Signer, load_or_create_signer, load_signer
from tests.conftest import service_url
from tests.gate.inputs import fixed_policies
from tests.gate.opa import BundleHost, opa_pulling, ready, serving


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return bundle_signer(load_or_create_signer(tmp_path / "signing.pem"), tmp_path / "bundle.pem")


def unpacked(bundle: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(bundle), mode="r:gz") as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]


def repacked(bundle: bytes, name: str, content: bytes) -> bytes:
    """The bundle with one file's content replaced, its signatures left as they were."""
    files = {**unpacked(bundle), name: content}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for path, data in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue())


def token_of(bundle: bytes) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    token = json.loads(unpacked(bundle)[".signatures.json"])["signatures"][0]
    head, claims, signature = token.split(".")
    decoded = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in (head, claims, signature)]
    return json.loads(decoded[0]), json.loads(decoded[1]), f"{head}.{claims}".encode(), decoded[2]


def test_the_same_policy_gives_the_same_bundle(signer: Signer) -> None:
    """Twice built, file for file equal; tests and schemas are not in it."""
    policies = fixed_policies()
    first, second = Bundle(policies, signer), Bundle(fixed_policies(), signer)
    assert first.etag == second.etag
    files, again = unpacked(first.data), unpacked(second.data)
    # An ECDSA signature is never twice the same; everything that it signs is.
    assert {**files, ".signatures.json": b""} == {**again, ".signatures.json": b""}
    assert token_of(first.data)[2] == token_of(second.data)[2]
    assert set(files) == {".manifest", ".signatures.json", "data.json", *policies.files}
    assert json.loads(files[".manifest"])["revision"] == policies.digest


def test_the_signature_covers_every_file(signer: Signer) -> None:
    """Each file's digest stands in the token, and the token's signature is the key's."""
    bundle = build_bundle(fixed_policies(), signer)
    head, claims, signed, signature = token_of(bundle)
    files = unpacked(bundle)
    del files[".signatures.json"]
    assert head == {"alg": "ES256"}
    assert {file["name"]: file["hash"] for file in claims["files"]} == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items()
    }
    numbers = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    key = load_pem_public_key(signer.public_pem.encode())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(encode_dss_signature(*numbers), signed, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(encode_dss_signature(*numbers), signed + b"x", ec.ECDSA(hashes.SHA256()))


def test_a_key_that_opa_cannot_verify_gets_a_companion(tmp_path: Path) -> None:
    """Beside an Ed25519 key stands an ECDSA one for bundles, made once, readable by its owner only."""
    signer = load_or_create_signer(tmp_path / "signing.pem")
    first, second = (bundle_signer(signer, tmp_path / "bundle.pem") for _ in range(2))
    assert (signer.public.algorithm, first.public.algorithm) == ("ed25519", "ecdsa-sha2-nistp256")
    assert first.keyid == second.keyid
    assert (tmp_path / "bundle.pem").stat().st_mode & 0o777 == 0o600
    assert bundle_signer(first, tmp_path / "other.pem") is first


def test_a_key_that_opa_does_not_know_is_refused() -> None:
    """The refusal names the kinds of keys that do."""
    with pytest.raises(Invalid, match="cannot verify"):
        jwt_algorithm("ed25519")


@pytest.mark.parametrize("kind", ["companion", "ecdsa", "rsa"])
async def test_opa_takes_a_bundle_signed_with_each_kind_of_key(kind: str, tmp_path: Path) -> None:
    """The real OPA verifies the signature and activates the revision."""
    binary = service_url("SEKISHO_TEST_OPA_BINARY")
    policies, signer = fixed_policies(), _signer(kind, tmp_path)
    host = BundleHost(build_bundle(policies, signer))
    async with serving(host) as host_url, opa_pulling(binary, host_url, signer.public, tmp_path) as url:
        await ready(url)
        opa = OpaServer(url, policies.digest, timeout_ms=10_000)
        await opa.check()
        await opa.close()


def _signer(kind: str, folder: Path) -> Signer:
    if kind == "companion":
        return bundle_signer(load_or_create_signer(folder / "signing.pem"), folder / "bundle.pem")
    private = ec.generate_private_key(ec.SECP256R1()) if kind == "ecdsa" else rsa.generate_private_key(65537, 2048)
    return load_signer(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
