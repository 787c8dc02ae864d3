package sekisho.provenance_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

corpus(facts) := data.sekisho.fixtures.node(fixtures.corpus, {"facts": facts})

anonymous := corpus({"sources": []})

test_lin_08_passes if data.sekisho.fixtures.status("LIN-08", sound) == "passed"

test_lin_08_is_missing_without_a_source if {
	found := data.sekisho.fixtures.rule("LIN-08", anonymous)
	found.status == "missing"
	contains(found.remedy, "give each folder of corpus/handbook in sekisho.yaml its `uri`")
	endswith(found.remedy, "then: `sekisho apply && sekisho eval`")
}

test_lin_08_fails_without_a_hash if {
	found := data.sekisho.fixtures.rule("LIN-08", corpus({"sources": [{"uri": "https://example.org/a"}]}))
	found.status == "failed"
	found.message == "source https://example.org/a of corpus/handbook@333333333333 has no hash"
}

# Of a source that does not say when it was retrieved, the time of the registration is the time.
timeless := [{"uri": "https://example.org/a", "digest": "git:c0ffee"}]

test_lin_08_takes_the_registration_for_the_time if {
	data.sekisho.fixtures.status("LIN-08", corpus({"sources": timeless})) == "passed"
}

# A union only adds: the node is put together anew, without its time.
undated := data.sekisho.fixtures.only({fixtures.corpus: object.union(rest, {"facts": {"sources": timeless}})}) if {
	rest := {key: value | some key, value in sound.lineage.nodes[fixtures.corpus]; not key in {"registered_at", "facts"}}
}

test_lin_08_fails_without_any_time if data.sekisho.fixtures.status("LIN-08", undated) == "failed"

test_lin_08_is_missing_without_a_corpus if {
	data.sekisho.fixtures.status("LIN-08", data.sekisho.fixtures.only({})) == "missing"
}

test_lin_08_can_be_waived if data.sekisho.fixtures.waived("LIN-08", anonymous)

test_lin_08_does_not_concern_a_roll_back if {
	found := data.sekisho.fixtures.decision(object.union(anonymous, {"action": "rollback"}))
	found.rules["LIN-08"].status == "not_applicable"
}

test_lin_08_does_not_concern_a_prompt if {
	found := data.sekisho.fixtures.decision(data.sekisho.fixtures.changed({"subject": {"kind": "prompt"}}))
	found.rules["LIN-08"].status == "not_applicable"
	found.rules["LIN-09"].status == "not_applicable"
}

gone := corpus({"absent": 2})

test_lin_09_passes if data.sekisho.fixtures.status("LIN-09", sound) == "passed"

test_lin_09_fails_where_bytes_are_gone if {
	found := data.sekisho.fixtures.rule("LIN-09", gone)
	found.status == "failed"
	found.message == "corpus/handbook@333333333333: the bytes of 2 files are gone"
	contains(found.remedy, "`sekisho apply`")
}

test_lin_09_is_missing_where_nobody_looked if {
	node := {key: value | some key, value in sound.lineage.nodes[fixtures.corpus]; key != "facts"}
	blind := object.union(node, {"facts": {"sources": [], "files": 1}})
	data.sekisho.fixtures.status("LIN-09", data.sekisho.fixtures.only({fixtures.corpus: blind})) == "missing"
}

test_lin_09_is_missing_without_a_corpus if {
	data.sekisho.fixtures.status("LIN-09", data.sekisho.fixtures.only({})) == "missing"
}

back(document) := object.union(document, {"action": "rollback", "formerly_allowed": true})

test_lin_09_holds_a_roll_back_too if {
	data.sekisho.fixtures.decision(back(sound)).allow
	found := data.sekisho.fixtures.decision(back(gone))
	"LIN-09" in found.blocking
}

unbuilt := back(object.union(whole, {"lineage": object.union(lineage, {"nodes": object.union(others, {fixtures.index: index})})})) if {
	whole := {key: value | some key, value in sound; key != "lineage"}
	lineage := {key: value | some key, value in sound.lineage; key != "nodes"}
	others := {digest: node | some digest, node in sound.lineage.nodes; digest != fixtures.index}
	node := sound.lineage.nodes[fixtures.index]
	facts := {key: value | some key, value in node.facts; key != "built_at"}
	index := object.union({key: value | some key, value in node; key != "facts"}, {"facts": facts})
}

test_lin_09_lets_nothing_return_to_an_index_that_is_gone if {
	found := data.sekisho.fixtures.rule("LIN-09", unbuilt)
	found.status == "failed"
	found.message == "index/handbook@444444444444 is not built here any more"
}

test_lin_09_cannot_be_waived if not data.sekisho.fixtures.waived("LIN-09", gone)
