"""What may not be published, and is told why; and a policy of a user's own that may."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from sekisho.gate.catalog import EXTENSIONS, extensions
from sekisho.gate.engines.regorus_engine import RegorusEngine
from sekisho.gate.governing.linting import faults_of
from sekisho.gate.governing.trial import tried
from sekisho.gate.policies import PolicySet, policy_set, read_content
from sekisho.kernel.errors import Invalid
from tests.gate.cases import GOLDEN
from tests.gate.governing.policies import HEAD, LONG_NAMES, TEST, acme, with_files
from tests.gate.inputs import shipped_policies

PASSED = 'checks contains data.sekisho.report.check("passed", "m", "o", "w", "r")'

LOOP = (
    PASSED
    + """ if {
	some a in numbers.range(1, 9000)
	some b in numbers.range(1, 9000)
	a * b == -1
}
"""
)


def told(policies: PolicySet) -> str:
    return "\n".join(f"{fault.path}: {fault.message}" for fault in faults_of(policies, shipped_policies()))


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"user/acme.rego": HEAD.replace("ACM-01", "EVA-01") + LONG_NAMES}, "EVA-01"),
        ({"user/acme.rego": HEAD.replace("ACM-01", "OPS-77") + LONG_NAMES}, "family OPS are Sekisho's own"),
        ({"user/a.rego": HEAD + LONG_NAMES, "user/b.rego": HEAD + LONG_NAMES}, "is written in user/a.rego too"),
        ({"user/acme.rego": HEAD.replace("package user.acme", "package sekisho.gate")}, "is of user.<name>"),
        ({"user/acme.rego": HEAD.replace("package user.acme", ' package sekisho["gate"]')}, "names no package"),
        ({"user/acme.rego": " package sekisho.gate\nx := `\npackage user.acme\n`\n"}, "is of user.<name>"),
        ({"user/acme.rego": "package user.acme; allow := true\n"}, "names no package"),
        ({"acme.rego": HEAD + LONG_NAMES}, "user.<name>, in files under user/"),
        ({"../acme.rego": HEAD + LONG_NAMES}, "no path of a Rego file"),
        ({"user/acme.rego": 'package user.acme\n\nresults["ACM-01"] := 1\n'}, "has no METADATA"),
    ],
)
def test_a_package_that_is_not_a_users_own_is_no_policy(files: dict[str, str], fault: str) -> None:
    """Rule ids stand once, families and packages of Sekisho are its own, however the file tries to pass for another."""
    with pytest.raises(Invalid) as caught:
        with_files(files)
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("policies", "fault"),
    [
        (lambda: with_files({"sekisho/waivers.rego": "package sekisho.waivers\n\ncovers(_) := true\n"}), "was changed"),
        (lambda: with_files({"sekisho/more.rego": "package sekisho.gate\n\nallow := true\n"}), "of Sekisho's own"),
        (lambda: with_files({"sekisho/more_test.rego": "package sekisho.gate_test\n"}), "of Sekisho's own"),
        (lambda: acme('checks contains http.send({"url": "x"})\n'), "http.send is not in the dialect"),
        (lambda: acme("checks contains time.now_ns()\n"), "time.now_ns is not in the dialect"),
        (
            lambda: acme(change=lambda data: data["stages"]["dev"]["rules"].update({"ACM-02": {"mode": "off"}})),
            "there is no such rule",
        ),
        (lambda: acme(change=lambda data: data["waivers"]["waivable"].append("ACM-02")), "there is no rule ACM-02"),
    ],
)
def test_lint_names_each_fault(policies: Callable[[], PolicySet], fault: str) -> None:
    """A changed or added file of ours, a forbidden built-in, and settings of rules that nobody wrote."""
    assert fault in told(policies())


def test_a_missing_file_of_ours_is_a_fault() -> None:
    """A policy cannot leave out what is inconvenient."""
    policies = acme()
    files = {path: text for path, text in policies.files.items() if path != "sekisho/waivers.rego"}
    assert "is absent" in told(policy_set({**files, **policies.tests}, policies.data))


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("checks contains data.sekisho.report.check(\n", "does not compile"),
        (f"{PASSED} if count(numbers.range(1, 1000000000)) > 0\n", "the engine died of it: a sample promotion"),
        (LOOP, "took over 1 s and was stopped"),
        (f"f(x) := f(x)\n\n{PASSED} if f(1)\n", "the engine died of it"),
        (f"{PASSED} if data.sekisho.gate.allow\n", "recursion"),
        (PASSED.replace('"m"', "1") + "\n", "expects string"),
    ],
)
async def test_a_policy_that_cannot_be_relied_on_fails_its_trial(body: str, fault: str) -> None:
    """Not compiling, eating memory, looping, recursion of functions and rules: the trial ends and says where."""
    trial = await tried(acme(body), seconds=1 if body == LOOP else 30)
    assert fault in "\n".join(trial.faults)


async def test_a_policy_that_allows_an_empty_input_fails_its_trial() -> None:
    """Nothing is allowed for want of evidence."""
    allowing = policy_set(
        {"sekisho/gate.rego": b'package sekisho.gate\n\ndecision := {"allow": true}\n'}, shipped_policies().data
    )
    assert (await tried(allowing)).faults == ("it allows an empty input",)


async def test_a_failing_test_is_told() -> None:
    """So is one that loops; those of the built-in rules are not run over changed data."""
    trial = await tried(acme(test=TEST.replace('"passed"', '"failed"')))
    assert [(one.file, one.passed) for one in trial.tests] == [("user/acme_test.rego", False)]
    assert "test_a_long_name_passes" in trial.failed[0]


async def test_a_users_rule_adds_a_requirement_and_nothing_else() -> None:
    """It is required where the data says nothing of it, and an input that was allowed is denied by it alone."""
    policies = acme(LONG_NAMES.replace(">= 4", ">= 40"))
    assert (told(policies), (await tried(acme())).failed) == ("", ())
    engine = RegorusEngine(policies, timeout_ms=20_000)
    before = RegorusEngine(shipped_policies(), timeout_ms=20_000)
    document = json.loads((GOLDEN / "ovs-01-everything-in-order.json").read_text())["input"]
    try:
        found: Any = await engine.evaluate(document)
        without: Any = await before.evaluate(document)
    finally:
        await engine.close()
        await before.close()
    assert found["rules"].pop("ACM-01")["status"] == "failed"
    assert found["rules"] == without["rules"]
    assert set(found["blocking"]) - set(without["blocking"]) == {"ACM-01"}


def test_a_policy_is_read_back_from_its_content() -> None:
    """Its digest is the same, and the file that names the users' rules is made anew, whatever stood there."""
    policies = acme()
    assert read_content(json.loads(json.dumps(policies.content))).digest == policies.digest
    forged = {**policies.files, **policies.tests, EXTENSIONS: b"package sekisho.extensions\n\nresults := {}\n"}
    assert policy_set(forged, policies.data).digest == policies.digest
    assert policies.base == shipped_policies().base
    assert policies.manifest["roots"] == ["sekisho", "parameters", "user"]


def test_what_ships_adds_nothing() -> None:
    """The file in the folder is what reading makes of a policy without packages of users."""
    shipped = shipped_policies()
    assert extensions(shipped.catalog, {}) == shipped.files[EXTENSIONS]
