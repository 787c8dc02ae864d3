"""The catalogue says what the rules' METADATA says, and every rule has some."""

from __future__ import annotations

import json

import pytest

from sekisho.gate.catalog import catalog
from sekisho.kernel.errors import Invalid
from tests.gate.inputs import ROOT, shipped_policies

RULES = b'package sekisho.rules\n\ndeclared := {\n\t"LIN-99": {"kinds": {"agent"}},\n}\n'
RULE = b"""package sekisho.lineage

# METADATA
# title: A title
# description: A description.
# custom:
#   id: LIN-99
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: Mend it.
#   frameworks: []
results["LIN-99"] := 1
"""


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (RULE.replace(b"# METADATA\n", b""), "LIN-99 has no METADATA"),
        (RULE.replace(b"id: LIN-99", b"id: LIN-98"), "METADATA of LIN-98 stands on LIN-99"),
        (RULE.replace(b"#   remedy: Mend it.\n", b""), "remedy"),
        (RULE.replace(b"severity: high", b"severity: dire"), "dire"),
        (RULE.replace(b"kinds: [agent]", b"kinds: [pet]"), "pet"),
        (RULE.replace(b"title: A title", b"title: [A title"), "expected"),
        (RULE + b'\nresults["LIN-97"] := 1\n', "LIN-97 has no METADATA"),
        (RULE.replace(b"LIN-99", b"LIN-96"), "LIN-96 is written and not declared"),
        (b"package sekisho.lineage\n", "LIN-99 is declared and not written"),
    ],
)
def test_a_rule_without_whole_metadata_is_refused(rule: bytes, message: str) -> None:
    """The refusal names the rule and the place."""
    with pytest.raises(Invalid) as caught:
        catalog({"sekisho/rules.rego": RULES, "sekisho/lineage.rego": rule})
    assert message in str(caught.value)


def test_a_rule_written_twice_is_refused() -> None:
    """One id, one rule."""
    with pytest.raises(Invalid, match="METADATA is not whole"):
        catalog({"sekisho/rules.rego": RULES, "sekisho/lineage.rego": RULE, "sekisho/more.rego": RULE})


def test_the_shipped_catalogue_is_the_rules() -> None:
    """Every declared rule is there with what people need, in the family of its file."""
    kept = json.loads((ROOT / "policies" / "catalog.json").read_text())["rules"]
    families = {"LIN": "lineage", "EVA": "evaluation", "FAI": "fairness", "LIC": "licences", "DOC": "documentation",
                "OVS": "oversight", "OPS": "operations",
                "LIN-08": "provenance", "LIN-09": "provenance", "EVA-06": "comparison", "EVA-07": "judging",
                "EVA-08": "judging", "EVA-09": "dependencies", "EVA-10": "overlap", "FAI-06": "languages"}  # fmt: skip
    assert [rule["id"] for rule in kept] == [entry.id for entry in shipped_policies().catalog]
    assert len(kept) >= 14
    for rule in kept:
        assert rule["file"] == f"sekisho/{families.get(rule['id'], families[rule['id'][:3]])}.rego"


def test_what_metadata_says_of_kinds_and_actions_is_what_the_rules_do() -> None:
    """Kinds and actions in METADATA equal those that decide what is required."""
    import regorus

    policies = shipped_policies()
    engine = regorus.Engine()
    engine.add_policy("rules.rego", policies.files["sekisho/rules.rego"].decode())
    declared = json.loads(engine.eval_rule_as_json("data.sekisho.rules.declared"))
    told = {entry.id: {"kinds": sorted(entry.kinds), "actions": sorted(entry.actions)} for entry in policies.catalog}
    assert {
        rule: {"kinds": sorted(found["kinds"]), "actions": sorted(found["actions"])} for rule, found in declared.items()
    } == told
