"""Operations: limits, tools, scopes and logs."""

from __future__ import annotations

from tests.gate import inputs
from tests.gate.cases.declaring import case
from tests.gate.inputs import AGENT, Json


@case("OPS-01", "failed")
def no_time_limit(document: Json) -> None:
    del document["lineage"]["nodes"][AGENT]["facts"]["limits"]["timeout_ms"]


@case("OPS-02", "failed")
def effect_not_allowed(document: Json) -> None:
    tool = {"name": "file", "effect": "write", "scopes": ["docs:read"]}
    document["lineage"]["nodes"][AGENT]["facts"]["tools"].append(tool)


@case("OPS-02", "passed")
def no_tools(document: Json) -> None:
    document["lineage"]["nodes"][AGENT]["facts"]["tools"] = []


@case("OPS-01", "failed")
def no_limit_on_cost(document: Json) -> None:
    del document["lineage"]["nodes"][AGENT]["facts"]["limits"]["max_cost_micros"]


@case("OPS-03", "failed")
def scope_not_allowed(document: Json) -> None:
    document["lineage"]["nodes"][AGENT]["facts"]["tools"][0]["scopes"] = ["docs:read", "mail:write"]


@case("OPS-03", "failed")
def scope_with_a_slash(document: Json) -> None:
    document["lineage"]["nodes"][AGENT]["facts"]["tools"][0]["scopes"] = ["docs/read"]


@case("OPS-03", "failed")
def scope_of_three_parts(document: Json) -> None:
    document["lineage"]["nodes"][AGENT]["facts"]["tools"][0]["scopes"] = ["docs:all:read"]


@case("OPS-03", "missing")
def tool_without_scopes(document: Json) -> None:
    del document["lineage"]["nodes"][AGENT]["facts"]["tools"][0]["scopes"]


@case("OPS-04", "failed", "OPS-02", "OPS-04")
def destroys_without_asking(document: Json) -> None:
    tool = {"name": "purge", "effect": "destructive", "scopes": ["docs:read"]}
    document["lineage"]["nodes"][AGENT]["facts"]["tools"].append(tool)


@case("OPS-04", "passed", "OPS-02")
def destroys_when_told_to(document: Json) -> None:
    tool = {"name": "purge", "effect": "destructive", "scopes": ["docs:read"], "human_approval": True}
    document["lineage"]["nodes"][AGENT]["facts"]["tools"].append(tool)


@case("OPS-05", "missing")
def nothing_logged(document: Json) -> None:
    del document["lineage"]["nodes"][AGENT]["facts"]["log_retention_days"]


@case("OPS-05", "failed")
def log_thrown_away(document: Json) -> None:
    document["lineage"]["nodes"][AGENT]["facts"]["log_retention_days"] = 30


@case("OPS-05", "failed")
def log_kept_for_ever(document: Json) -> None:
    document["lineage"]["nodes"][AGENT]["facts"]["log_retention_days"] = 36_500


@case("OPS-05", "failed", "")
def waived_log(document: Json) -> None:
    log_thrown_away(document)
    document["waivers"] = [inputs.waiver("OPS-05")]
