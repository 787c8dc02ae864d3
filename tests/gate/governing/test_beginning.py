"""What a process does about policy when it starts: only a new database is given one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sekisho.cli.policy_folders import write_policy
from sekisho.gate.policies import PolicySet, policy_set
from sekisho.identity.types import Actor
from sekisho.kernel.errors import Unavailable
from sekisho.kernel.settings import Settings
from sekisho.wiring.services import Services, build_services
from tests.clocks import FixedClock
from tests.gate.governing.policies import acme
from tests.gate.inputs import shipped_policies


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy folder of the operator's own."""
    write_policy(tmp_path / "policy", acme().content)
    return tmp_path / "policy"


@pytest.fixture
async def unstarted(database_url: str, data_dir: Path, clock: FixedClock, folder: Path) -> AsyncIterator[Services]:
    """A process on a database in which no policy was ever in force, set to the operator's folder."""
    settings = Settings(database_url=database_url, data_dir=data_dir, policy_dir=str(folder))
    services = build_services(settings, clock)
    await services.watch.start()
    yield services
    await services.close()


def newer(policies: PolicySet) -> PolicySet:
    """The rules of another version of Sekisho."""
    files = {**policies.files, "sekisho/text.rego": policies.files["sekisho/text.rego"] + b"\n# newer\n"}
    return policy_set({**files, **policies.tests}, policies.data)


async def test_without_a_policy_in_force_nothing_is_decided(unstarted: Services) -> None:
    """A process that has not begun does not make one up."""
    with pytest.raises(Unavailable, match="no policy is in force"):
        await unstarted.policy_now()


async def test_a_new_database_begins_with_the_folder_of_the_settings(unstarted: Services, clock: FixedClock) -> None:
    """What ships is published too; a process without the setting decides by what is in force already."""
    await asyncio.gather(unstarted.beginning.begin(), unstarted.beginning.begin())
    assert (await unstarted.policy_now()).digest == acme().digest
    other = build_services(
        Settings(database_url=unstarted.settings.database_url, data_dir=unstarted.settings.data_dir), clock
    )
    await other.start()
    try:
        assert other.policy.digest == acme().digest
        assert other.policy_in_force.seed.digest == shipped_policies().digest
    finally:
        await other.close()


async def test_an_upgrade_publishes_its_policy_and_activates_none(services: Services, olivia: Actor) -> None:
    """The next version of `sekisho` waits for two owners; starting again publishes nothing twice."""
    upgraded = newer(shipped_policies())
    for _ in range(2):
        await replace(services.beginning, shipped=upgraded).begin()
    assert [one.label for one in await services.publishing.page(olivia)] == ["sekisho@v2", "sekisho@v1"]
    assert (await services.policy_now()).digest == shipped_policies().digest
    report = await services.activating.preview(olivia, "sekisho@v2")
    assert list(report["difference"]["files"]) == ["sekisho/text.rego"]


async def test_a_policy_may_go_on_resting_on_the_rules_it_was_made_with(services: Services, olivia: Actor) -> None:
    """After an upgrade a new version of a user's policy is published on the former rules, as on the new ones."""
    await replace(services.beginning, shipped=newer(shipped_policies())).begin()
    former, _ = await services.publishing.publish(olivia, "acme", acme().content, message="")
    content = {"files": {path: acme().files[path].decode() for path in acme().own_files}}
    latest, _ = await services.publishing.publish(olivia, "acme", content, message="")
    assert (former.base, latest.base) == (shipped_policies().base, newer(shipped_policies()).base)
