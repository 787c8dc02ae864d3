package sekisho.evaluation_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

rules := ["EVA-01", "EVA-02", "EVA-03", "EVA-04", "EVA-05"]

without_answers := data.sekisho.fixtures.runs([fixtures.retrieval])

answered(patch) := data.sekisho.fixtures.runs([fixtures.retrieval, object.union(fixtures.answers, patch)])

rated(patch) := answered({"metrics": {"hallucinated": patch}})

compared(patch) := data.sekisho.fixtures.changed({"evidence": {"comparisons": [
	object.union(sound.evidence.comparisons[0], patch),
	sound.evidence.comparisons[1],
]}})

test_all_pass if {
	found := data.sekisho.fixtures.decision(sound)
	found.allow
	every id in ["EVA-01", "EVA-02", "EVA-03", "EVA-04", "EVA-05", "EVA-06"] {
		found.rules[id].status == "passed"
	}
}

test_all_are_missing_without_evidence if {
	found := data.sekisho.fixtures.decision(data.sekisho.fixtures.runs([]))
	every id in rules {
		found.rules[id].status == "missing"
	}
}

test_all_are_missing_for_an_agent_that_no_requirement_names if {
	found := data.sekisho.fixtures.decision(data.sekisho.fixtures.changed({"subject": {"name": "newcomer"}}))
	every id in ["EVA-01", "EVA-02", "EVA-03", "EVA-04", "EVA-05", "EVA-06"] {
		found.rules[id].status == "missing"
		id in found.blocking
	}
}

test_eva_01_is_missing_for_a_suite_without_a_run if {
	found := data.sekisho.fixtures.rule("EVA-01", without_answers)
	found.status == "missing"
	contains(found.remedy, concat("", ["--suite default/suite/docs-answers@", fixtures.answers.suite]))
}

test_eva_01_is_missing_for_an_easier_suite_of_the_same_name if {
	data.sekisho.fixtures.status("EVA-01", answered({"suite": fixtures.other})) == "missing"
}

test_eva_01_is_missing_for_an_easier_dataset if {
	data.sekisho.fixtures.status("EVA-01", answered({"dataset": fixtures.other})) == "missing"
}

test_eva_01_is_missing_for_a_run_of_another_version if {
	data.sekisho.fixtures.status("EVA-01", answered({"subject": fixtures.baseline})) == "missing"
}

test_eva_01_is_missing_for_an_import_that_policy_does_not_name if {
	imported := answered({"origin": "imported", "producer": "alice"})
	data.sekisho.fixtures.status("EVA-01", imported) == "missing"
}

test_eva_01_passes_for_an_import_that_policy_names if {
	imported := answered({"origin": "imported", "producer": "lab"})
	named := {"stages": {"production": {"rules": {"EVA-01": {"parameters": {"producers": ["lab"]}}}}}}
	found := data.sekisho.gate.decision with input as imported
		with data.parameters as object.union(fixtures.parameters, named)
	found.rules["EVA-01"].status == "passed"
}

test_eva_01_is_inconclusive_for_a_run_without_a_result if {
	data.sekisho.fixtures.status("EVA-01", answered({"state": "inconclusive"})) == "inconclusive"
}

test_eva_01_takes_the_latest_run if {
	older := object.union(fixtures.answers, {"id": "older", "finished_at": fixtures.answers.finished_at - 1})
	newer := object.union(fixtures.answers, {"state": "inconclusive"})
	both := data.sekisho.fixtures.runs([fixtures.retrieval, newer, older])
	data.sekisho.fixtures.status("EVA-01", both) == "inconclusive"
}

test_eva_01_is_missing_without_a_pin if {
	unpinned := object.union(
		{name: value | some name, value in fixtures.parameters; name != "suites"},
		{"suites": {}},
	)
	found := data.sekisho.gate.decision with input as sound with data.parameters as unpinned
	found.rules["EVA-01"].status == "missing"
	startswith(found.rules["EVA-01"].remedy, "sekisho policy pin docs-answers ")
	not found.allow
}

test_eva_01_cannot_be_waived if not data.sekisho.fixtures.waived("EVA-01", without_answers)

stale := answered({"finished_at": sound.now - 2592000001})

test_eva_02_fails_on_a_stale_run if data.sekisho.fixtures.status("EVA-02", stale) == "failed"

test_eva_02_passes_at_the_limit if {
	data.sekisho.fixtures.status("EVA-02", answered({"finished_at": sound.now - 2592000000})) == "passed"
}

test_eva_02_fails_on_a_run_from_the_future if {
	data.sekisho.fixtures.status("EVA-02", answered({"finished_at": sound.now + 1})) == "failed"
}

test_eva_02_can_be_waived if data.sekisho.fixtures.waived("EVA-02", stale)

test_eva_03_fails_on_too_few_cases if {
	data.sekisho.fixtures.status("EVA-03", answered({"scored": 149})) == "failed"
}

test_eva_03_fails_on_unscored_cases if {
	data.sekisho.fixtures.status("EVA-03", rated({"coverage_bp": 9499})) == "failed"
}

test_eva_03_can_be_waived if data.sekisho.fixtures.waived("EVA-03", answered({"scored": 149}))

below := data.sekisho.fixtures.measured("mrr", {"low_bp": 2000, "mean_bp": 2500, "high_bp": 3000})

across := data.sekisho.fixtures.measured("mrr", {"low_bp": 3999, "mean_bp": 4200, "high_bp": 4400})

test_eva_04_fails_below_the_floor if data.sekisho.fixtures.status("EVA-04", below) == "failed"

test_eva_04_is_inconclusive_across_the_floor if data.sekisho.fixtures.status("EVA-04", across) == "inconclusive"

test_eva_04_passes_at_the_floor if {
	touching := data.sekisho.fixtures.measured("mrr", {"low_bp": 4000, "high_bp": 4400})
	data.sekisho.fixtures.status("EVA-04", touching) == "passed"
}

test_eva_04_is_missing_for_bounds_the_wrong_way_round if {
	crossed := data.sekisho.fixtures.measured("mrr", {"low_bp": 9000, "high_bp": 8000})
	data.sekisho.fixtures.status("EVA-04", crossed) == "missing"
}

test_eva_04_can_be_waived if {
	data.sekisho.fixtures.waived("EVA-04", below)
	data.sekisho.fixtures.waived("EVA-04", across)
}

invented := rated({"low_bp": 900, "mean_bp": 1000, "high_bp": 1100})

test_eva_05_fails_over_the_cap if data.sekisho.fixtures.status("EVA-05", invented) == "failed"

test_eva_05_is_inconclusive_across_the_cap if {
	data.sekisho.fixtures.status("EVA-05", rated({"low_bp": 100, "high_bp": 501})) == "inconclusive"
}

test_eva_05_is_missing_without_the_metric if {
	silent := data.sekisho.fixtures.runs([fixtures.retrieval, {key: value |
		some key, value in object.union(fixtures.answers, {"id": "silent"})
		key != "metrics"
	}])
	data.sekisho.fixtures.status("EVA-05", silent) == "missing"
}

test_eva_05_cannot_be_waived if not data.sekisho.fixtures.waived("EVA-05", invented)

worse := compared({"diff_bp": -900, "low_bp": -1000, "high_bp": -800})

uncompared := data.sekisho.fixtures.changed({"evidence": {"comparisons": []}})

test_eva_06_fails_where_worse if data.sekisho.fixtures.status("EVA-06", worse) == "failed"

test_eva_06_is_inconclusive_across_the_margin if {
	data.sekisho.fixtures.status("EVA-06", compared({"low_bp": -301, "high_bp": 100})) == "inconclusive"
}

test_eva_06_is_missing_without_a_comparison if {
	found := data.sekisho.fixtures.rule("EVA-06", uncompared)
	found.status == "missing"
	contains(found.remedy, fixtures.baseline)
}

test_eva_06_is_missing_against_another_baseline if {
	data.sekisho.fixtures.status("EVA-06", compared({"baseline": fixtures.other})) == "missing"
}

test_eva_06_passes_where_no_version_stands if {
	first := {key: value | some key, value in uncompared; key != "current"}
	data.sekisho.fixtures.status("EVA-06", first) == "passed"
}

test_eva_06_can_be_waived if {
	data.sekisho.fixtures.waived("EVA-06", worse)
	data.sekisho.fixtures.waived("EVA-06", uncompared)
}
