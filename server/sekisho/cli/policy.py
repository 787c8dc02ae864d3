"""Commands for those who write policies. All but `replay` and `log` work without a server."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from sekisho.cli.opa_log import opa_log
from sekisho.cli.policy_folders import FOLDER, own_policy_folder, policy_folder
from sekisho.cli.policy_life import life
from sekisho.cli.replaying import replay
from sekisho.cli.session import Session, session
from sekisho.cli.telling import tell, telling_options
from sekisho.gate.engines.port import PolicyEngine
from sekisho.gate.input_types import GateInput
from sekisho.gate.parameters import Pin
from sekisho.gate.policies import DATA_FILE, PolicySet, load_policies
from sekisho.gate.types import PolicyVerdict
from sekisho.kernel.errors import Invalid
from sekisho.kernel.json import decode_json
from sekisho.kernel.settings import Settings
from sekisho.kernel.trees import tree

NEW_FILE = click.Path(dir_okay=False, path_type=Path)
OLD_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def policy() -> None:
    """Check, test and try policies, publish them, and have two owners put one in force."""


@policy.command()
@FOLDER
@session
def check(state: Session, folder: Path | None) -> None:
    """What can be said before a policy decides: data, dialect, catalogue, tests; with OPA on PATH, its checks too.

    Exit code 0 sound, 1 not.
    """
    from sekisho.gate.checking import check_policies

    faults = list(check_policies(policy_folder(state.settings, folder)))
    state.show({"sound": not faults, "faults": faults}, "\n".join(faults) or "the policy is sound")
    if faults:
        raise SystemExit(1)


@policy.command()
@FOLDER
@session
def test(state: Session, folder: Path | None) -> None:
    """Run the test rules of the policy's *_test.rego files on the embedded engine; with OPA on PATH, on OPA too.

    A test that takes over ten seconds is stopped. Exit code 1 where one fails.
    """
    from sekisho.gate.checking import opa_test_faults
    from sekisho.gate.governing.trial import tried

    place = policy_folder(state.settings, folder)
    policies = load_policies(place)
    trial = asyncio.run(tried(policies, every_test=True))
    failed = [*trial.failed, *opa_test_faults(place, policies)]
    passed = sum(one.passed for one in trial.tests)
    summary = f"{passed} of {len(trial.tests)} tests passed"
    state.show({"tests": len(trial.tests), "failed": failed}, "\n".join([*failed, summary]))
    if failed or not trial.tests:
        raise SystemExit(1)


@policy.command()
@FOLDER
@click.option("--write", is_flag=True, help="Write catalog.json and the JSON Schemas into the folder.")
@click.option("--markdown", is_flag=True, help="Print a page for people, with each rule's mode at each stage.")
@session
def catalog(state: Session, folder: Path | None, write: bool, markdown: bool) -> None:
    """The rules with their titles, severities and remedies, from their METADATA."""
    from sekisho.gate.checking import generated
    from sekisho.gate.reference import rules_page

    place = (own_policy_folder if write else policy_folder)(state.settings, folder)
    policies = load_policies(place)
    if write:
        for name, text in generated(policies).items():
            (place / name).write_text(text, "utf-8")
    if markdown:
        click.echo(rules_page(policies), nl=False)
        return
    lines = [f"{entry.id}  {entry.severity:<8}  {entry.title}" for entry in policies.catalog]
    rules = [
        {"id": entry.id, "title": entry.title, "severity": entry.severity, "remedy": entry.remedy}
        for entry in policies.catalog
    ]
    state.show({"rules": rules}, "\n".join(lines))


@policy.command()
@FOLDER
@session
def digest(state: Session, folder: Path | None) -> None:
    """The policy digest: what decisions and attestations name, and the revision of the bundle."""
    found = load_policies(policy_folder(state.settings, folder)).digest
    state.show({"digest": found}, found)


@policy.command("eval")
@FOLDER
@click.option("--input", "file", type=OLD_FILE, required=True, help="A gate input (policies/input.schema.json).")
@click.option("--engine", "name", type=click.Choice(["regorus", "opa"]), help="By default the one in the settings.")
@click.option("--explain", "every_rule", is_flag=True, help="List the rules that passed too.")
@telling_options
@session
def evaluate(
    state: Session,
    folder: Path | None,
    file: Path,
    name: str | None,
    every_rule: bool,
    form: str | None,
    out: Path | None,
) -> None:
    """Judge a stored or hand-written gate input. Nothing is kept and nothing moves.

    With OPA, the server at SEKISHO_OPA_URL must run this very policy. Exit codes as of `promote`.
    """
    from sekisho.gate.schemas import read_input

    document = read_input(decode_json(file.read_bytes()))
    policies = load_policies(policy_folder(state.settings, folder))
    engine = _engine(state.settings, policies, name or state.settings.policy_engine)
    verdict = asyncio.run(_judge(engine, document))
    told = _told(document, verdict, policies.titles)
    tell(state, verdict.as_json(), told, form, out, every_rule=every_rule)
    raise SystemExit(0 if verdict.answer.allow else 3 if verdict.only_evidence_lacks else 1)


@policy.command()
@FOLDER
@click.option("--out", type=NEW_FILE, required=True, help="File to write, such as bundle.tar.gz.")
@click.option("--key", type=OLD_FILE, help="PEM private key (ECDSA or RSA); by default the server's.")
@session
def bundle(state: Session, folder: Path | None, out: Path, key: Path | None) -> None:
    """Write the signed bundle that an OPA server takes."""
    from sekisho.gate.bundle import build_bundle, bundle_signer, jwt_algorithm
    from sekisho.ledger.signing import load_signer

    folder_of_keys = state.settings.data_dir
    path = key or Path(state.settings.signing_key or folder_of_keys / "signing.pem")
    if not path.is_file():
        raise Invalid(f"there is no signing key at {path}", remedy="give --key, or start the server once")
    given = load_signer(path.read_bytes())
    signer = given if key else bundle_signer(given, folder_of_keys / "bundle.pem")
    policies = load_policies(policy_folder(state.settings, folder))
    out.write_bytes(build_bundle(policies, signer))
    written = {"file": str(out), "revision": policies.digest, "algorithm": jwt_algorithm(signer.public.algorithm)}
    state.show(written, f"{out}: revision {policies.digest}, signed with {written['algorithm']}")


@policy.command()
@click.argument("folder", type=click.Path(path_type=Path))
@session
def copy(state: Session, folder: Path) -> None:
    """Copy the policy that ships with Sekisho, with its tests and schemas, to the new FOLDER, to be changed there."""
    if folder.exists():
        raise Invalid(f"{folder} exists already", remedy="name a new folder; nothing is written over")
    # The mode of an installed file is not the copy's: a copy is to be written to.
    shutil.copytree(tree("policies"), folder, copy_function=shutil.copyfile)
    found = load_policies(folder).digest
    text = f"{folder}: policy {found}; publish and activate it, or begin a new database with SEKISHO_POLICY_DIR"
    state.show({"folder": str(folder), "digest": found}, text)


@policy.command()
@FOLDER
@click.argument("name")
@click.option("--suite", required=True, help="Digest of the suite version that the name is to mean.")
@click.option("--dataset", required=True, help="Digest of the dataset that it must have run on.")
@session
def pin(state: Session, folder: Path | None, name: str, suite: str, dataset: str) -> None:
    """Pin the suite NAME of the policy data to a digest and a dataset. This changes the policy and its digest.

    It takes a folder of your own, by --policies or the settings: the shipped policy is never changed.
    """
    from sekisho.gate.pins import with_pins

    place = own_policy_folder(state.settings, folder)
    path = place / DATA_FILE
    path.write_text(with_pins(path.read_text("utf-8"), {name: Pin(suite=suite, dataset=dataset)}), "utf-8")
    found = load_policies(place).digest
    state.show({"digest": found}, f"suite/{name} is pinned; the policy is now {found}")


def _engine(settings: Settings, policies: PolicySet, name: str) -> PolicyEngine:
    if name == "opa":
        from sekisho.gate.engines.opa_server import OpaServer

        return OpaServer(settings.opa_url, policies.digest, settings.policy_timeout_ms)
    from sekisho.gate.engines.regorus_engine import RegorusEngine

    return RegorusEngine(policies, settings.policy_timeout_ms)


async def _judge(engine: PolicyEngine, document: GateInput) -> PolicyVerdict:
    from sekisho.gate.verdict import read_verdict

    try:
        raw = await engine.evaluate(document.as_json())
        name = f"{engine.name} {engine.version}".strip()
        return read_verdict(raw, engine=name, policy_digest=engine.policy_digest)
    finally:
        await engine.close()


def _told(document: GateInput, verdict: PolicyVerdict, titles: Mapping[str, str]) -> dict[str, Any]:
    answer = verdict.as_json()
    rules = [
        {"id": rule, "title": titles.get(rule, ""), "blocking": rule in answer["blocking"], **found}
        for rule, found in sorted(answer["rules"].items())
    ]
    subject = document.subject
    return {
        "id": "not kept",
        "outcome": verdict.outcome.value,
        "action": document.action,
        "subject": f"{subject.kind}/{subject.name}",
        "number": subject.number,
        "digest": subject.digest,
        "stage": document.stage,
        "policy_digest": verdict.policy_digest,
        "engine": verdict.engine,
        "rules": rules,
    }


for command in (replay, opa_log, *life):
    policy.add_command(command)
commands: list[click.Command] = [policy]
