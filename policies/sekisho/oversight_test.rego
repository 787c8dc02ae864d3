package sekisho.oversight_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

given(approvals) := data.sekisho.fixtures.changed({"approvals": approvals})

approved(patch) := given([object.union(sound.approvals[0], patch)])

test_ovs_01_passes if data.sekisho.fixtures.status("OVS-01", sound) == "passed"

test_ovs_01_is_missing_without_an_approval if {
	found := data.sekisho.fixtures.rule("OVS-01", given([]))
	found.status == "missing"
	contains(found.remedy, concat("", ["--to production --evidence ", sound.evidence.hash]))
}

test_ovs_01_is_missing_once_lapsed if {
	every patch in [
		{"digest": fixtures.other},
		{"stage": "staging"},
		{"evidence_hash": fixtures.other},
		{"expires_at": sound.now},
		{"at": sound.now + 1},
		{"at": sound.now - 604800001},
	] {
		data.sekisho.fixtures.status("OVS-01", approved(patch)) == "missing"
	}
}

test_ovs_01_fails_for_who_may_not_approve if {
	every patch in [
		{"kind": "service"},
		{"has_role": false},
		{"principal": "alice"},
		{"principal": "ci"},
		{"independent": false, "reasons": ["made by alice"]},
	] {
		data.sekisho.fixtures.status("OVS-01", approved(patch)) == "failed"
	}
}

test_ovs_01_needs_as_many_people_as_the_stage_says if {
	two := object.union(
		fixtures.parameters,
		{"stages": {"production": {"rules": {"OVS-01": {"parameters": {"approvals": 2}}}}}},
	)
	twice := given([sound.approvals[0], object.union(sound.approvals[0], {"id": "again"})])
	same := data.sekisho.gate.decision with input as twice with data.parameters as two
	same.rules["OVS-01"].status == "missing"
	pair := given([sound.approvals[0], object.union(sound.approvals[0], {"id": "again", "principal": "dana"})])
	both := data.sekisho.gate.decision with input as pair with data.parameters as two
	both.rules["OVS-01"].status == "passed"
}

test_ovs_01_cannot_be_waived if not data.sekisho.fixtures.waived("OVS-01", given([]))

test_ovs_01_counts_until_the_stage_calls_it_stale if {
	data.sekisho.fixtures.status("OVS-01", approved({"at": sound.now - 604800000})) == "passed"
	found := data.sekisho.fixtures.rule("OVS-01", approved({"at": sound.now - 604800001}))
	contains(found.message, "is older than 7 days")
}

involved(someone) := data.sekisho.fixtures.changed({"involved": [sound.involved[0], someone]})

test_ovs_02_passes if data.sekisho.fixtures.status("OVS-02", sound) == "passed"

test_ovs_02_passes_for_the_author_of_the_commit if {
	dana := {"principal": "dana", "because": "commit_author", "kind": "person"}
	data.sekisho.fixtures.status("OVS-02", involved(dana)) == "passed"
}

test_ovs_02_is_inconclusive_for_an_author_whom_nobody_knows if {
	found := data.sekisho.fixtures.rule("OVS-02", involved({"principal": "Eve <e@x.org>", "because": "commit_author"}))
	found.status == "inconclusive"
	contains(found.message, "Eve <e@x.org> is not known here")
}

test_ovs_02_is_missing_where_only_services_had_a_hand_in_it if {
	every someone in [
		{"principal": "robot", "because": "author", "kind": "service"},
		{"principal": "robot", "because": "commit_author", "kind": "service"},
		{"principal": "dana", "because": "requester", "kind": "person"},
	] {
		data.sekisho.fixtures.status("OVS-02", involved(someone)) == "missing"
	}
}

test_ovs_02_cannot_be_waived if {
	robot := involved({"principal": "robot", "because": "author", "kind": "service"})
	not data.sekisho.fixtures.waived("OVS-02", robot)
}
