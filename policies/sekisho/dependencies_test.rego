package sekisho.dependencies_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

begun := fixtures.retrieval.started_at

rebuilt(moment) := data.sekisho.fixtures.node(fixtures.index, {"facts": {"built_at": moment}})

test_eva_09_passes if data.sekisho.fixtures.status("EVA-09", sound) == "passed"

test_eva_09_passes_where_both_are_of_one_moment if data.sekisho.fixtures.status("EVA-09", rebuilt(begun)) == "passed"

test_eva_09_fails_where_the_index_was_built_later if {
	found := data.sekisho.fixtures.rule("EVA-09", rebuilt(begun + 5000))
	found.status == "failed"
	found.observed == "begun 5 s before index/handbook@444444444444 was built"
	startswith(found.remedy, "sekisho eval default/agent/docs-assistant@sha256:6666")
}

test_eva_09_fails_where_a_part_was_registered_later if {
	later := data.sekisho.fixtures.node(fixtures.prompt, {"registered_at": begun + 1})
	data.sekisho.fixtures.status("EVA-09", later) == "failed"
}

# The first run is pooled whatever came after; it is a further one that shows the present parts measured.
test_eva_09_asks_for_one_run_that_is_new_enough if {
	again := object.union(fixtures.retrieval, {"id": "run-later", "started_at": begun + 9000})
	both := object.union(rebuilt(begun + 5000), {"evidence": {"runs": [fixtures.retrieval, again, fixtures.answers]}})
	found := data.sekisho.fixtures.rule("EVA-09", both)
	found.status == "failed"
	found.message == "suite/docs-answers was measured on parts that are older than the present ones"
}

test_eva_09_is_missing_without_a_run if {
	data.sekisho.fixtures.status("EVA-09", data.sekisho.fixtures.runs([fixtures.retrieval])) == "missing"
}

test_eva_09_is_missing_where_a_run_does_not_say_when_it_began if {
	silent := {key: value | some key, value in fixtures.answers; key != "started_at"}
	data.sekisho.fixtures.status("EVA-09", data.sekisho.fixtures.runs([fixtures.retrieval, silent])) == "missing"
}

test_eva_09_is_missing_where_a_part_has_no_time if {
	node := {key: value | some key, value in sound.lineage.nodes[fixtures.prompt]; key != "registered_at"}
	data.sekisho.fixtures.status("EVA-09", data.sekisho.fixtures.only({fixtures.prompt: node})) == "missing"
}

test_eva_09_cannot_be_waived if not data.sekisho.fixtures.waived("EVA-09", rebuilt(begun + 5000))

test_eva_09_does_not_concern_a_roll_back if {
	found := data.sekisho.fixtures.decision(data.sekisho.fixtures.changed({"action": "rollback"}))
	found.rules["EVA-09"].status == "not_applicable"
	found.rules["EVA-10"].status == "not_applicable"
}
