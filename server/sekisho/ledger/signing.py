"""DSSE envelopes through securesystemslib. The algorithm follows the key: Ed25519, ECDSA or RSA, PKCS#8 PEM.

securesystemslib is imported only when something is signed or verified, so that the light client can say which
extra is missing.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

from sekisho.kernel.errors import ExtraMissing, IntegrityFailed, Invalid

STATEMENT_TYPE: Final = "application/vnd.in-toto+json"
CHECKPOINT_TYPE: Final = "application/vnd.sekisho.checkpoint.v1+json"


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    keyid: str
    sig: str


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The JSON form of a DSSE envelope."""

    payload: str
    payload_type: str
    signatures: list[Signature]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures are checked with. `keyid` is derived from the key itself."""

    pem: str
    keyid: str
    algorithm: str
    _key: Any

    def verify(self, envelope: Any, payload_type: str) -> bytes:
        """The payload, once its signature by this key and its type are proven. Raises `IntegrityFailed`."""
        from securesystemslib.dsse import Envelope as Dsse
        from securesystemslib.exceptions import Error

        shape = _envelope(envelope)
        if shape.payload_type != payload_type:
            raise IntegrityFailed(f"the envelope's payload is {shape.payload_type!r}, not {payload_type!r}")
        if all(signature.keyid != self.keyid for signature in shape.signatures):
            signers = ", ".join(signature.keyid[:16] for signature in shape.signatures) or "nobody"
            raise IntegrityFailed(
                f"the envelope is signed by {signers}, not by the given key {self.keyid[:16]}",
                remedy="give the public key of the server that decided, obtained beforehand (GET /v1/keys); where its "
                "key was replaced, the former one and the new one",
            )
        try:
            dsse = Dsse.from_dict(msgspec.to_builtins(shape))
            dsse.verify([self._key], 1)
        except (Error, ValueError, KeyError, TypeError) as error:
            raise IntegrityFailed(
                f"the signature by key {self.keyid[:16]} does not fit the payload: {error}"
            ) from error
        return bytes(dsse.payload)


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one private key; `public` is what others verify with."""

    public: PublicKey
    _signer: Any

    @property
    def keyid(self) -> str:
        return self.public.keyid

    @property
    def public_pem(self) -> str:
        return self.public.pem

    def sign(self, payload_type: str, payload: bytes) -> dict[str, Any]:
        """A DSSE envelope, as JSON, over these very bytes."""
        from securesystemslib.dsse import Envelope as Dsse

        envelope = Dsse(payload, payload_type, {})
        envelope.sign(self._signer)
        return dict(envelope.to_dict())

    def sign_bytes(self, data: bytes) -> bytes:
        """The bare signature over these bytes, for formats that are not DSSE (OPA's bundles)."""
        return bytes.fromhex(self._signer.sign(data).signature)


def verify_envelope(envelope: Any, public_pem: str, payload_type: str = STATEMENT_TYPE) -> bytes:
    """The payload of an envelope that this key signed. Raises `IntegrityFailed`, `Invalid` for a bad PEM."""
    return load_public_key(public_pem).verify(envelope, payload_type)


def signer_of(envelope: Any, keys: Mapping[str, PublicKey]) -> PublicKey:
    """Which of these keys (by keyid) the envelope says it is signed by; whether it is, `verify` proves.

    Raises `IntegrityFailed` where it names none of several; of one alone, `verify` says what is wrong.
    """
    named = [signature.keyid for signature in _envelope(envelope).signatures]
    for keyid in named:
        if keyid in keys:
            return keys[keyid]
    if len(keys) == 1:
        return next(iter(keys.values()))
    signers = ", ".join(keyid[:16] for keyid in named) or "nobody"
    raise IntegrityFailed(
        f"the envelope is signed by {signers}, not by any of the given keys {', '.join(key[:16] for key in keys)}",
        remedy="give the public keys of the server that decided, obtained beforehand (GET /v1/keys)",
    )


def load_public_key(pem: str) -> PublicKey:
    """Raises `Invalid` where the text is no PEM public key of a kind that can be verified with."""
    _require_extra()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
    from securesystemslib.exceptions import Error
    from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

    try:
        crypto = load_pem_public_key(pem.encode())
        key = SSlibKey.from_crypto(crypto)
    except (ValueError, UnsupportedAlgorithm, Error) as error:
        raise Invalid(
            f"the public key cannot be used: {error}",
            remedy="give a PEM file that begins with -----BEGIN PUBLIC KEY----- (Ed25519, ECDSA or RSA)",
        ) from error
    text = crypto.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return PublicKey(pem=text, keyid=key.keyid, algorithm=key.scheme, _key=key)


def load_signer(pem: bytes) -> Signer:
    """Raises `Invalid` where the bytes are no unencrypted PKCS#8 private key of a usable kind."""
    _require_extra()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
    from securesystemslib.exceptions import Error
    from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]

    try:
        private = load_pem_private_key(pem, None)
        signer = CryptoSigner(private)
    except (ValueError, TypeError, UnsupportedAlgorithm, Error) as error:
        raise Invalid(
            f"the signing key cannot be used: {error}",
            remedy="give an unencrypted PKCS#8 PEM file with an Ed25519, ECDSA or RSA key",
        ) from error
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return Signer(load_public_key(public.decode()), signer)


def load_or_create_signer(path: Path, kept: Path | None = None) -> Signer:
    """The signer of this PEM file; where there is none, an Ed25519 key is made, readable by its owner only.

    Several processes may start at once: one file wins, all use it. The public key is written beside it
    (``signing.pub.pem``), where that folder can be written to, and into `kept`, which so comes to hold the public key
    of every private key there ever was. Without `kept`, a former one is left beside the key, as
    ``retired-<keyid>.pub.pem``. Raises `Invalid` where the key cannot be read or used.
    """
    try:
        if not path.exists():
            _create(path)
        content = path.read_bytes()
    except OSError as error:
        raise Invalid(
            f"the signing key {path} cannot be read, or made where there is none: {error.strerror}",
            remedy="let the user that the server runs as read it, or point SEKISHO_SIGNING_KEY elsewhere",
        ) from error
    signer = load_signer(content)
    _publish(signer, path.with_name(f"{path.stem}.pub.pem"), kept or path.parent)
    if kept is not None:
        _keep(signer.public, kept)
    return signer


def _create(path: Path) -> None:
    _require_extra()
    from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        _write_whole(path, CryptoSigner.generate_ed25519().private_bytes)


def retired_keys(folder: Path, kept: Path | None = None) -> tuple[PublicKey, ...]:
    """Public keys of former signing keys, with which older checkpoints still verify.

    Those that stand beside the key as ``retired-….pub.pem``, and all in `kept`, the present one among them.
    """
    paths = [*sorted(folder.glob("retired-*.pub.pem")), *(sorted(kept.glob("*.pub.pem")) if kept else [])]
    keys = [load_public_key(path.read_text()) for path in paths]
    return tuple({key.keyid: key for key in keys}.values())


def _write_whole(path: Path, data: bytes) -> None:
    """Create the file at once with all its content, mode 0600. Raises FileExistsError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)
    finally:
        os.unlink(name)


def _publish(signer: Signer, path: Path, kept: Path) -> None:
    """Write the public key to `path`; one of a former key that stands there goes to `kept` first."""
    former = ""
    with contextlib.suppress(FileNotFoundError, PermissionError):
        former = path.read_text()
    if former == signer.public_pem:
        return
    with contextlib.suppress(Invalid):  # no key at all
        _keep(load_public_key(former), kept, "retired-")
    # A signing key may stand in a read-only mount (a secret); GET /v1/keys publishes it all the same.
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
        _write_public(path, signer.public_pem)


def _keep(key: PublicKey, folder: Path, prefix: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{prefix}{key.keyid[:16]}.pub.pem"
    if not path.exists():
        _write_public(path, key.pem)


def _write_public(path: Path, pem: str) -> None:
    with contextlib.suppress(FileExistsError):
        _write_whole(path, pem.encode())
        path.chmod(0o644)


def _envelope(value: Any) -> Envelope:
    try:
        return msgspec.convert(value, Envelope)
    except msgspec.ValidationError as error:
        raise IntegrityFailed(f"this is not a DSSE envelope: {error}") from error


def _require_extra() -> None:
    try:
        import_module("cryptography")
        import_module("securesystemslib")
    except ImportError as error:
        raise ExtraMissing(
            "signatures need the package securesystemslib", remedy="pip install 'sekisho[verify]'"
        ) from error
