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

assessed(patch) := data.sekisho.fixtures.changed({"evidence": {"attested": [object.union(
	sound.evidence.attested[0],
	patch,
)]}})

unassessed := data.sekisho.fixtures.changed({"evidence": {"attested": []}})

test_doc_03_passes if {
	found := data.sekisho.fixtures.rule("DOC-03", sound)
	found.status == "passed"
	contains(found.message, "was attested by bob as approver and stands for 90 days more")
}

test_doc_03_is_missing_without_the_document if {
	found := data.sekisho.fixtures.rule("DOC-03", unassessed)
	found.status == "missing"
	contains(found.remedy, concat("", [fixtures.system, " --type risk-assessment --file risk-assessment.md --days 90"]))
}

test_doc_03_is_missing_once_it_lapsed if {
	every patch in [
		{"withdrawn": true},
		{"expires_at": sound.now},
		{"at": sound.now + 1},
		{"has_role": false},
		{"role": "author"},
		{"subject": fixtures.other},
		{"type": "licence"},
		{"origin": "imported"},
		{"expires_at": sound.now + 31536000000},
	] {
		data.sekisho.fixtures.status("DOC-03", assessed(patch)) == "missing"
	}
}

test_doc_03_takes_the_newest_document if {
	newer := object.union(sound.evidence.attested[0], {"id": "newer", "at": sound.now, "withdrawn": true})
	document := data.sekisho.fixtures.changed({"evidence": {"attested": [newer, sound.evidence.attested[0]]}})
	data.sekisho.fixtures.status("DOC-03", document) == "missing"
}

test_doc_03_asks_nothing_of_a_class_that_the_stage_spares if {
	minimal := object.union(system({"risk_class": "minimal"}), {"evidence": {"attested": []}})
	data.sekisho.fixtures.status("DOC-03", minimal) == "passed"
	prohibited := object.union(system({"risk_class": "prohibited"}), {"evidence": {"attested": []}})
	data.sekisho.fixtures.status("DOC-03", prohibited) == "missing"
}

test_doc_03_is_missing_without_a_system if {
	data.sekisho.fixtures.status("DOC-03", data.sekisho.fixtures.only({})) == "missing"
}

test_doc_03_can_be_waived if data.sekisho.fixtures.waived("DOC-03", unassessed)

test_doc_04_passes if data.sekisho.fixtures.status("DOC-04", sound) == "passed"

test_doc_04_is_missing_without_a_notice if {
	data.sekisho.fixtures.status("DOC-04", system({"ai_notice_set": false})) == "missing"
}

test_doc_04_is_missing_without_a_system if {
	data.sekisho.fixtures.status("DOC-04", data.sekisho.fixtures.only({})) == "missing"
}

# The day before Article 50 applies.
test_doc_04_and_05_warn_until_in_force if {
	unmarked := object.union(system({"ai_notice_set": false, "output_marking": []}), {"now": 1785628799999})
	found := data.sekisho.fixtures.decision(unmarked)
	every id in {"DOC-04", "DOC-05"} {
		found.rules[id].mode == "warn"
		found.rules[id].status == "missing"
		not id in found.required
	}
}

test_doc_04_can_be_waived if data.sekisho.fixtures.waived("DOC-04", system({"ai_notice_set": false}))

test_doc_05_passes if data.sekisho.fixtures.status("DOC-05", sound) == "passed"

test_doc_05_fails_on_marks_that_only_people_read if {
	found := data.sekisho.fixtures.rule("DOC-05", system({"output_marking": ["label"]}))
	found.status == "failed"
	found.observed == "label"
}

test_doc_05_is_missing_without_marks if {
	data.sekisho.fixtures.status("DOC-05", system({"output_marking": []})) == "missing"
}

test_doc_05_is_missing_without_a_system if {
	data.sekisho.fixtures.status("DOC-05", data.sekisho.fixtures.only({})) == "missing"
}

test_doc_05_can_be_waived if data.sekisho.fixtures.waived("DOC-05", system({"output_marking": ["label"]}))
