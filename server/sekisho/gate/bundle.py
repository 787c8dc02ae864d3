"""The OPA bundle of a policy: the same files for the same policy, signed so that OPA takes no other.

OPA checks ``.signatures.json`` (a JWT over the digest of every file) with the public key in its own configuration;
the revision in the manifest is only what the bundle says of itself.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from sekisho.gate.policies import PolicySet
from sekisho.kernel.digests import canonical_json
from sekisho.kernel.errors import Invalid
from sekisho.ledger.signing import Signer, load_or_create_signer

ALGORITHMS: Final = {
    "ecdsa-sha2-nistp256": "ES256",
    "ecdsa-sha2-nistp384": "ES384",
    "rsassa-pss-sha256": "PS256",
}
"""The JWT algorithm of each kind of key that OPA's configuration takes. OPA 1.21 refuses EdDSA there."""
_ECDSA_BYTES: Final = {"ES256": 32, "ES384": 48}


@dataclass(frozen=True)
class Bundle:
    """What the bundle endpoint serves."""

    policies: PolicySet
    signer: Signer

    @cached_property
    def data(self) -> bytes:
        """The signed ``.tar.gz``, built when it is first asked for."""
        return build_bundle(self.policies, self.signer)

    @cached_property
    def etag(self) -> str:
        """An ETag that changes with the policy and with the key, and is the same on every replica."""
        named = f"{self.policies.digest} {self.signer.keyid}"
        return f'"{hashlib.sha256(named.encode("ascii")).hexdigest()}"'


def build_bundle(policies: PolicySet, signer: Signer) -> bytes:
    """The signed ``.tar.gz``. Raises `Invalid` for a key whose algorithm OPA does not know."""
    manifest = policies.manifest
    hashed = {".manifest": canonical_json(manifest), "data.json": policies.data_json, **policies.files}
    files = {**hashed, ".signatures.json": canonical_json({"signatures": [_token(hashed, signer)]})}
    return _archive(files)


def bundle_signer(signer: Signer, path: Path) -> Signer:
    """The server's own signer where OPA can verify it, else one with an ECDSA key kept at `path`.

    Ed25519, the default for attestations, is not among the algorithms that OPA takes for bundles. The key is made
    when it is first needed; the public one stands beside it (``bundle.pub.pem``), for OPA's configuration.
    """
    if signer.public.algorithm in ALGORITHMS:
        return signer
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _create(path)
    return load_or_create_signer(path)


def _create(path: Path) -> None:
    """Put a whole new key there, mode 0600; where another process was first, its key stays."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(file.name, path)


def jwt_algorithm(scheme: str) -> str:
    """What OPA's configuration must call the key's algorithm."""
    try:
        return ALGORITHMS[scheme]
    except KeyError:
        raise Invalid(
            f"OPA cannot verify a bundle signed with {scheme}", remedy=f"use a key of {', '.join(ALGORITHMS)}"
        ) from None


def _token(files: dict[str, bytes], signer: Signer) -> str:
    algorithm = jwt_algorithm(signer.public.algorithm)
    claims = {
        "files": [
            {"name": name, "hash": hashlib.sha256(files[name]).hexdigest(), "algorithm": "SHA-256"}
            for name in sorted(files)
        ]
    }
    signing_input = f"{_part({'alg': algorithm})}.{_part(claims)}"
    signature = signer.sign_bytes(signing_input.encode("ascii"))
    if size := _ECDSA_BYTES.get(algorithm):
        signature = _fixed_size(signature, size)
    return f"{signing_input}.{_text(signature)}"


def _fixed_size(signature: bytes, size: int) -> bytes:
    """JWT wants ECDSA signatures as two numbers of fixed size (RFC 7518, 3.4), not as DER."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    first, second = decode_dss_signature(signature)
    return first.to_bytes(size, "big") + second.to_bytes(size, "big")


def _part(value: Any) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode("utf-8"))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _archive(files: dict[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(files[name]), 0, 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    return gzip.compress(plain.getvalue(), mtime=0)
