package sekisho.overlap_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

overlaps := sound.evidence.overlaps

checked(patch) := data.sekisho.fixtures.changed({"evidence": {"overlaps": [object.union(overlaps[0], patch), overlaps[1]]}})

test_eva_10_passes if data.sekisho.fixtures.status("EVA-10", sound) == "passed"

few_shot := checked({"in_prompt": 2, "found": ["q-01-01-en", "q-01-02-en"]})

test_eva_10_fails_on_cases_in_the_prompt_and_names_them if {
	found := data.sekisho.fixtures.rule("EVA-10", few_shot)
	found.status == "failed"
	contains(found.message, "2 of 300 cases of dataset bbbbbbbbbbbb stand in the prompt")
	contains(found.message, ": q-01-01-en, q-01-02-en")
	found.observed == "0.67 %"
	endswith(found.remedy, "then: `sekisho apply && sekisho eval`")
}

test_eva_10_fails_on_too_many_cases_in_the_corpus if {
	data.sekisho.fixtures.status("EVA-10", checked({"in_corpus": 4})) == "failed"
	data.sekisho.fixtures.status("EVA-10", checked({"in_corpus": 3})) == "passed"
}

test_eva_10_is_inconclusive_where_too_many_cannot_be_told if {
	data.sekisho.fixtures.status("EVA-10", checked({"untold": 1})) == "inconclusive"
}

unchecked := data.sekisho.fixtures.changed({"evidence": {"overlaps": [overlaps[0]]}})

test_eva_10_is_missing_without_a_check if {
	found := data.sekisho.fixtures.rule("EVA-10", unchecked)
	found.status == "missing"
	startswith(found.remedy, "sekisho overlap check default/agent/docs-assistant@sha256:6666")
	endswith(found.remedy, "--dataset sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd")
}

test_eva_10_counts_no_other_check if {
	every patch in [
		{"prompt": fixtures.other},
		{"corpus": fixtures.other},
		{"dataset": fixtures.other},
		{"origin": "imported"},
		{"origin": "attested"},
		{"cases": 0},
		{"at": sound.now + 1},
	] {
		data.sekisho.fixtures.status("EVA-10", checked(patch)) == "missing"
	}
}

test_eva_10_is_missing_without_both_caps if {
	bare := {"stages": {"production": {"rules": {"EVA-10": {"parameters": {"max_in_prompt_bp": 0}}}}}}
	rest := {key: value | some key, value in fixtures.parameters; key != "stages"}
	found := data.sekisho.overlap.results["EVA-10"] with input as sound with data.parameters as object.union(rest, bare)
	found.status == "missing"
}

test_eva_10_can_be_waived if data.sekisho.fixtures.waived("EVA-10", few_shot)

test_eva_10_warns_at_staging if {
	early := object.union(few_shot, {"stage": "staging", "from_stages": ["dev"]})
	data.sekisho.fixtures.decision(early).rules["EVA-10"].mode == "warn"
}
