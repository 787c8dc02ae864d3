"""The lint refuses what the engines do not agree on, and what it allows they answer alike."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import regorus

from sekisho.gate.dialect import BUILTINS, lint
from tests.conftest import service_url
from tests.gate.inputs import shipped_policies


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a := 0.5", "0.5 is a float"),
        ("a := 1e3", "1e3 is a float"),
        ('a := sprintf("%v", [1])', "%v is not in the dialect"),
        ('a := sprintf("%5d", [1])', "%5 is not in the dialect"),
        ("a := sprintf(b, [1])", "needs a literal pattern"),
        ('a := glob.match("*:read", [":"], "a:b:read")', 'needs ["/"]'),
        ('a := glob.match("*", [], "a")', 'needs ["/"]'),
        ('a := glob.match(concat("", ["a", "*"]), ["/", ":"], "a")', 'needs ["/"]'),
        ('a := $"{1}"', "template strings"),
        ('a := http.send({"url": "x"})', "http.send is not in the dialect"),
        ("a := time.now_ns()", "time.now_ns is not in the dialect"),
        ('a := time.parse_rfc3339_ns("x")', "not in the dialect"),
        ('a := semver.compare("1", "2")', "not in the dialect"),
        ('a := crypto.sha256("x")', "not in the dialect"),
        ('a := io.jwt.decode("x")', "not in the dialect"),
        ("a := json.patch({}, [])", "not in the dialect"),
        ('a := regex.match("(?i)a", "A")', "not in the dialect"),
        ('a := upper("ß")', "not in the dialect"),
        ("a := rego.metadata.rule()", "not in the dialect"),
        ('a := opa.runtime()["env"]', "not in the dialect"),
        ("a := lib.check(1)", "by its whole path"),
        ("import rego.v2", "import rego.v2"),
        ("import future.keywords", "import future.keywords"),
        ("default a := 1\n\ndefault a := 2", "two defaults for a"),
        ("b := 1\n\na if some b in [1]", "has the name of a rule"),
    ],
)
def test_what_leaves_the_dialect_is_refused(line: str, message: str) -> None:
    """Each place is named with its file and line."""
    findings = lint({"x.rego": f"package sekisho.x\n\n{line}\n".encode()})
    assert findings
    assert message in "\n".join(str(finding) for finding in findings)
    assert all(finding.file == "x.rego" and finding.line >= 3 for finding in findings)


@pytest.mark.parametrize(
    "line",
    [
        "# http.send(1.5) in a comment",
        'a := "http.send(1.5)"',
        "a := `1.5 %v`",
        "f(x) := x\n\na := f(1)",
        "a := data.sekisho.y.f(1)",
        'a := sprintf("%s %d", ["x", 1])',
        'a := glob.match(concat("", ["a", "/*"]), ["/"], "a/b")',
        "a if not (1 in [2])",
        "import rego.v1",
        "import data.sekisho.y",
    ],
)
def test_what_stays_in_the_dialect_passes(line: str) -> None:
    """Comments and strings are not read as code, and own functions may be called."""
    assert lint({"x.rego": f"package sekisho.x\n\n{line}\n".encode()}) == ()


def test_the_shipped_policy_stays_in_the_dialect() -> None:
    """Rules and their tests."""
    policies = shipped_policies()
    assert lint({**policies.files, **policies.tests}) == ()


EXPRESSIONS = {
    "abs": "abs(-3)",
    "array.concat": "array.concat([1], [2])",
    "array.reverse": "array.reverse([1, 2])",
    "array.slice": "array.slice([1, 2, 3], 1, 9)",
    "concat": 'concat("、", ["日", "本"])',
    "contains": 'contains("日本語", "本")',
    "count": 'count("日本語")',
    "endswith": 'endswith("日本語", "語")',
    "glob.match": 'glob.match("a/*/c-*", ["/"], "a/b/c-d")',
    "graph.reachable": 'graph.reachable({"a": ["b", "c"], "b": ["a"], "c": []}, {"a"})',
    "is_array": "is_array([])",
    "is_boolean": "is_boolean(false)",
    "is_number": "is_number(1)",
    "is_object": "is_object({})",
    "is_set": "is_set(set())",
    "is_string": 'is_string("")',
    "max": "max([3, 9, 4])",
    "min": "min({3, 9, 4})",
    "numbers.range": "numbers.range(5, 1)",
    "object.get": 'object.get({"a": {"b": 1}}, ["a", "c"], 7)',
    "object.keys": 'object.keys({"a": 1, "b": 2})',
    "object.union": 'object.union({"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}})',
    "object.union_n": 'object.union_n([{"a": 1}, {"a": 2}, {"b": 3}])',
    "replace": 'replace("a日a", "a", "語")',
    "set": "count(set())",
    "sort": 'sort(["b", "a", "語", "Z", "é"])',
    "split": 'split("a OR b", " OR ")',
    "sprintf": 'sprintf("%s/%d", ["日本", 9007199254740991])',
    "startswith": 'startswith("日本語", "日")',
    "substring": 'substring("日本語", 1, 99)',
    "sum": "sum([1, 2, 3])",
    "trim_prefix": 'trim_prefix("日本語", "日")',
    "trim_suffix": 'trim_suffix("日本語", "語")',
    "walk": 'count({path | walk({"a": {"b": [1, 2]}}, [path, _])})',
}


def test_each_allowed_builtin_has_an_expression() -> None:
    """Nothing is allowed that is not compared."""
    assert EXPRESSIONS.keys() == BUILTINS


def test_allowed_builtins_answer_alike(tmp_path: Path) -> None:
    """regorus and the real OPA give the same value for an expression of each."""
    binary = service_url("SEKISHO_TEST_OPA_BINARY")
    pairs = ",\n\t".join(f"{json.dumps(name)}: {text}" for name, text in EXPRESSIONS.items())
    module = tmp_path / "all.rego"
    module.write_text(f"package sekisho.all\n\nvalues_of := {{\n\t{pairs},\n}}\n")
    engine = regorus.Engine()
    engine.add_policy("all.rego", module.read_text())
    ours = json.loads(engine.eval_rule_as_json("data.sekisho.all.values_of"))
    command = [binary, "eval", "--format", "raw", "-d", str(module), "data.sekisho.all.values_of"]
    theirs = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert ours == theirs
