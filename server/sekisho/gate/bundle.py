"""The OPA bundle of a policy: the same bytes for the same policy and key, signed so that OPA takes no other.

OPA checks ``.signatures.json`` (a JWT over the digest of every file) with the public key in its own configuration;
the revision in the manifest is only what the bundle says of itself.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

from sekisho.gate.policies import PolicySet
from sekisho.kernel.digests import canonical_json
from sekisho.kernel.errors import Invalid

ALGORITHMS: Final = {
    "ed25519": "EdDSA",
    "ecdsa-sha2-nistp256": "ES256",
    "ecdsa-sha2-nistp384": "ES384",
    "rsassa-pss-sha256": "PS256",
}
"""The JWT algorithm of each kind of signing key."""
_ECDSA_BYTES: Final = {"ES256": 32, "ES384": 48}


class _Public(Protocol):
    @property
    def algorithm(self) -> str: ...


class BundleSigner(Protocol):
    """What `sekisho.ledger.signing.Signer` gives: its public key, and bare signatures."""

    @property
    def public(self) -> _Public: ...

    def sign_bytes(self, data: bytes) -> bytes: ...


@dataclass(frozen=True)
class Bundle:
    """What the bundle endpoint serves."""

    policies: PolicySet
    signer: BundleSigner

    @cached_property
    def data(self) -> bytes:
        """The signed ``.tar.gz``, built when it is first asked for."""
        return build_bundle(self.policies, self.signer)

    @cached_property
    def etag(self) -> str:
        """A strong ETag: it changes with the policy and with the key."""
        return f'"{hashlib.sha256(self.data).hexdigest()}"'


def build_bundle(policies: PolicySet, signer: BundleSigner) -> bytes:
    """The signed ``.tar.gz``. Raises `Invalid` for a key whose algorithm OPA does not know."""
    manifest = policies.manifest
    hashed = {".manifest": canonical_json(manifest), "data.json": policies.data_json, **policies.files}
    files = {**hashed, ".signatures.json": canonical_json({"signatures": [_token(hashed, signer)]})}
    return _archive(files)


def jwt_algorithm(scheme: str) -> str:
    """What OPA's configuration must call the key's algorithm."""
    try:
        return ALGORITHMS[scheme]
    except KeyError:
        raise Invalid(
            f"OPA cannot verify a bundle signed with {scheme}", remedy=f"use a key of {', '.join(ALGORITHMS)}"
        ) from None


def _token(files: dict[str, bytes], signer: BundleSigner) -> str:
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
