package sekisho.gate_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

cardless := data.sekisho.fixtures.changed({"evidence": {"cards": []}})

waive(patch) := object.union(cardless, {"waivers": [object.union(data.sekisho.fixtures.waiver("DOC-01"), patch)]})

test_allows_when_every_required_rule_passed if {
	found := data.sekisho.fixtures.decision(sound)
	found.allow
	found.blocking == []
	found.required == [id | some id in sort(object.keys(found.rules)); found.rules[id].status == "passed"]
}

test_denies_an_empty_input if not data.sekisho.fixtures.decision({}).allow

test_denies_where_nothing_is_required if {
	found := data.sekisho.fixtures.decision(data.sekisho.fixtures.changed({"action": "delete"}))
	found.required == []
	not found.allow
}

test_denies_without_policy_data if {
	found := data.sekisho.gate.decision with input as sound with data.parameters as {}
	not found.allow
}

test_a_rule_that_policy_data_does_not_name_is_enforced if {
	bare := {"stages": {"production": {"mode": "enforce", "rules": {}}}}
	rest := {key: value | some key, value in fixtures.parameters; key != "stages"}
	found := data.sekisho.gate.decision with input as sound with data.parameters as object.union(rest, bare)
	"OPS-02" in found.required
	"OPS-02" in found.blocking
}

test_integrity_stays_enforced_whatever_policy_data_says if {
	loose := {"stages": {"production": {"mode": "off", "rules": {"LIN-01": {"mode": "off"}}}}}
	rest := {key: value | some key, value in fixtures.parameters; key != "stages"}
	found := data.sekisho.gate.decision with input as sound with data.parameters as object.union(rest, loose)
	found.required == ["LIN-01", "LIN-02", "LIN-03", "LIN-06"]
	found.rules["EVA-01"].status == "not_applicable"
}

test_a_rule_not_yet_in_force_warns if {
	later := {"stages": {"production": {"rules": {"DOC-01": {"in_force_from": sound.now + 1}}}}}
	found := data.sekisho.gate.decision with input as cardless
		with data.parameters as object.union(fixtures.parameters, later)
	found.rules["DOC-01"].mode == "warn"
	found.rules["DOC-01"].status == "missing"
	found.allow
}

test_a_rule_in_force_is_enforced if {
	since := {"stages": {"production": {"rules": {"DOC-01": {"in_force_from": sound.now}}}}}
	found := data.sekisho.gate.decision with input as cardless
		with data.parameters as object.union(fixtures.parameters, since)
	not found.allow
}

test_a_valid_waiver_lets_pass_and_shows if {
	found := data.sekisho.fixtures.decision(waive({}))
	found.allow
	found.waived == ["DOC-01"]
	found.rules["DOC-01"].status == "missing"
	not "DOC-01" in found.passed
}

covers(document) if {
	data.sekisho.waivers.covers("DOC-01") with input as document with data.parameters as fixtures.parameters
}

test_a_waiver_counts_for_nothing_else if {
	covers(waive({}))
	every patch in [
		{"digest": fixtures.other},
		{"stage": "staging"},
		{"expires_at": sound.now},
		{"expires_at": sound.now + 2592000001},
		{"independent": false},
		{"has_role": false},
		{"principal": "alice"},
		{"principal": "ci"},
		{"rule": "OVS-01"},
	] {
		not covers(waive(patch))
	}
}

test_warnings_show_and_do_not_block if {
	early := object.union(cardless, {"stage": "dev", "from_stages": []})
	found := data.sekisho.fixtures.decision(early)
	found.rules["DOC-01"].mode == "warn"
	found.rules["DOC-01"].status == "missing"
	found.allow
}

test_a_prompt_is_judged_by_what_concerns_it if {
	document := object.union(
		data.sekisho.fixtures.only({fixtures.prompt: sound.lineage.nodes[fixtures.prompt]}),
		{
			"subject": {"kind": "prompt", "name": "docs-answer", "digest": fixtures.prompt},
			"lineage": {"root": fixtures.prompt},
			"approvals": [object.union(sound.approvals[0], {"digest": fixtures.prompt})],
		},
	)
	found := data.sekisho.fixtures.decision(document)
	found.allow
	found.required == ["LIN-01", "LIN-02", "LIN-03", "LIN-06", "OVS-01", "OVS-02"]
	found.rules["EVA-01"].status == "not_applicable"
}

test_every_rule_that_is_declared_is_told if {
	found := data.sekisho.fixtures.decision(sound)
	object.keys(found.rules) == object.keys(data.sekisho.rules.declared)
}
