package sekisho.licences_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

# The promotion with another scan of the corpus than its own.
scanned(findings) := data.sekisho.fixtures.changed({"evidence": {"licences": [
	object.union(sound.evidence.licences[0], {"findings": findings}),
	sound.evidence.licences[1],
	sound.evidence.licences[2],
]}})

said(words, alternatives) := {
	"source": "document",
	"place": "en/a.md",
	"said": words,
	"alternatives": alternatives,
	"count": 1,
}

declared := sound.evidence.licences[0].findings[0]

confirmation := {
	"id": "licence-1",
	"type": "licence",
	"subject": fixtures.corpus,
	"origin": "attested",
	"principal": "bob",
	"role": "approver",
	"has_role": true,
	"at": sound.now - 1,
	"expires_at": sound.now + 86400000,
	"withdrawn": false,
	"content": fixtures.other,
	"licence": [["Apache-2.0"]],
}

confirmed(document, patch) := object.union(document, {"evidence": {"attested": array.concat(
	sound.evidence.attested,
	[object.union(confirmation, patch)],
)}})

unscanned := data.sekisho.fixtures.changed({"evidence": {"licences": []}})

foreign := scanned([declared, said("CC-BY-NC-4.0", [["CC-BY-NC-4.0"]])])

unreadable := scanned([declared, said("all rights reserved", [])])

status(document) := data.sekisho.fixtures.status("LIC-01", document)

test_lic_01_passes if status(sound) == "passed"

test_lic_01_passes_by_an_alternative if {
	status(scanned([said("GPL-3.0-only OR MIT", [["GPL-3.0-only"], ["MIT"]])])) == "passed"
}

test_lic_01_fails_off_the_list_whatever_the_manifest_says if {
	found := data.sekisho.fixtures.rule("LIC-01", foreign)
	found.status == "failed"
	found.observed == "CC-BY-NC-4.0"
	contains(found.message, "en/a.md (document) says CC-BY-NC-4.0")
	endswith(found.remedy, "then: `sekisho apply && sekisho eval`")
}

test_lic_01_fails_on_a_conjunction if {
	status(scanned([said("MIT AND CC-BY-NC-4.0", [["CC-BY-NC-4.0", "MIT"]])])) == "failed"
}

test_lic_01_fails_on_an_alternative_of_nothing if status(scanned([said("", [[]])])) == "failed"

test_lic_01_is_inconclusive_where_nobody_can_say if {
	found := data.sekisho.fixtures.rule("LIC-01", unreadable)
	found.status == "inconclusive"
	contains(found.remedy, "--type licence --file licence.md --days 90")
}

test_lic_01_is_missing_without_a_scan if {
	found := data.sekisho.fixtures.rule("LIC-01", unscanned)
	found.status == "missing"
	contains(found.remedy, concat("", ["sekisho licence scan default/agent/docs-assistant@", fixtures.agent]))
}

test_lic_01_is_missing_where_only_others_scanned if {
	imported := object.union(sound.evidence.licences[0], {"origin": "imported"})
	status(data.sekisho.fixtures.changed({"evidence": {"licences": [imported]}})) == "missing"
}

test_lic_01_is_missing_where_nothing_says if status(scanned([])) == "missing"

test_lic_01_takes_the_newest_scan if {
	newer := object.union(sound.evidence.licences[0], {
		"id": "newer",
		"at": sound.now,
		"findings": [said("CC-BY-NC-4.0", [["CC-BY-NC-4.0"]])],
	})
	with_newer := array.concat([newer], sound.evidence.licences)
	status(data.sekisho.fixtures.changed({"evidence": {"licences": with_newer}})) == "failed"
}

test_lic_01_takes_a_persons_word_for_what_the_scan_cannot_tell if {
	status(confirmed(unreadable, {})) == "passed"
	status(confirmed(foreign, {})) == "passed"
	status(confirmed(unscanned, {})) == "missing"
	status(confirmed(sound, {"licence": [["CC-BY-NC-4.0"]]})) == "failed"
}

test_lic_01_takes_no_word_that_has_lapsed if {
	every patch in [
		{"withdrawn": true},
		{"expires_at": sound.now},
		{"at": sound.now + 1},
		{"has_role": false},
		{"role": "author"},
		{"subject": fixtures.other},
		{"type": "risk-assessment"},
		{"origin": "imported"},
		{"expires_at": sound.now + 31536000000},
	] {
		status(confirmed(unreadable, patch)) == "inconclusive"
	}
}

test_lic_01_is_missing_for_an_empty_closure if {
	status(data.sekisho.fixtures.only({})) == "missing"
}

test_lic_01_can_be_waived if data.sekisho.fixtures.waived("LIC-01", foreign)

test_lic_02_passes if data.sekisho.fixtures.status("LIC-02", sound) == "passed"

only_declared := data.sekisho.fixtures.changed({"evidence": {"licences": [
	sound.evidence.licences[0],
	sound.evidence.licences[1],
	object.union(sound.evidence.licences[2], {"findings": [sound.evidence.licences[2].findings[0]]}),
]}})

test_lic_02_is_missing_where_only_the_manifest_says_so if {
	found := data.sekisho.fixtures.rule("LIC-02", only_declared)
	found.status == "missing"
	contains(found.message, "model/extractive")
}

test_lic_02_is_missing_without_a_scan if data.sekisho.fixtures.status("LIC-02", unscanned) == "missing"

test_lic_02_is_missing_where_what_is_said_cannot_be_read if {
	found := object.union(sound.evidence.licences[2].findings[1], {"alternatives": []})
	mumbled := object.union(sound.evidence.licences[2], {"findings": [found]})
	document := data.sekisho.fixtures.changed({"evidence": {"licences": [sound.evidence.licences[1], mumbled]}})
	data.sekisho.fixtures.status("LIC-02", document) == "missing"
}

test_lic_02_passes_by_a_persons_word if {
	data.sekisho.fixtures.status("LIC-02", confirmed(only_declared, {"subject": fixtures.model})) == "passed"
}

test_lic_02_is_missing_where_policy_names_no_kinds if {
	bare := {"stages": {"production": {"mode": "enforce", "rules": {}}}}
	rest := {key: value | some key, value in fixtures.parameters; key != "stages"}
	found := data.sekisho.licences.results["LIC-02"] with input as sound with data.parameters as object.union(rest, bare)
	found.status == "missing"
}

test_lic_02_can_be_waived if data.sekisho.fixtures.waived("LIC-02", only_declared)
