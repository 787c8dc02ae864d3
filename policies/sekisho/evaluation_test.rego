package sekisho.evaluation_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

rules := ["EVA-01", "EVA-02", "EVA-03", "EVA-04", "EVA-05"]

without_answers := data.sekisho.fixtures.runs([fixtures.retrieval])

answered(patch) := data.sekisho.fixtures.runs([fixtures.retrieval, object.union(fixtures.answers, patch)])

rated(patch) := answered({"metrics": {"hallucinated": patch}})

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

imported := answered({"origin": "imported", "producer": "lab"})

taking(parameters) := result if {
	changed := {"stages": {"production": {"rules": {"EVA-01": {"parameters": parameters}}}}}
	result := data.sekisho.gate.decision with input as imported
		with data.parameters as object.union(fixtures.parameters, changed)
}

test_eva_01_passes_for_an_import_that_policy_names if {
	taking({"origins": ["measured", "imported"], "producers": ["lab"]}).rules["EVA-01"].status == "passed"
}

test_eva_01_is_missing_for_an_import_by_a_producer_that_policy_does_not_name if {
	found := taking({"origins": ["measured", "imported"], "producers": ["elsewhere"]}).rules["EVA-01"]
	found.status == "missing"
	said := "run run-docs-answers of suite/docs-answers does not count: it was imported by lab, whom the policy data does not name as a producer"
	said in found.details
}

test_eva_01_says_why_an_imported_run_does_not_count if {
	found := taking({"producers": ["lab"]}).rules["EVA-01"]
	found.status == "missing"
	said := "run run-docs-answers of suite/docs-answers does not count: it is imported, and production counts measured runs only"
	said in found.details
}

test_eva_01_takes_measured_runs_where_policy_data_names_no_origin if {
	bare := {"stages": {"production": {"mode": "enforce", "rules": {"EVA-02": {"parameters": {"max_age_ms": 2592000000}}}}}}
	rest := {key: value | some key, value in fixtures.parameters; key != "stages"}
	unnamed := object.union(rest, bare)
	measured := data.sekisho.gate.decision with input as sound with data.parameters as unnamed
	brought := data.sekisho.gate.decision with input as imported with data.parameters as unnamed
	measured.rules["EVA-01"].status == "passed"
	brought.rules["EVA-01"].status == "missing"
}

test_eva_01_is_inconclusive_for_a_run_without_a_result if {
	data.sekisho.fixtures.status("EVA-01", answered({"state": "inconclusive"})) == "inconclusive"
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

test_eva_04_and_eva_05_read_the_pessimistic_bounds if {
	low := data.sekisho.fixtures.measured("mrr", {"pessimistic_low_bp": 3999, "pessimistic_high_bp": 6700})
	data.sekisho.fixtures.status("EVA-04", low) == "inconclusive"
	data.sekisho.fixtures.status("EVA-05", rated({"pessimistic_high_bp": 501})) == "inconclusive"
	data.sekisho.fixtures.status("EVA-05", rated({"pessimistic_high_bp": 0})) == "passed"
}

test_eva_05_is_missing_without_the_metric if {
	silent := data.sekisho.fixtures.runs([fixtures.retrieval, {key: value |
		some key, value in object.union(fixtures.answers, {"id": "silent"})
		key != "metrics"
	}])
	data.sekisho.fixtures.status("EVA-05", silent) == "missing"
}

test_eva_05_cannot_be_waived if not data.sekisho.fixtures.waived("EVA-05", invented)
