package sekisho.lineage_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

test_lin_01_passes if data.sekisho.fixtures.status("LIN-01", sound) == "passed"

test_lin_01_fails_on_altered_bytes if {
	altered := data.sekisho.fixtures.node(fixtures.prompt, {"integrity": "mismatch"})
	data.sekisho.fixtures.status("LIN-01", altered) == "failed"
}

test_lin_01_fails_on_another_root if {
	swapped := data.sekisho.fixtures.changed({"lineage": {"root": fixtures.index}})
	data.sekisho.fixtures.status("LIN-01", swapped) == "failed"
}

test_lin_01_does_not_pass_on_an_empty_closure if {
	data.sekisho.fixtures.status("LIN-01", data.sekisho.fixtures.only({})) != "passed"
}

test_lin_01_cannot_be_waived if {
	altered := data.sekisho.fixtures.node(fixtures.prompt, {"integrity": "mismatch"})
	not data.sekisho.fixtures.waived("LIN-01", altered)
}

test_lin_02_passes if data.sekisho.fixtures.status("LIN-02", sound) == "passed"

test_lin_02_fails_on_a_dangling_digest if {
	loose := data.sekisho.fixtures.changed({"lineage": {"dangling": [fixtures.other]}})
	data.sekisho.fixtures.status("LIN-02", loose) == "failed"
}

test_lin_02_fails_on_an_edge_to_nowhere if {
	loose := data.sekisho.fixtures.changed({"lineage": {"edges": {fixtures.prompt: [fixtures.other]}}})
	data.sekisho.fixtures.status("LIN-02", loose) == "failed"
}

test_lin_02_fails_on_an_unreached_version if {
	unreached := data.sekisho.fixtures.changed({"lineage": {"edges": {fixtures.agent: [fixtures.prompt]}}})
	data.sekisho.fixtures.status("LIN-02", unreached) == "failed"
}

test_lin_02_fails_on_a_version_that_would_move_unjudged if {
	data.sekisho.fixtures.status("LIN-02", data.sekisho.fixtures.changed({"along": [fixtures.prompt]})) == "passed"
	data.sekisho.fixtures.status("LIN-02", data.sekisho.fixtures.changed({"along": [fixtures.other]})) == "failed"
}

test_lin_02_cannot_be_waived if {
	loose := data.sekisho.fixtures.changed({"lineage": {"dangling": [fixtures.other]}})
	not data.sekisho.fixtures.waived("LIN-02", loose)
}

test_lin_03_passes if data.sekisho.fixtures.status("LIN-03", sound) == "passed"

test_lin_03_fails_on_an_archived_version if {
	data.sekisho.fixtures.status("LIN-03", data.sekisho.fixtures.node(fixtures.corpus, {"archived": true})) == "failed"
}

test_lin_03_fails_on_a_revoked_version if {
	found := data.sekisho.fixtures.rule("LIN-03", data.sekisho.fixtures.node(fixtures.model, {"revoked": true}))
	found.status == "failed"
	found.message == "model/extractive@555555555555 is revoked"
}

test_lin_03_cannot_be_waived if {
	not data.sekisho.fixtures.waived("LIN-03", data.sekisho.fixtures.node(fixtures.model, {"revoked": true}))
}

test_lin_04_passes if data.sekisho.fixtures.status("LIN-04", sound) == "passed"

test_lin_04_fails_on_an_unpinned_model if {
	loose := data.sekisho.fixtures.node(fixtures.model, {"facts": {"pinned": false}})
	data.sekisho.fixtures.status("LIN-04", loose) == "failed"
}

test_lin_04_is_missing_without_a_model if {
	only := {fixtures.agent: sound.lineage.nodes[fixtures.agent]}
	data.sekisho.fixtures.status("LIN-04", data.sekisho.fixtures.only(only)) == "missing"
}

test_lin_04_cannot_be_waived if {
	loose := data.sekisho.fixtures.node(fixtures.model, {"facts": {"pinned": false}})
	not data.sekisho.fixtures.waived("LIN-04", loose)
}

test_lin_05_fails_where_another_embedder_built_it if {
	foreign := data.sekisho.fixtures.node(fixtures.index, {"facts": {"built_with": fixtures.other}})
	data.sekisho.fixtures.status("LIN-05", foreign) == "failed"
}

test_lin_05_passes if data.sekisho.fixtures.status("LIN-05", sound) == "passed"

test_lin_05_fails_on_a_drifted_index if {
	drifted := data.sekisho.fixtures.node(fixtures.index, {"facts": {"integrity": "drifted"}})
	data.sekisho.fixtures.status("LIN-05", drifted) == "failed"
}

test_lin_05_fails_without_a_dimension if {
	flat := data.sekisho.fixtures.node(fixtures.index, {"facts": {"dimension": 0}})
	data.sekisho.fixtures.status("LIN-05", flat) == "failed"
}

test_lin_05_is_missing_unverified if {
	found := data.sekisho.fixtures.rule("LIN-05", unverified)
	found.status == "missing"
	startswith(found.remedy, "sekisho index verify default/index/handbook@sha256:4444")
}

test_lin_05_cannot_be_waived if not data.sekisho.fixtures.waived("LIN-05", unverified)

unverified := data.sekisho.fixtures.node(fixtures.index, {"facts": {"integrity": "unverified"}})

test_lin_06_passes if data.sekisho.fixtures.status("LIN-06", sound) == "passed"

test_lin_06_passes_at_the_first_stage if {
	first := data.sekisho.fixtures.changed({"stage": "dev", "from_stages": []})
	data.sekisho.fixtures.status("LIN-06", first) == "passed"
}

test_lin_06_fails_on_a_skipped_stage if {
	found := data.sekisho.fixtures.rule("LIN-06", data.sekisho.fixtures.changed({"from_stages": ["dev"]}))
	found.status == "failed"
	endswith(found.remedy, "--to staging")
}

test_lin_06_is_missing_for_an_unknown_stage if {
	lost := data.sekisho.fixtures.changed({"stage": "moon"})
	data.sekisho.fixtures.status("LIN-06", lost) == "missing"
	not data.sekisho.fixtures.decision(lost).allow
}

test_lin_06_cannot_be_waived if {
	not data.sekisho.fixtures.waived("LIN-06", data.sekisho.fixtures.changed({"from_stages": []}))
}

test_lin_07_does_not_concern_a_promotion if {
	data.sekisho.fixtures.decision(sound).rules["LIN-07"].status == "not_applicable"
}

test_lin_07_passes_for_a_version_once_allowed if {
	back := data.sekisho.fixtures.changed({"action": "rollback", "formerly_allowed": true})
	data.sekisho.fixtures.status("LIN-07", back) == "passed"
	data.sekisho.fixtures.decision(back).required == ["LIN-01", "LIN-02", "LIN-03", "LIN-07", "LIN-09"]
}

test_lin_07_fails_for_a_version_never_allowed if {
	data.sekisho.fixtures.status("LIN-07", data.sekisho.fixtures.changed({"action": "rollback"})) == "failed"
}

test_lin_07_is_missing_at_an_unknown_stage if {
	lost := data.sekisho.fixtures.changed({"action": "rollback", "stage": "moon", "formerly_allowed": true})
	data.sekisho.fixtures.status("LIN-07", lost) == "missing"
}

test_lin_07_cannot_be_waived if {
	not data.sekisho.fixtures.waived("LIN-07", data.sekisho.fixtures.changed({"action": "rollback"}))
}
