"""What an OPA does for us, the real one and the fake: it pulls, verifies, answers, and tells what it did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from sekisho.gate.bench import Bench
from sekisho.gate.bundle import build_bundle, bundle_signer
from sekisho.gate.decision_logs.types import Verdict
from sekisho.gate.engines.opa_server import OpaServer
from sekisho.gate.judge import Judge
from sekisho.gate.policies import PolicySet
from sekisho.kernel.errors import EngineFailed
from sekisho.kernel.references import parse_reference
from sekisho.kernel.settings import Settings
from sekisho.ledger.signing import PublicKey, Signer, load_or_create_signer
from sekisho.wiring.services import Services, build_services
from tests.api_client import ApiClient
from tests.clocks import FixedClock
from tests.conftest import service_url
from tests.gate.fake_opa import fake_opa
from tests.gate.inputs import fixed_policies, promotion
from tests.gate.opa import BundleHost, opa_pulling, ready, serving
from tests.gate.served import served
from tests.gate.world import SetBenches
from tests.registry.manifests import prompt, register

Start = Callable[..., AbstractAsyncContextManager[str]]
TOKEN = "a-token-of-our-own-opa-and-nobody-else"
BUNDLE = "/v1/policy/bundle"
LOGS = "/v1/policy/decision-logs"


@pytest.fixture(params=["fake", "real"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Start:
    """Starts an OPA: `start(host, key, bundle=path, log_token=token)`."""

    def fake(
        host: str, key: PublicKey, *, bundle: str = "/bundle", log_token: str = ""
    ) -> AbstractAsyncContextManager[str]:
        return fake_opa(f"{host}{bundle}", key, f"{host}{LOGS}" if log_token else None, log_token)

    def real(
        host: str, key: PublicKey, *, bundle: str = "/bundle", log_token: str = ""
    ) -> AbstractAsyncContextManager[str]:
        return opa_pulling(binary, host, key, tmp_path, bundle=bundle, log_token=log_token)

    if request.param == "fake":
        return fake
    binary = service_url("SEKISHO_TEST_OPA_BINARY")
    return real


@pytest.fixture
def policies() -> PolicySet:
    return fixed_policies()


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return bundle_signer(load_or_create_signer(tmp_path / "signing.pem"), tmp_path / "bundle.pem")


async def test_it_answers_under_the_revision_that_it_pulled(start: Start, policies: PolicySet, signer: Signer) -> None:
    """The whole decision, by our bundle; and none under a digest that it does not run."""
    host = BundleHost(build_bundle(policies, signer))
    async with serving(host) as host_url, start(host_url, signer.public) as url:
        await ready(url)
        ours, other = OpaServer(url, policies.digest, 20_000), OpaServer(url, "sha256:other", 20_000)
        answer = await ours.evaluate(promotion())
        assert isinstance(answer, dict)
        assert answer["allow"] is True
        with pytest.raises(EngineFailed, match=f"runs policy {policies.digest}"):
            await other.evaluate(promotion())
        await ours.close()
        await other.close()


async def test_it_notices_a_new_revision_and_refuses_a_tampered_one(
    start: Start, policies: PolicySet, signer: Signer, tmp_path: Path
) -> None:
    """The new policy within a poll, asked for by ETag; the old one is kept when a wrongly signed one comes."""
    stranger = bundle_signer(load_or_create_signer(tmp_path / "signing.pem"), tmp_path / "stranger.pem")
    files = {**policies.files, "sekisho/text.rego": policies.files["sekisho/text.rego"] + b"\n# newer\n"}
    newer = replace(policies, files=files, digest="sha256:" + "5" * 64)
    host = BundleHost(build_bundle(policies, signer))
    async with serving(host) as host_url, start(host_url, signer.public) as url:
        await ready(url)
        old, new = (OpaServer(url, found.digest, timeout_ms=10_000) for found in (policies, newer))
        await old.check()
        await host.pulled_again()
        assert host.unchanged > 0
        host.data = build_bundle(newer, signer)
        await host.pulled_again()
        await new.check()
        with pytest.raises(EngineFailed, match=f"runs policy {newer.digest}"):
            await old.evaluate(promotion())
        for wrong in (build_bundle(policies, stranger), changed_after_signing(policies, signer)):
            host.data = wrong
            await host.pulled_again()
            await new.check()
        await old.close()
        await new.close()


def changed_after_signing(policies: PolicySet, signer: Signer) -> bytes:
    from tests.gate.test_bundle import repacked

    return repacked(build_bundle(policies, signer), "sekisho/gate.rego", b"package sekisho.gate\n\nallow := true\n")


async def test_its_log_comes_back_and_agrees_with_every_decision(
    start: Start, services: Services, api: ApiClient, data_dir: Path, clock: FixedClock
) -> None:
    """Through the whole product: OPA pulls the bundle from us, decides, and its own log says what our ledger says."""
    settings = Settings(
        database_url=services.settings.database_url, data_dir=data_dir, decision_log_token=TOKEN, policy_engine="opa"
    )
    taking = build_services(settings, clock)
    await taking.watch.start()
    author = await services.identity.authenticate(await api.token_for("author"))
    await register(services.registry, author, "prompt/ask", prompt("{{ context }}"))
    async with served(taking) as host, start(host, taking.bundle_signer.public, bundle=BUNDLE, log_token=TOKEN) as url:
        await ready(url)
        engine = OpaServer(url, taking.policy.digest, 20_000, journal=taking.decision_logs)
        gate = replace(taking.gate, benches=SetBenches(Bench(taking.policy, Judge(engine))))
        await engine.check()
        moved = await gate.promote(author, parse_reference("prompt/ask@v1"), "dev")
        refused = await gate.promote(author, parse_reference("prompt/ask@v1"), "production")
        assert (moved.applied, refused.applied) == (True, False)
        async with asyncio.timeout(60):
            while (standing := await taking.decision_logs.standing()).counts[Verdict.AGREES] < 2:
                await asyncio.sleep(0.1)
        await engine.close()
    assert standing.counts == {Verdict.AGREES: 2, Verdict.DIFFERS: 0, Verdict.MISSING: 0, Verdict.STRANGE: 0}
    async with services.database.read() as tx:
        assert (await services.ledger.verify_in(tx)).problems == ()
    await taking.close()
