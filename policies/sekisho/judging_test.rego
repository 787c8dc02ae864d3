package sekisho.judging_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

judge := "sha256:0202020202020202020202020202020202020202020202020202020202020202"

labels := "sha256:0303030303030303030303030303030303030303030303030303030303030303"

# The answers judged by a model of the family qwen, which these qualifications speak for.
judged(instruments, qualifications) := object.union(
	data.sekisho.fixtures.runs([fixtures.retrieval, object.union(fixtures.answers, {
		"instruments": instruments,
		"metrics": {"hallucinated": {"scorer": "judge.faithfulness"}},
	})]),
	{"evidence": {"qualifications": qualifications}},
)

instrument := {"scorer": "judge.faithfulness", "digest": judge, "family": "qwen"}

qualified := {
	"instrument": judge,
	"name": "ollama/qwen",
	"labels": labels,
	"n": 400,
	"scored": 398,
	"kappa_bp": 7200,
	"low_bp": 6400,
	"high_bp": 7900,
	"sensitivity_bp": 8800,
	"specificity_bp": 9000,
	"at": sound.now - 86400000,
	"origin": "measured",
}

by(patch) := judged([instrument], [object.union(qualified, patch)])

given(rule, parameters, document) := result if {
	patch := {"stages": {"production": {"rules": {rule: {"parameters": parameters}}}}}
	result := data.sekisho.gate.decision with input as document
		with data.parameters as object.union(fixtures.parameters, patch)
}

status(id, document) := data.sekisho.fixtures.status(id, document)

test_eva_07_passes_where_no_limit_reads_a_judged_metric if {
	found := data.sekisho.fixtures.rule("EVA-07", sound)
	found.status == "passed"
	found.message == "no limit here reads a judged metric"
}

test_eva_07_passes_for_a_qualified_judge_of_another_family if {
	status("EVA-07", by({})) == "passed"
	status("EVA-05", by({})) == "passed"
}

test_eva_07_passes_at_the_limit if status("EVA-07", by({"low_bp": 6000})) == "passed"

test_eva_07_fails_where_the_judge_agrees_too_little if {
	found := data.sekisho.fixtures.rule("EVA-07", by({"low_bp": 400, "kappa_bp": 1000, "high_bp": 1900}))
	found.status == "failed"
	contains(found.observed, "kappa 4.00 % to 19.00 %")
	startswith(found.remedy, "sekisho judge qualify ")
}

test_eva_07_is_inconclusive_across_the_limit if {
	status("EVA-07", by({"low_bp": 5999})) == "inconclusive"
	status("EVA-05", by({"low_bp": 5999})) == "inconclusive"
}

test_eva_07_is_missing_without_a_qualification_that_counts if {
	every document in [
		judged([instrument], []),
		by({"instrument": fixtures.other}),
		by({"origin": "imported"}),
		by({"origin": "attested"}),
		by({"at": sound.now + 1}),
		by({"low_bp": 8000, "high_bp": 7000}),
	] {
		status("EVA-07", document) == "missing"
		status("EVA-05", document) == "inconclusive"
	}
}

test_eva_07_takes_the_least_of_several_qualifications if {
	worse := object.union(qualified, {"labels": fixtures.other, "low_bp": 5000})
	status("EVA-07", judged([instrument], [qualified, worse])) == "inconclusive"
}

test_eva_07_takes_only_the_labels_that_policy_pins if {
	worse := object.union(qualified, {"labels": fixtures.other, "low_bp": 5000})
	given("EVA-07", {"labels": [labels]}, judged([instrument], [qualified, worse])).rules["EVA-07"].status == "passed"
	given("EVA-07", {"labels": [fixtures.other]}, by({})).rules["EVA-07"].status == "missing"
}

test_eva_07_is_missing_where_the_judge_is_not_told if {
	status("EVA-07", judged([], [qualified])) == "missing"
	status("EVA-05", judged([], [qualified])) == "inconclusive"
}

test_eva_07_is_missing_where_the_scorer_is_not_told if {
	silent := data.sekisho.fixtures.runs([fixtures.retrieval, object.union(
		{key: value | some key, value in fixtures.answers; key != "metrics"},
		{"metrics": {"hallucinated": {key: value |
			some key, value in fixtures.answers.metrics.hallucinated
			key != "scorer"
		}}},
	)])
	status("EVA-07", silent) == "missing"
	status("EVA-08", silent) == "missing"
	status("EVA-05", silent) == "inconclusive"
}

test_eva_07_fails_on_a_judge_of_the_same_family if {
	own := judged([object.union(instrument, {"family": "extractive"})], [qualified])
	found := data.sekisho.fixtures.rule("EVA-07", own)
	found.status == "failed"
	contains(found.message, "judges its own family")
	given("EVA-07", {"same_family": true}, own).rules["EVA-07"].status == "passed"
}

test_eva_07_reads_the_family_that_the_run_recorded_too if {
	document := judged([instrument], [qualified])
	runs := [document.evidence.runs[0], object.union(document.evidence.runs[1], {"engine": {"family": "qwen"}})]
	status("EVA-07", object.union(document, {"evidence": {"runs": runs}})) == "failed"
}

test_eva_07_is_missing_where_the_family_is_not_told if {
	status("EVA-07", judged([{"scorer": "judge.faithfulness", "digest": judge}], [qualified])) == "missing"
	nameless := object.union(by({}), {"lineage": {"nodes": {fixtures.model: {"facts": {"family": ""}}}}})
	status("EVA-07", nameless) == "missing"
}

test_eva_07_asks_for_other_scorers_where_policy_names_them if {
	given("EVA-07", {"scorers": ["grounding"]}, sound).rules["EVA-07"].status == "missing"
}

test_eva_07_is_missing_without_a_kappa_in_the_policy_data if {
	bare := {"stages": {"production": {"mode": "enforce", "rules": {"EVA-02": {"parameters": {"max_age_ms": 2592000000}}}}}}
	rest := {key: value | some key, value in fixtures.parameters; key != "stages"}
	found := data.sekisho.gate.decision with input as by({}) with data.parameters as object.union(rest, bare)
	found.rules["EVA-07"].status == "missing"
	"EVA-07" in found.blocking
}

test_eva_07_cannot_be_waived if not data.sekisho.fixtures.waived("EVA-07", judged([instrument], []))

test_eva_07_and_eva_08_are_missing_without_runs if {
	status("EVA-07", data.sekisho.fixtures.runs([])) == "missing"
	status("EVA-08", data.sekisho.fixtures.runs([])) == "missing"
}

test_eva_07_and_eva_08_do_not_concern_a_roll_back if {
	found := data.sekisho.fixtures.decision(object.union(sound, {"action": "rollback"}))
	found.rules["EVA-07"].status == "not_applicable"
	found.rules["EVA-08"].status == "not_applicable"
}

carrying(controls) := data.sekisho.fixtures.runs([fixtures.retrieval, object.union(fixtures.answers, {"controls": controls})])

caught := {"planned": 5, "missed": 1, "allowed": 1, "missed_cases": ["c1"]}

test_eva_08_passes_where_the_scorers_caught_their_controls if {
	found := data.sekisho.fixtures.rule("EVA-08", carrying(caught))
	found.status == "passed"
	found.observed == "1 of 5 control cases missed, 1 allowed"
	given("EVA-08", {"min_controls": 5}, carrying(caught)).rules["EVA-08"].status == "passed"
}

test_eva_08_asks_for_none_where_the_policy_data_does_not_say if status("EVA-08", sound) == "passed"

test_eva_08_is_missing_where_there_are_too_few if {
	given("EVA-08", {"min_controls": 6}, carrying(caught)).rules["EVA-08"].status == "missing"
	given("EVA-08", {"min_controls": 1}, sound).rules["EVA-08"].status == "missing"
}

test_eva_08_is_inconclusive_where_too_many_were_missed if {
	status("EVA-08", carrying(object.union(caught, {"missed": 2}))) == "inconclusive"
}

test_eva_08_cannot_be_waived if {
	not data.sekisho.fixtures.waived("EVA-08", carrying(object.union(caught, {"missed": 2})))
}
