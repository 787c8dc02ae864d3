package sekisho.licences_test

fixtures := data.sekisho.fixtures

licensed(licence) := data.sekisho.fixtures.node(fixtures.corpus, {"facts": {"licence": licence}})

test_lic_01_passes if data.sekisho.fixtures.status("LIC-01", fixtures.promotion) == "passed"

test_lic_01_passes_by_an_alternative if {
	data.sekisho.fixtures.status("LIC-01", licensed("GPL-3.0-only OR MIT")) == "passed"
}

test_lic_01_fails_off_the_list if {
	found := data.sekisho.fixtures.rule("LIC-01", licensed("CC-BY-NC-4.0"))
	found.status == "failed"
	found.observed == "CC-BY-NC-4.0"
}

test_lic_01_fails_on_a_conjunction if data.sekisho.fixtures.status("LIC-01", licensed("MIT AND CC-BY-NC-4.0")) == "failed"

undeclared := data.sekisho.fixtures.only({
	fixtures.agent: fixtures.promotion.lineage.nodes[fixtures.agent],
	fixtures.model: {
		"kind": "model", "name": "smollm", "digest": fixtures.model,
		"integrity": "verified", "archived": false, "revoked": false,
		"facts": {"name": "smollm", "family": "smollm", "pinned": true},
	},
})

test_lic_01_is_missing_where_undeclared if data.sekisho.fixtures.status("LIC-01", undeclared) == "missing"

test_lic_01_is_missing_for_an_empty_closure if {
	data.sekisho.fixtures.status("LIC-01", data.sekisho.fixtures.only({})) == "missing"
}

test_lic_01_can_be_waived if data.sekisho.fixtures.waived("LIC-01", licensed("CC-BY-NC-4.0"))
