"""Signing keys and DSSE envelopes."""

from __future__ import annotations

import base64
import errno
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from sekisho.kernel.errors import IntegrityFailed, Invalid
from sekisho.ledger import signing
from sekisho.ledger.signing import (
    CHECKPOINT_TYPE,
    STATEMENT_TYPE,
    Signer,
    load_or_create_signer,
    load_public_key,
    retired_keys,
    verify_envelope,
)


def pem(key: Any, encryption: Any = None) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()))


def damaged(envelope: dict[str, Any], what: str) -> Any:
    other = base64.b64encode(b"other").decode()
    signature = envelope["signatures"][0]
    return {
        "payload": {**envelope, "payload": other},
        "signature": {**envelope, "signatures": [{**signature, "sig": other}]},
        "no base64": {**envelope, "signatures": [{**signature, "sig": "***"}]},
        "type": {**envelope, "payloadType": CHECKPOINT_TYPE},
        "signer": {**envelope, "signatures": [{**signature, "keyid": "0" * 64}]},
        "no signature": {**envelope, "signatures": []},
        "twice": {**envelope, "signatures": [signature, signature]},
        "unknown field": {**envelope, "extra": 1},
        "no payload": {key: value for key, value in envelope.items() if key != "payload"},
        "list": [envelope],
        "none": None,
    }[what]


@pytest.mark.parametrize(
    "what",
    ["payload", "signature", "no base64", "type", "signer", "no signature", "twice", "unknown field", "no payload",
     "list", "none"],
)  # fmt: skip
def test_a_damaged_envelope_fails(signer: Signer, what: str) -> None:
    """Every change to an envelope is an integrity failure, never another exception."""
    envelope = damaged(signer.sign(STATEMENT_TYPE, b"payload"), what)
    with pytest.raises(IntegrityFailed):
        verify_envelope(envelope, signer.public_pem)


def test_another_key_does_not_verify(signer: Signer, key_file: Path) -> None:
    """The failure says that the envelope is signed by somebody else."""
    other = load_or_create_signer(key_file)
    with pytest.raises(IntegrityFailed, match="not by the given key"):
        verify_envelope(signer.sign(STATEMENT_TYPE, b"payload"), other.public_pem)


@pytest.mark.parametrize("text", ["", "no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_text_that_is_no_public_key(text: str) -> None:
    """A bad PEM is the caller's mistake."""
    with pytest.raises(Invalid):
        load_public_key(text)


def test_verifying_leaves_the_envelope_as_it_is(signer: Signer) -> None:
    """The same envelope verifies twice."""
    envelope = signer.sign(STATEMENT_TYPE, b"payload")
    assert [verify_envelope(envelope, signer.public_pem) for _ in range(2)] == [b"payload", b"payload"]


@pytest.mark.parametrize(
    ("make", "algorithm"),
    [
        (lambda: ec.generate_private_key(ec.SECP256R1()), "ecdsa-sha2-nistp256"),
        (lambda: ec.generate_private_key(ec.SECP384R1()), "ecdsa-sha2-nistp384"),
        (lambda: rsa.generate_private_key(65537, 2048), "rsassa-pss-sha256"),
    ],
)
def test_the_algorithm_follows_the_key(key_file: Path, make: Any, algorithm: str) -> None:
    """ECDSA and RSA keys sign and verify as Ed25519 does."""
    key_file.parent.mkdir()
    key_file.write_bytes(pem(make()))
    signer = load_or_create_signer(key_file)
    assert signer.public.algorithm == algorithm
    assert verify_envelope(signer.sign(STATEMENT_TYPE, b"payload"), signer.public_pem) == b"payload"


def test_the_first_start_makes_a_key_for_its_owner_only(key_file: Path) -> None:
    """The private key is Ed25519 with mode 0600; the public one stands beside it for everyone."""
    signer = load_or_create_signer(key_file)
    public = key_file.with_name("signing.pub.pem")
    assert signer.public.algorithm == "ed25519"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(public.stat().st_mode) == 0o644
    assert public.read_text() == signer.public_pem
    assert load_or_create_signer(key_file).keyid == signer.keyid
    assert sorted(path.name for path in key_file.parent.iterdir()) == ["signing.pem", "signing.pub.pem"]


def test_processes_that_start_at_once_share_one_key(key_file: Path) -> None:
    """Eight first starts at once end with one key file that all of them use."""
    with ThreadPoolExecutor(8) as pool:
        signers = list(pool.map(lambda _: load_or_create_signer(key_file), range(8)))
    assert len({signer.keyid for signer in signers}) == 1


def test_a_replaced_key_retires_the_former_one(key_file: Path) -> None:
    """The former public key is kept, so that older checkpoints still verify."""
    former = load_or_create_signer(key_file)
    key_file.unlink()
    fresh = load_or_create_signer(key_file)
    assert fresh.keyid != former.keyid
    assert [key.keyid for key in retired_keys(key_file.parent)] == [former.keyid]
    assert key_file.with_name("signing.pub.pem").read_text() == fresh.public_pem


def test_a_key_in_a_read_only_mount_is_replaced(
    key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be written beside it, with or without a former public key there; the data folder keeps them all."""
    kept = tmp_path / "data" / "public-keys"
    first = load_or_create_signer(key_file)
    write = signing._write_whole

    def write_elsewhere(path: Path, data: bytes) -> None:
        if path.parent == key_file.parent:
            raise OSError(errno.EROFS, "Read-only file system")
        write(path, data)

    monkeypatch.setattr(signing, "_write_whole", write_elsewhere)
    former = [first]
    for _ in range(2):
        key_file.write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
        key_file.parent.chmod(0o500)
        try:
            former.append(load_or_create_signer(key_file, kept))
        finally:
            key_file.parent.chmod(0o700)
    assert {key.keyid for key in retired_keys(key_file.parent, kept)} == {signer.keyid for signer in former}
    assert [path.name for path in key_file.parent.glob("retired-*")] == []


def test_a_key_file_that_cannot_be_read(key_file: Path) -> None:
    """It is said which, and what to do; no traceback."""
    key_file.mkdir(parents=True)
    with pytest.raises(Invalid, match="cannot be read") as caught:
        load_or_create_signer(key_file)
    assert str(key_file) in caught.value.detail


def test_keys_retired_beside_the_key_are_read_too(key_file: Path, tmp_path: Path) -> None:
    """Where an earlier version left them."""
    former = load_or_create_signer(key_file)
    key_file.unlink()
    load_or_create_signer(key_file)
    key_file.unlink()
    fresh = load_or_create_signer(key_file, kept := tmp_path / "kept")
    found = {key.keyid for key in retired_keys(key_file.parent, kept)}
    assert {former.keyid, fresh.keyid} <= found
    assert len(found) == 3


@pytest.mark.parametrize(
    "content", [b"", b"no key", pem(ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"x"))]
)
def test_a_key_file_that_cannot_be_used(key_file: Path, content: bytes) -> None:
    """An empty, foreign or encrypted key file is refused, and never overwritten."""
    key_file.parent.mkdir()
    key_file.write_bytes(content)
    with pytest.raises(Invalid):
        load_or_create_signer(key_file)
    assert key_file.read_bytes() == content
