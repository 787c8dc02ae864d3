package sekisho.languages_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

spoken(languages) := data.sekisho.fixtures.node(fixtures.corpus, {"facts": {"languages": languages}})

parted(patch) := data.sekisho.fixtures.measured("recall@5", {"gaps": {"language": patch}})

test_fai_06_passes if data.sekisho.fixtures.status("FAI-06", sound) == "passed"

test_fai_06_is_missing_for_a_language_that_nobody_measured if {
	found := data.sekisho.fixtures.rule("FAI-06", spoken(["en", "fr", "ja"]))
	found.status == "missing"
	found.message == "recall@5 of suite/docs-retrieval in fr: not measured"
	contains(found.remedy, "add cases of language fr")
}

test_fai_06_asks_nothing_of_one_language if data.sekisho.fixtures.status("FAI-06", spoken(["fr"])) == "passed"

test_fai_06_fails_over_the_limit if {
	data.sekisho.fixtures.status("FAI-06", parted({"gap_bp": 4120, "low_bp": 3500, "high_bp": 4733})) == "failed"
}

test_fai_06_is_inconclusive_across_the_limit if {
	data.sekisho.fixtures.status("FAI-06", parted({"low_bp": 900, "high_bp": 1001})) == "inconclusive"
}

test_fai_06_is_missing_without_a_run if {
	data.sekisho.fixtures.status("FAI-06", data.sekisho.fixtures.runs([fixtures.answers])) == "missing"
}

test_fai_06_is_missing_without_a_limit if {
	bare := {"stages": {"production": {"mode": "enforce", "rules": {}}}}
	rest := {key: value | some key, value in fixtures.parameters; key != "stages"}
	found := data.sekisho.languages.results["FAI-06"] with input as sound with data.parameters as object.union(rest, bare)
	found.status == "missing"
}

test_fai_06_can_be_waived if data.sekisho.fixtures.waived("FAI-06", spoken(["en", "fr", "ja"]))

test_fai_06_warns_at_staging if {
	early := object.union(spoken(["en", "fr", "ja"]), {"stage": "staging", "from_stages": ["dev"]})
	data.sekisho.fixtures.decision(early).rules["FAI-06"].mode == "warn"
}
