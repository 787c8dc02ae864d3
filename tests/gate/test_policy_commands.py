"""`sekisho policy …` works without a server, and its exit code tells what a CI job needs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sekisho.cli import main
from sekisho.gate.policies import load_policies
from sekisho.ledger.signing import load_or_create_signer
from tests.gate.cases import GOLDEN
from tests.gate.inputs import ROOT, digest


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(main, ["policy", *arguments], env=environment)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy folder of the shipped rules over the tests' data."""
    place = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", place)
    shutil.copyfile(Path(__file__).parent / "data.yaml", place / "data.yaml")
    return place


def kept(name: str, folder: Path) -> Path:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(json.loads((GOLDEN / f"{name}.json").read_text())["input"]))
    return path


def test_an_input_that_is_none_is_refused(folder: Path, tmp_path: Path) -> None:
    """Exit code 2, with the place of the fault."""
    path = tmp_path / "input.json"
    path.write_text('{"schema": "sekisho.gate-input/v1", "now": 1.5}')
    result = run("eval", "--input", str(path), "--policies", str(folder))
    assert result.exit_code == 2
    assert "$.now" in result.output


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("ovs-01-everything-in-order", 0, "ALLOWED"),
        ("fai-02-gap-between-languages", 1, "41.20 %"),
        ("ovs-01-no-approval", 3, "sekisho approve default/agent/docs-assistant@sha256:"),
    ],
)
def test_eval_judges_an_input(name: str, code: int, words: str, folder: Path, tmp_path: Path) -> None:
    """Allowed is 0, a failed rule 1, lacking evidence 3, and the text says why."""
    result = run("eval", "--input", str(kept(name, tmp_path)), "--policies", str(folder), "--engine", "regorus")
    assert (result.exit_code, words in result.output) == (code, True)


def test_eval_on_an_opa_that_is_down_is_an_engine_error(folder: Path, tmp_path: Path) -> None:
    """Exit code 4: no verdict."""
    path = kept("ovs-01-everything-in-order", tmp_path)
    arguments = ("eval", "--input", str(path), "--policies", str(folder), "--engine", "opa")
    assert run(*arguments, SEKISHO_OPA_URL="http://127.0.0.1:9").exit_code == 4


def test_digest_and_catalog_tell_the_policy(folder: Path) -> None:
    """The digest is the one that decisions name; the catalogue has every rule."""
    found: Any = json.loads(run("digest", "--policies", str(folder), "--json").stdout)
    assert found == {"digest": load_policies(folder).digest}
    rules = json.loads(run("catalog", "--policies", str(folder), "--json").stdout)["rules"]
    assert {"id", "title", "severity", "remedy"} == rules[0].keys()


def test_check_fails_for_an_unsound_policy(folder: Path) -> None:
    """A rule that leaves the dialect is named, and the exit code is 1."""
    (folder / "sekisho" / "extra.rego").write_text("package sekisho.extra\n\nlate := time.now_ns()\n")
    result = run("check", "--policies", str(folder), PATH="")
    assert result.exit_code == 1
    assert "time.now_ns" in result.output


def test_pin_changes_the_digest(folder: Path) -> None:
    """Another suite is another policy."""
    before = load_policies(folder)
    arguments = ("pin", "docs-answers", "--suite", digest("e"), "--dataset", digest("f"), "--policies", str(folder))
    assert run(*arguments).exit_code == 0
    after = load_policies(folder)
    assert after.digest != before.digest
    assert after.parameters.suites["docs-answers"].suite == digest("e")


def test_pin_leaves_the_shipped_policy_alone(tmp_path: Path) -> None:
    """Without a folder of one's own it is refused, saying how to get one; the copy is whole and can be pinned."""
    shipped = (ROOT / "policies" / "data.yaml").read_bytes()
    pin = ("pin", "docs-answers", "--suite", digest("e"), "--dataset", digest("f"))
    refused = run(*pin)
    assert (refused.exit_code, "sekisho policy copy" in refused.output) == (2, True)
    assert (ROOT / "policies" / "data.yaml").read_bytes() == shipped
    assert run("catalog", "--write").exit_code == 2
    mine = tmp_path / "mine"
    assert run("copy", str(mine)).exit_code == 0
    names = {path.relative_to(mine) for path in mine.rglob("*")}
    assert names == {path.relative_to(ROOT / "policies") for path in (ROOT / "policies").rglob("*")}
    assert load_policies(mine).digest == load_policies(ROOT / "policies").digest
    assert run(*pin, SEKISHO_POLICY_DIR=str(mine)).exit_code == 0
    assert load_policies(mine).parameters.suites["docs-answers"].suite == digest("e")
    assert run("copy", str(mine)).exit_code == 2
    assert load_policies(mine).parameters.suites["docs-answers"].suite == digest("e")


def test_bundle_is_written_with_a_key_that_opa_takes(folder: Path, tmp_path: Path) -> None:
    """Beside the server's Ed25519 key an ECDSA one is made, and the bundle is signed with it."""
    out, data_dir = tmp_path / "bundle.tar.gz", tmp_path / "data"
    environment = {"SEKISHO_DATA_DIR": str(data_dir)}
    refused = run("bundle", "--out", str(out), "--policies", str(folder), **environment)
    assert refused.exit_code == 2
    load_or_create_signer(data_dir / "signing.pem")
    result = run("bundle", "--out", str(out), "--policies", str(folder), "--json", **environment)
    assert json.loads(result.stdout)["algorithm"] == "ES256"
    assert out.stat().st_size > 1000
    assert (data_dir / "bundle.pub.pem").is_file()
