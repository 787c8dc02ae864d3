package sekisho.operations_test

fixtures := data.sekisho.fixtures

agent(facts) := data.sekisho.fixtures.node(fixtures.agent, {"facts": facts})

destructive := agent({"tools": [{"name": "purge", "effect": "destructive"}]})

test_ops_01_passes if data.sekisho.fixtures.status("OPS-01", fixtures.promotion) == "passed"

test_ops_01_fails_without_a_limit if {
	found := data.sekisho.fixtures.rule("OPS-01", agent({"limits": {"timeout_ms": 0}}))
	found.status == "failed"
	contains(found.remedy, "limits.timeout_ms")
}

test_ops_01_is_missing_without_an_agent if {
	data.sekisho.fixtures.status("OPS-01", data.sekisho.fixtures.only({})) == "missing"
}

test_ops_01_can_be_waived if data.sekisho.fixtures.waived("OPS-01", agent({"limits": {"timeout_ms": 0}}))

test_ops_02_passes if data.sekisho.fixtures.status("OPS-02", fixtures.promotion) == "passed"

test_ops_02_passes_without_tools if data.sekisho.fixtures.status("OPS-02", agent({"tools": []})) == "passed"

test_ops_02_fails_on_an_effect_that_is_not_allowed if {
	data.sekisho.fixtures.status("OPS-02", destructive) == "failed"
}

test_ops_02_is_missing_without_an_agent if {
	data.sekisho.fixtures.status("OPS-02", data.sekisho.fixtures.only({})) == "missing"
}

test_ops_02_cannot_be_waived if not data.sekisho.fixtures.waived("OPS-02", destructive)
