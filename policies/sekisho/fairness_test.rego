package sekisho.fairness_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

japanese(patch) := data.sekisho.fixtures.measured("recall@5", {"slices": {"language": {"ja": patch}}})

parted(patch) := data.sekisho.fixtures.measured("recall@5", {"gaps": {"language": patch}})

# The retrieval run with nothing sliced: a union only adds, so the metric is put together anew.
unsliced := data.sekisho.fixtures.runs([run, fixtures.answers]) if {
	metric := object.union(
		{key: value | some key, value in fixtures.retrieval.metrics["recall@5"]; not key in {"slices", "gaps"}},
		{"slices": {}, "gaps": {}},
	)
	metrics := {name: kept | some name, kept in fixtures.retrieval.metrics; name != "recall@5"}
	rest := {key: value | some key, value in fixtures.retrieval; key != "metrics"}
	run := object.union(rest, {"metrics": object.union(metrics, {"recall@5": metric})})
}

test_all_pass if {
	every id in ["FAI-01", "FAI-02", "FAI-03", "FAI-04", "FAI-05"] {
		data.sekisho.fixtures.status(id, sound) == "passed"
	}
}

test_all_are_missing_without_slices if {
	found := data.sekisho.fixtures.decision(unsliced)
	every id in ["FAI-01", "FAI-02", "FAI-03"] {
		found.rules[id].status == "missing"
		id in found.blocking
	}
}

test_fai_01_fails_on_too_few_cases if data.sekisho.fixtures.status("FAI-01", japanese({"n": 149})) == "failed"

test_fai_01_can_be_waived if data.sekisho.fixtures.waived("FAI-01", japanese({"n": 149}))

gap := parted({"gap_bp": 4120, "low_bp": 3500, "high_bp": 4733})

test_fai_02_fails_over_the_limit_and_says_why if {
	found := data.sekisho.fixtures.rule("FAI-02", gap)
	found.status == "failed"
	contains(found.message, "by language (en over ja) is 41.20 %, interval 35.00 % to 47.33 %, and is over its limit")
	contains(found.message, "worst cases: q-017-ja, q-101-ja, q-003-ja")
	found.observed == "41.20 % (35.00 % to 47.33 %)"
	startswith(found.remedy, "`sekisho run report ")
	contains(found.remedy, "a hybrid retriever")
	endswith(found.remedy, "then: `sekisho apply && sekisho eval`")
}

test_fai_02_is_inconclusive_across_the_limit if {
	data.sekisho.fixtures.status("FAI-02", parted({"low_bp": 900, "high_bp": 1001})) == "inconclusive"
}

test_fai_02_cannot_be_waived if not data.sekisho.fixtures.waived("FAI-02", gap)

test_fai_02_warns_at_staging if {
	early := object.union(gap, {"stage": "staging", "from_stages": ["dev"]})
	found := data.sekisho.fixtures.decision(early)
	found.rules["FAI-02"].mode == "warn"
	found.rules["FAI-02"].status == "failed"
	not "FAI-02" in found.required
}

behind := japanese({"low_bp": 3000, "mean_bp": 3500, "high_bp": 4000})

test_fai_03_fails_below_the_floor if data.sekisho.fixtures.status("FAI-03", behind) == "failed"

test_fai_03_is_inconclusive_across_the_floor if {
	data.sekisho.fixtures.status("FAI-03", japanese({"low_bp": 4999, "high_bp": 6000})) == "inconclusive"
}

test_fai_03_can_be_waived if data.sekisho.fixtures.waived("FAI-03", behind)

asked(patch) := data.sekisho.fixtures.measured("recall@5", {"flips": {"asker": patch}})

# A union only adds: the metric is put together anew.
unflipped := data.sekisho.fixtures.runs([object.union(rest, {"metrics": metrics}), fixtures.answers]) if {
	rest := {key: value | some key, value in fixtures.retrieval; key != "metrics"}
	recall := {key: value | some key, value in fixtures.retrieval.metrics["recall@5"]; key != "flips"}
	metrics := object.union(
		{name: kept | some name, kept in fixtures.retrieval.metrics; name != "recall@5"},
		{"recall@5": recall},
	)
}

react := asked({"excess_bp": 1400, "low_bp": 900, "high_bp": 2000})

test_fai_04_fails_where_a_name_changes_the_score if {
	found := data.sekisho.fixtures.rule("FAI-04", react)
	found.status == "failed"
	contains(found.message, "the variants are not treated alike; pairs that differ most: q-031")
	found.observed == "an excess of 14.00 % (9.00 % to 20.00 %) over 100 of 100 pairs"
}

test_fai_04_is_inconclusive_across_the_limit if {
	data.sekisho.fixtures.status("FAI-04", asked({"low_bp": 100, "high_bp": 501})) == "inconclusive"
}

test_fai_04_is_inconclusive_where_few_pairs_could_be_compared if {
	data.sekisho.fixtures.status("FAI-04", asked({"n": 79})) == "inconclusive"
}

test_fai_04_is_missing_without_flips if data.sekisho.fixtures.status("FAI-04", unflipped) == "missing"

test_fai_04_believes_no_unqualified_judge if {
	judged := data.sekisho.fixtures.measured("recall@5", {"scorer": "judge.correctness"})
	data.sekisho.fixtures.status("FAI-04", judged) == "inconclusive"
}

test_fai_04_can_be_waived if data.sekisho.fixtures.waived("FAI-04", react)

refused(patch) := data.sekisho.fixtures.runs([
	fixtures.retrieval,
	object.union(fixtures.answers, {"metrics": {"abstained": {"gaps": {"language": patch}}}}),
])

turned_away := refused({"gap_bp": 3656, "low_bp": 2202, "high_bp": 5150})

test_fai_05_fails_where_a_group_is_turned_away if {
	found := data.sekisho.fixtures.rule("FAI-05", turned_away)
	found.status == "failed"
	contains(found.message, "the gap in abstained of suite/docs-answers by language (en over ja) is 36.56 %")
}

test_fai_05_is_inconclusive_across_the_limit if {
	data.sekisho.fixtures.status("FAI-05", refused({"low_bp": 100, "high_bp": 1501})) == "inconclusive"
}

without_answers := data.sekisho.fixtures.runs([fixtures.retrieval])

test_fai_05_is_missing_without_a_run if data.sekisho.fixtures.status("FAI-05", without_answers) == "missing"

test_fai_05_can_be_waived if data.sekisho.fixtures.waived("FAI-05", turned_away)

test_no_prompt_is_judged_for_fairness if {
	found := data.sekisho.fixtures.decision(data.sekisho.fixtures.changed({"subject": {"kind": "prompt"}}))
	every id in ["FAI-01", "FAI-02", "FAI-03", "FAI-04", "FAI-05", "FAI-06"] {
		found.rules[id].status == "not_applicable"
	}
}
