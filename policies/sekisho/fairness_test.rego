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
	every id in ["FAI-01", "FAI-02", "FAI-03"] {
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
	startswith(found.remedy, "sekisho run report ")
	contains(found.remedy, "a hybrid retriever")
	endswith(found.remedy, "then: sekisho apply && sekisho eval")
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
