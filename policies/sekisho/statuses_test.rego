# What holds of every rule alike, whichever it is.
package sekisho.statuses_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

unmeasured := data.sekisho.fixtures.runs([])

always := {"LIN-01", "LIN-02", "LIN-03"}

back := data.sekisho.fixtures.changed({"action": "rollback", "formerly_allowed": true})

concerned(document) := {id |
	some id, finding in data.sekisho.fixtures.decision(document).rules
	finding.status != "not_applicable"
}

every_rule := object.keys(data.sekisho.rules.declared)

test_every_rule_passes_on_a_promotion_in_order if {
	found := data.sekisho.fixtures.decision(sound).rules
	every id in every_rule - {"LIN-07"} {
		found[id].status == "passed"
	}
}

test_every_rule_of_a_roll_back_passes_where_it_is_in_order if {
	found := data.sekisho.fixtures.decision(back).rules
	every id in always | {"LIN-07", "LIN-09"} {
		found[id].status == "passed"
	}
}

test_each_rule_but_those_of_integrity_has_what_it_does_not_concern if {
	concerned(back) == always | {"LIN-07", "LIN-09"}
	concerned(sound) == every_rule - {"LIN-07"}
	not "LIN-09" in concerned(data.sekisho.fixtures.changed({"subject": {"kind": "prompt"}}))
}

test_integrity_concerns_every_kind_and_action if {
	every kind in ["system", "prompt", "corpus", "index", "agent", "dataset", "suite", "model"] {
		every action in ["promote", "rollback"] {
			always & concerned(data.sekisho.fixtures.changed({"action": action, "subject": {"kind": kind}})) == always
		}
	}
}

test_nothing_measured_is_missing_evidence if {
	found := data.sekisho.fixtures.decision(unmeasured).rules
	every id in ["EVA-01", "EVA-02", "EVA-03", "EVA-04", "EVA-05", "EVA-07", "EVA-08", "EVA-09"] {
		found[id].status == "missing"
	}
	every id in ["FAI-01", "FAI-02", "FAI-03", "FAI-04", "FAI-05", "FAI-06"] {
		found[id].status == "missing"
	}
}

test_an_empty_closure_is_missing_evidence if {
	found := data.sekisho.fixtures.decision(data.sekisho.fixtures.only({})).rules
	every id in always {
		found[id].status != "passed"
	}
}

test_a_waived_rule_that_is_missing_shows_as_both if {
	waivable := fixtures.parameters.waivers.waivable
	every id in ["EVA-02", "EVA-03", "EVA-04", "FAI-01", "FAI-03", "FAI-04", "FAI-05", "FAI-06"] {
		id in waivable
		found := data.sekisho.fixtures.decision(object.union(unmeasured, {"waivers": [data.sekisho.fixtures.waiver(id)]})).rules[id]
		found.status == "missing"
		found.waived
	}
}
