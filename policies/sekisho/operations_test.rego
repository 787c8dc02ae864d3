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

test_ops_01_fails_without_a_limit_on_cost if {
	found := data.sekisho.fixtures.rule("OPS-01", agent({"limits": {"max_cost_micros": 0}}))
	found.status == "failed"
	contains(found.remedy, "limits.max_cost_micros")
}

test_ops_01_asks_for_what_the_stage_asks_for if {
	costless := object.union(agent({"limits": {"max_cost_micros": 0}}), {"stage": "staging"})
	data.sekisho.fixtures.status("OPS-01", costless) == "passed"
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

tools(found) := agent({"tools": found})

write_tool := {"name": "send", "effect": "read", "scopes": ["mail:write"]}

without_agent := data.sekisho.fixtures.only({})

test_ops_03_passes if data.sekisho.fixtures.status("OPS-03", fixtures.promotion) == "passed"

test_ops_03_passes_without_tools if data.sekisho.fixtures.status("OPS-03", tools([])) == "passed"

test_ops_03_fails_on_a_scope_off_the_list if {
	every scope in ["mail:write", "read", "docs:read:all", "a:b:read", ""] {
		tool := object.union(write_tool, {"scopes": ["docs:read", scope]})
		data.sekisho.fixtures.status("OPS-03", tools([tool])) == "failed"
	}
}

test_ops_03_is_missing_where_a_tool_declares_none if {
	data.sekisho.fixtures.status("OPS-03", tools([{"name": "search", "effect": "read"}])) == "missing"
}

test_ops_03_is_missing_without_an_agent if data.sekisho.fixtures.status("OPS-03", without_agent) == "missing"

test_ops_03_can_be_waived if data.sekisho.fixtures.waived("OPS-03", tools([write_tool]))

test_ops_04_passes_without_a_destructive_tool if {
	data.sekisho.fixtures.status("OPS-04", fixtures.promotion) == "passed"
	data.sekisho.fixtures.status("OPS-04", tools([])) == "passed"
}

test_ops_04_fails_where_nobody_is_asked if {
	found := data.sekisho.fixtures.rule("OPS-04", destructive)
	found.status == "failed"
	contains(found.remedy, "human_approval: true for the tool purge")
}

test_ops_04_passes_where_a_person_is_asked if {
	asked := tools([{"name": "purge", "effect": "destructive", "human_approval": true}])
	data.sekisho.fixtures.status("OPS-04", asked) == "passed"
}

test_ops_04_fails_for_the_one_that_asks_nobody if {
	both := tools([
		{"name": "purge", "effect": "destructive", "human_approval": true},
		{"name": "drop", "effect": "destructive", "human_approval": false},
	])
	data.sekisho.fixtures.status("OPS-04", both) == "failed"
}

test_ops_04_is_missing_without_an_agent if data.sekisho.fixtures.status("OPS-04", without_agent) == "missing"

test_ops_04_cannot_be_waived if not data.sekisho.fixtures.waived("OPS-04", destructive)

test_ops_05_passes_within_the_bounds if {
	every days in [184, 365, 730] {
		data.sekisho.fixtures.status("OPS-05", agent({"log_retention_days": days})) == "passed"
	}
}

test_ops_05_fails_outside_the_bounds if {
	every days in [0, 183, 731] {
		data.sekisho.fixtures.status("OPS-05", agent({"log_retention_days": days})) == "failed"
	}
}

test_ops_05_is_missing_without_a_log if {
	facts := {key: value |
		some key, value in fixtures.promotion.lineage.nodes[fixtures.agent].facts
		key != "log_retention_days"
	}
	rest := {key: value | some key, value in fixtures.promotion.lineage.nodes[fixtures.agent]; key != "facts"}
	silent := data.sekisho.fixtures.only({fixtures.agent: object.union(rest, {"facts": facts})})
	data.sekisho.fixtures.status("OPS-05", silent) == "missing"
}

test_ops_05_is_missing_without_an_agent if data.sekisho.fixtures.status("OPS-05", without_agent) == "missing"

test_ops_05_can_be_waived if data.sekisho.fixtures.waived("OPS-05", agent({"log_retention_days": 1}))
