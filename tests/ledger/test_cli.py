"""Commands for the ledger, and the offline proof of a decision."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text
from tests.api_client import ApiClient
from tests.identity.commands import run
from tests.ledger.attested import DIGEST, as_file, decide, statement

from sekisho.cli import Rooms
from sekisho.cli.ledger import commands, verify
from sekisho.cli.session import Session
from sekisho.ledger.service import Ledger
from sekisho.ledger.signing import load_or_create_signer


async def sekisho(api: ApiClient, *words: str) -> Result:
    return await run(api, await api.token_for("viewer", project="*"), commands, *words)


@pytest.fixture
async def file(ledger: Ledger, tmp_path: Path) -> Path:
    """The attestation of an allowing decision."""
    path = tmp_path / "attestation.json"
    path.write_bytes(as_file(await decide(ledger, statement())))
    return path


@pytest.fixture
async def denial(ledger: Ledger, tmp_path: Path) -> Path:
    path = tmp_path / "denial.json"
    path.write_bytes(as_file(await decide(ledger, statement("deny"))))
    return path


@pytest.fixture
def key(ledger: Ledger, tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    path.write_text(ledger.signer.public_pem)
    return path


def offline(*words: str) -> Result:
    return CliRunner().invoke(Rooms("sekisho", commands=[verify]), ["verify", *words], obj=Session())


async def test_refusals(api: ApiClient, tmp_path: Path) -> None:
    """An entry that is not there, and options that do not belong together."""
    assert (await sekisho(api, "ledger", "prove", "999")).exit_code == 2
    kept = tmp_path / "kept.json"
    kept.write_text("{}")
    assert (await sekisho(api, "ledger", "verify", "--since", str(kept))).exit_code == 2


async def test_entries_checkpoint_and_proof(api: ApiClient) -> None:
    """Each shows for people what its JSON says."""
    listed = (await sekisho(api, "ledger", "entries", "--all-projects", "--oldest", "--limit", "2")).stdout.splitlines()
    assert [line.split()[:1] + line.split()[2:4] for line in listed] == [
        ["0", "project.created", "default"],
        ["1", "principal.created", "*"],
    ]
    told = json.loads((await sekisho(api, "ledger", "checkpoint", "--json")).stdout)
    assert f"root {told['root']}" in (await sekisho(api, "ledger", "checkpoint")).stdout
    proof = (await sekisho(api, "ledger", "prove", "0", "--size", str(told["size"]))).stdout
    assert f"root {told['root']}" in proof


async def test_the_log_is_held_to_a_kept_checkpoint(api: ApiClient, tmp_path: Path) -> None:
    """It passes while the log grows, and exits 1 once the past was rewritten, even consistently."""
    pem, kept = tmp_path / "key.pem", tmp_path / "kept.json"
    pem.write_text((await api.get("/v1/keys")).json()["items"][0]["pem"])
    kept.write_text((await sekisho(api, "ledger", "checkpoint", "--json")).stdout)
    await api.token_for("author")
    held = await sekisho(api, "ledger", "verify", "--since", str(kept), "--key", str(pem))
    assert (held.exit_code, "the ledger holds" in held.stdout) == (0, True), held.output
    async with api.services.database.write() as tx:
        for digit, other in ("ab", "12", "34", "56"):  # one hash in sixty has none of one digit alone
            await tx.execute(text(f"UPDATE ledger_entries SET subtrees = replace(subtrees, '{digit}', '{other}')"))
    broken = await sekisho(api, "ledger", "verify", "--since", str(kept), "--key", str(pem))
    assert broken.exit_code == 1
    assert "subtree hashes" in broken.stdout
    assert "not those that the kept checkpoint signed" in broken.stdout


async def test_a_file_of_checkpoints_grows_with_the_log(api: ApiClient, tmp_path: Path) -> None:
    """A line for each size, none twice; every line of it is held to the log."""
    pem, kept = tmp_path / "key.pem", tmp_path / "checkpoints.jsonl"
    pem.write_text((await api.get("/v1/keys")).json()["items"][0]["pem"])
    keep = ("ledger", "checkpoint", "--out", str(kept))
    await api.token_for("viewer", project="*")
    await sekisho(api, *keep)
    assert (await sekisho(api, *keep)).exit_code == 0
    assert len(kept.read_text().splitlines()) == 1
    await api.token_for("author")
    await sekisho(api, *keep)
    sizes = [json.loads(line)["size"] for line in kept.read_text().splitlines()]
    assert len(sizes) == 2
    held = await sekisho(api, "ledger", "verify", "--checkpoint", str(kept), "--key", str(pem))
    assert (held.exit_code, "the ledger holds" in held.stdout) == (0, True), held.output
    first, second = kept.read_text().splitlines()
    later = json.dumps({**json.loads(second), "size": sizes[1] + 100})
    kept.write_text(f"{first}\n{later}\n")
    cut = await sekisho(api, *keep)
    assert (cut.exit_code, "cut short" in cut.stderr) == (1, True)
    kept.write_text("[]\n")
    assert (await sekisho(api, *keep)).exit_code == 2


async def test_a_log_that_was_cut_no_longer_has_what_a_line_signed(api: ApiClient, tmp_path: Path) -> None:
    """Entries, head and checkpoints cut off together agree with each other, and not with what was kept."""
    pem, kept = tmp_path / "key.pem", tmp_path / "checkpoints.jsonl"
    pem.write_text((await api.get("/v1/keys")).json()["items"][0]["pem"])
    await api.token_for("viewer", project="*")
    before = json.loads((await sekisho(api, "ledger", "checkpoint", "--json")).stdout)
    async with api.services.database.read() as tx:
        head = (await tx.execute(text("SELECT size, peaks FROM ledger_head"))).one()
    await api.token_for("author", name="late")
    await sekisho(api, "ledger", "checkpoint", "--out", str(kept))
    async with api.services.database.write() as tx:
        await tx.execute(text(f"DELETE FROM ledger_entries WHERE seq >= {before['size']}"))
        await tx.execute(text(f"DELETE FROM ledger_checkpoints WHERE size > {before['size']}"))
        await tx.execute(text("UPDATE ledger_head SET size = :size, peaks = :peaks"), head._asdict())
    cut = await sekisho(api, "ledger", "verify", "--checkpoint", str(kept), "--key", str(pem))
    assert (cut.exit_code, "cut short" in cut.stdout) == (1, True), cut.output


def test_an_authentic_allow_exits_0(file: Path, key: Path) -> None:
    """It says what was decided about which bytes, and meets what is demanded."""
    found = offline(str(file), "--key", str(key), "--subject", "agent/docs-assistant", "--stage", "production")
    assert found.exit_code == 0, found.output
    assert "authentic: ALLOW  promote default/agent/docs-assistant to production" in found.stdout
    assert DIGEST in found.stdout
    assert "EVA-002  failed  (waived)" in found.stdout


@pytest.mark.parametrize(
    "demand", [("--subject", "agent/other"), ("--subject", "sha256:" + "0" * 64), ("--stage", "dev")]
)
def test_a_decision_about_something_else_exits_1(file: Path, key: Path, demand: tuple[str, str]) -> None:
    """What CI demands must be what is signed."""
    found = offline(str(file), "--key", str(key), *demand)
    assert (found.exit_code, found.stdout) == (1, "")
    assert "the decision is about" in found.stderr


def test_several_keys_may_be_trusted(file: Path, key: Path, tmp_path: Path) -> None:
    """Each `--key` adds one, in any order; the others alone do not do."""
    other = tmp_path / "other.pem"
    other.write_text(load_or_create_signer(tmp_path / "signing.pem").public_pem)
    assert offline(str(file), "--key", str(other), "--key", str(key)).exit_code == 0
    refused = offline(str(file), "--key", str(other))
    assert (refused.exit_code, "not by the given key" in refused.stderr) == (1, True)


def test_another_outcome_exits_1_unless_asked_for(denial: Path, key: Path) -> None:
    """A denial verifies and is shown, but does not let CI pass."""
    denied = offline(str(denial), "--key", str(key))
    assert (denied.exit_code, "authentic: DENY" in denied.stdout) == (1, True)
    assert offline(str(denial), "--key", str(key), "--any-outcome").exit_code == 0


def test_a_damaged_attestation_exits_1_in_json_too(file: Path, key: Path) -> None:
    """The reason goes to standard output as JSON where that was asked for."""
    file.write_bytes(file.read_bytes().replace(b'"principal": "ci"', b'"principal": "me"'))
    found = offline(str(file), "--key", str(key), "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["authentic"] is False
    assert "not under the signed checkpoint" in json.loads(found.stdout)["reason"]


BLOCKED = """
import sys
for name in {blocked!r}: sys.modules[name] = None
from sekisho.cli import main
main({words!r})
"""


def alone(blocked: list[str], *words: str) -> subprocess.CompletedProcess[str]:
    code = BLOCKED.format(blocked=blocked, words=list(words))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_verifying_needs_nothing_of_the_server(file: Path, key: Path) -> None:
    """`sekisho verify` runs where neither SQLAlchemy nor Litestar is installed."""
    found = alone(["sqlalchemy", "litestar", "asyncpg", "uuid_utils"], "verify", str(file), "--key", str(key))
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.slow
def test_verifying_without_its_extra_says_which(file: Path, key: Path) -> None:
    """The light installation names what to install."""
    found = alone(["securesystemslib", "cryptography"], "verify", str(file), "--key", str(key))
    assert found.returncode == 2
    assert "sekisho[verify]" in found.stderr
