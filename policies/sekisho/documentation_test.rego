package sekisho.documentation_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

cards(found) := data.sekisho.fixtures.changed({"evidence": {"cards": found}})

carded(patch) := cards([object.union(sound.evidence.cards[0], patch)])

system(facts) := data.sekisho.fixtures.node(fixtures.system, {"facts": facts})

test_doc_01_passes if data.sekisho.fixtures.status("DOC-01", sound) == "passed"

test_doc_01_fails_on_an_incomplete_card if {
	found := data.sekisho.fixtures.rule("DOC-01", carded({"fields": {"risks": false, "contact": false}}))
	found.status == "failed"
	contains(found.message, "lacks contact, risks")
}

test_doc_01_takes_the_latest_card if {
	half := object.union(sound.evidence.cards[0], {"id": "half", "created_at": sound.now, "fields": {"risks": false}})
	data.sekisho.fixtures.status("DOC-01", cards([half, sound.evidence.cards[0]])) == "failed"
}

test_doc_01_is_missing_without_a_card if data.sekisho.fixtures.status("DOC-01", cards([])) == "missing"

test_doc_01_is_missing_for_a_card_of_another_system if {
	data.sekisho.fixtures.status("DOC-01", carded({"subject": fixtures.other})) == "missing"
}

test_doc_01_is_missing_without_a_system if {
	only := {fixtures.agent: sound.lineage.nodes[fixtures.agent]}
	data.sekisho.fixtures.status("DOC-01", data.sekisho.fixtures.only(only)) == "missing"
}

test_doc_01_can_be_waived if data.sekisho.fixtures.waived("DOC-01", cards([]))

test_doc_02_passes if data.sekisho.fixtures.status("DOC-02", sound) == "passed"

test_doc_02_fails_on_a_prohibited_use if {
	data.sekisho.fixtures.status("DOC-02", system({"risk_class": "prohibited"})) == "failed"
}

test_doc_02_is_missing_without_an_owner if {
	data.sekisho.fixtures.status("DOC-02", system({"owner_set": false})) == "missing"
}

test_doc_02_cannot_be_waived if {
	not data.sekisho.fixtures.waived("DOC-02", system({"risk_class": "prohibited"}))
}
