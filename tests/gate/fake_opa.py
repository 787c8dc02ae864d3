"""A fake OPA: it pulls a signed bundle, answers by it, and sends its log. It passes the real one's tests."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import io
import json
import tarfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from sekisho.gate.engines.port import PACKAGE, RULE
from sekisho.gate.engines.regorus_engine import RegorusEngine
from sekisho.ledger.signing import PublicKey
from tests.gate.inputs import fixed_policies
from tests.gate.opa import serving


@dataclass
class FakeOpa:
    """Polls every 50 ms. `log_url` None: it keeps its log to itself."""

    bundle_url: str
    key: PublicKey
    log_url: str | None = None
    log_token: str = ""
    engine: RegorusEngine | None = None
    revision: str = ""
    etag: str = ""
    log: list[dict[str, Any]] = field(default_factory=list)

    async def work(self) -> None:
        async with aiohttp.ClientSession() as session:
            while True:
                with suppress(aiohttp.ClientError):
                    await self.pull(session)
                    await self.send(session)
                await asyncio.sleep(0.05)

    async def pull(self, session: aiohttp.ClientSession) -> None:
        async with session.get(self.bundle_url, headers={"If-None-Match": self.etag}) as response:
            if response.status != 200:
                return
            data = await response.read()
            files, self.etag = unpacked(data), response.headers["ETag"]
        if not signed(files, self.key):
            return
        rego = {name: content for name, content in files.items() if name.endswith(".rego")}
        self.revision = json.loads(files[".manifest"])["revision"]
        policies = replace(fixed_policies(), files=rego, data=json.loads(files["data.json"]), digest=self.revision)
        before, self.engine = self.engine, RegorusEngine(policies, timeout_ms=20_000)
        if before is not None:
            await before.close()

    async def send(self, session: aiohttp.ClientSession) -> None:
        if self.log_url is None or not self.log:
            return
        lines, headers = list(self.log), {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        headers["Authorization"] = f"Bearer {self.log_token}"
        body = gzip.compress(json.dumps(lines).encode())
        async with session.post(self.log_url, data=body, headers=headers) as response:
            if response.status == 200:
                del self.log[: len(lines)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/health":
            ready = self.engine is not None or "bundles" not in request.query_string
            return web.json_response({}, status=200 if ready else 500)
        if request.path != f"/v1/data/{PACKAGE.replace('.', '/')}/{RULE}" or self.engine is None:
            return web.json_response({})
        asked, bundles = (await request.json())["input"], {"sekisho": {"revision": self.revision}}
        result, name = await self.engine.evaluate(asked), str(uuid.uuid4())
        line = {"decision_id": name, "path": request.path.removeprefix("/v1/data/"), "input": asked, "result": result}
        self.log.append({**line, "bundles": bundles, "labels": {"id": "fake"}, "metrics": {"timer_ns": 1}})
        provenance = {"version": "0.0.0", "bundles": bundles}
        return web.json_response({"decision_id": name, "result": result, "provenance": provenance})


@asynccontextmanager
async def fake_opa(
    bundle_url: str, key: PublicKey, log_url: str | None = None, log_token: str = ""
) -> AsyncIterator[str]:
    """A fake OPA at work; gives its address."""
    opa = FakeOpa(bundle_url, key, log_url, log_token)
    async with serving(opa.answer) as url:
        working = asyncio.create_task(opa.work())
        try:
            yield url
        finally:
            working.cancel()
            await asyncio.wait({working})
            if opa.engine is not None:
                await opa.engine.close()


def unpacked(bundle: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(bundle), mode="r:gz") as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]


def signed(files: dict[str, bytes], key: PublicKey) -> bool:
    """Whether the token is the key's, and names exactly these files with these bytes."""
    head, claims, signature = json.loads(files[".signatures.json"])["signatures"][0].split(".")
    numbers = _decoded(signature)
    public = load_pem_public_key(key.pem.encode())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    pair = encode_dss_signature(int.from_bytes(numbers[:32], "big"), int.from_bytes(numbers[32:], "big"))
    try:
        public.verify(pair, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    named = {file["name"]: file["hash"] for file in json.loads(_decoded(claims))["files"]}
    here = {name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != ".signatures.json"}
    return named == here


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
