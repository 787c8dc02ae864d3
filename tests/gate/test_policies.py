"""A policy is what its digest says, read strictly; its input and answer have schemas that hold."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from sekisho.gate.checking import check_policies, generated
from sekisho.gate.parameters import Pin, read_policy_data
from sekisho.gate.pins import with_pins
from sekisho.gate.policies import load_policies, policy_set
from sekisho.gate.schemas import FILES, read_input, schema
from sekisho.kernel.errors import Invalid
from tests.gate.cases import CASES
from tests.gate.inputs import ROOT, digest, fixed_policies, promotion, shipped_policies

DATA = Path(__file__).parent / "data.yaml"


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    """Rules alone are no policy."""
    (tmp_path / "gate.rego").write_text("package sekisho.gate\n")
    with pytest.raises(Invalid, match=r"no data\.yaml"):
        load_policies(tmp_path)


def test_a_link_is_refused(tmp_path: Path) -> None:
    """A policy does not reach out of its folder."""
    (tmp_path / "data.yaml").symlink_to(DATA)
    (tmp_path / "gate.rego").write_text("package sekisho.gate\n")
    with pytest.raises(Invalid, match="not a plain file"):
        load_policies(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"package other.gate\n", "not under sekisho"),
        (b"allow := true\n", "names no package"),
        (b"package sekisho.gate\n# \xff\n", "not UTF-8"),
    ],
)
def test_a_file_that_is_not_ours_is_refused(content: bytes, message: str) -> None:
    """Each file is UTF-8 Rego in our package."""
    files = dict(shipped_policies().files)
    with pytest.raises(Invalid) as caught:
        policy_set({**files, "extra.rego": content}, yaml.safe_load(DATA.read_text()))
    assert message in str(caught.value)


def test_the_digest_follows_rules_and_data_and_nothing_else() -> None:
    """A byte of a rule or a number of the data changes it; tests, comments of the data and order do not."""
    policies = fixed_policies()
    rego, data = {**policies.files, **policies.tests}, copy.deepcopy(dict(policies.data))
    assert policy_set(dict(reversed(rego.items())), data).digest == policies.digest
    assert policy_set(policies.files, data).digest == policies.digest
    touched = {**rego, "sekisho/text.rego": rego["sekisho/text.rego"] + b"\n"}
    assert policy_set(touched, data).digest != policies.digest
    data["parameters"]["waivers"]["longest_ms"] += 1
    assert policy_set(rego, data).digest != policies.digest


def test_the_shipped_policy_is_sound() -> None:
    """`sekisho policy check` finds nothing, its Rego tests pass on regorus, and what is generated is current."""
    assert list(check_policies(ROOT / "policies")) == []


def test_check_names_what_is_wrong(tmp_path: Path) -> None:
    """A stale catalogue, a failing test and a forbidden built-in are each told."""
    policies = shipped_policies()
    for path, content in {**policies.files, **policies.tests}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    (tmp_path / "data.yaml").write_bytes((ROOT / "policies" / "data.yaml").read_bytes())
    for name, text in generated(policies).items():
        (tmp_path / name).write_text(text if name != "catalog.json" else "{}")
    (tmp_path / "sekisho" / "bad_test.rego").write_text(
        "package sekisho.bad_test\n\ntest_no if 1 == 2\n\nlate := time.now_ns()\n"
    )
    faults = "\n".join(check_policies(tmp_path, opa="/bin/true"))
    assert "catalog.json is not what" in faults
    assert "test_no: it is" in faults
    assert "time.now_ns is not in the dialect" in faults


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda data: data.update(extra=1), "extra"),
        (lambda data: data["requirements"][0].update(flors=[]), "flors"),
        (lambda data: data["requirements"][0]["floors"][0].pop("floor_bp"), "floor_bp"),
        (lambda data: data["requirements"][0]["floors"][0].update(floor_bp=0.5), "floors"),
        (lambda data: data["requirements"][0].update(stages=["moon"]), "not in `order`"),
        (lambda data: data["requirements"][1].update(id=data["requirements"][0]["id"]), "two requirements"),
        (lambda data: data["stages"].pop("dev"), "exactly the stages"),
        (lambda data: data["order"].append("dev"), "stands twice"),
        (lambda data: data["stages"]["dev"]["rules"].update({"LIN-01": {"mode": "off"}}), "enforced at every stage"),
        (lambda data: data["stages"]["dev"]["rules"].update({"lin-1": {"mode": "off"}}), "rules"),
        (lambda data: data["waivers"]["waivable"].append("LIN-02"), "cannot be waived"),
        (lambda data: data["suites"]["docs-answers"].update(suite="sha256:short"), "suite"),
        (lambda data: data["stages"]["dev"].update(mode="perhaps"), "mode"),
    ],
)
def test_policy_data_that_a_rule_would_not_see_is_refused(change: Change, place: str) -> None:
    """A misspelt limit would fall silent in Rego; here it is named."""
    data = yaml.safe_load(DATA.read_text())
    change(data["parameters"])
    with pytest.raises(Invalid) as caught:
        read_policy_data(data)
    assert place in str(caught.value)


def test_pins_are_written_and_comments_stay() -> None:
    """Pinning changes the pinned names only, and the data stays whole."""
    text = (ROOT / "policies" / "data.yaml").read_text()
    pin = Pin(suite=digest("a"), dataset=digest("b"))
    once = with_pins(text, {"docs-answers": pin})
    twice = with_pins(once, {"docs-retrieval": pin})
    suites = yaml.safe_load(twice)["parameters"]["suites"]
    assert suites["docs-answers"] == suites["docs-retrieval"] == {"suite": pin.suite, "dataset": pin.dataset}
    assert with_pins(twice, {"docs-retrieval": pin}) == twice
    assert [line for line in text.splitlines() if "#" in line] == [line for line in twice.splitlines() if "#" in line]


@pytest.mark.parametrize("value", ["", "sha256:", "sha256:" + "A" * 64, "latest"])
def test_a_pin_that_is_no_digest_is_refused(value: str) -> None:
    """A pin names bytes."""
    with pytest.raises(Invalid, match="not a digest"):
        with_pins(DATA.read_text(), {"docs-answers": Pin(suite=value, dataset=digest("b"))})


def set_at(document: Any, path: str, value: Any) -> None:
    *parents, last = path.split("/")
    for part in parents:
        document = document[int(part) if isinstance(document, list) else part]
    document[last] = value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_golden_input_matches_the_schema(case: Any) -> None:
    """The types and the JSON Schema take it, and reading it changes nothing."""
    jsonschema.validate(case.document, schema("input.schema.json"), jsonschema.Draft202012Validator)
    assert read_input(case.document).as_json() == case.document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", "sekisho.gate-input/v2"),
        ("now", 1.5),
        ("now", -1),
        ("now", 2**53),
        ("now", None),
        ("now", "1"),
        ("now", True),
        ("action", "delete"),
        ("stage", "Production"),
        ("subject/kind", "pet"),
        ("subject/digest", "sha256:abc"),
        ("subject/surprise", 1),
        ("current", None),
        ("formerly_allowed", 1),
        ("lineage/root", "6" * 64),
        ("lineage/nodes/short", {}),
        (f"lineage/nodes/{digest('5')}/facts/pinned", "yes"),
        (f"lineage/nodes/{digest('5')}/facts/licence", None),
        (f"lineage/nodes/{digest('5')}/kind", "prompt"),
        (f"lineage/nodes/{digest('6')}/facts/limits/max_steps", 1.25),
        ("evidence/runs/0/origin", "rumoured"),
        ("evidence/runs/0/metrics/recall@5/mean_bp", 81.5),
        ("evidence/runs/0/metrics/recall@5/mean_bp", 10**12),
        ("evidence/runs/0/metrics/recall@5/gaps/language/paired", 1),
        ("evidence/cards/0/fields/risks", None),
        ("approvals/0/kind", "robot"),
    ],
)
def test_an_input_off_the_schema_is_refused(path: str, value: Any) -> None:
    """Floats, nulls, huge integers, unknown fields and words: the types and the JSON Schema refuse them alike."""
    document = promotion()
    set_at(document, path, value)
    with pytest.raises(Invalid, match="does not match"):
        read_input(document)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema("input.schema.json"), jsonschema.Draft202012Validator)


def test_the_schemas_close_every_object() -> None:
    """No object of the input or the answer takes unknown fields."""
    for name in FILES:
        found = schema(name)
        jsonschema.Draft202012Validator.check_schema(found)
        assert json.loads((ROOT / "policies" / name).read_text()) == found
        for kind, definition in found["$defs"].items():
            assert definition.get("type") != "object" or definition["additionalProperties"] is False, kind
