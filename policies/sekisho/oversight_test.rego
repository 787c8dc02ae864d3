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
