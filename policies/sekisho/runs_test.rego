package sekisho.runs_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

day := 86400000

# The run by the answers suite, `hours` after the one of the fixtures, with its own result.
later(id, hours, patch) := object.union(
	object.union(fixtures.answers, {
		"id": id,
		"finished_at": fixtures.answers.finished_at + (hours * 3600000),
		"final_digest": concat("", ["sha256:", id]),
	}),
	patch,
)

rated(low, high) := {"metrics": {"hallucinated": {"low_bp": low, "high_bp": high}}}

# The retrieval run and these by the answers suite, with these pools.
history(answers, pools) := object.union(
	data.sekisho.fixtures.runs(array.concat([fixtures.retrieval], answers)),
	{"evidence": {"pools": pools}},
)

# The estimate over these runs; the hallucination rate as patched.
pooled(runs, level, patch) := object.union(
	{key: value |
		some key, value in object.union(fixtures.answers, patch)
		key in {"suite", "dataset", "subject", "cases", "scored", "coverage_bp", "metrics"}
	},
	{"members": [run.id | some run in runs], "level_ppm": level},
)

status(id, document) := data.sekisho.fixtures.status(id, document)

bad := rated(2000, 2900)

good := rated(50, 300)

first := later("first", -9, {})

second := later("second", -8, {})

test_one_run_needs_no_pool if {
	status("EVA-05", history([first], [])) == "passed"
}

test_a_better_later_run_does_not_stand_alone if {
	runs := [object.union(first, bad), object.union(second, good)]
	every pools in [
		[],
		[pooled([second], 50000, good)],
		[pooled([second, first], 25000, good)],
		[pooled([first, second], 25001, good)],
		[pooled([first, second], 25000, good), pooled([first, second], 25000, good)],
		[object.union(pooled([first, second], 25000, good), {"suite": fixtures.other})],
		[object.union(pooled([first, second], 25000, good), {"dataset": fixtures.other})],
		[object.union(pooled([first, second], 25000, good), {"subject": fixtures.other})],
	] {
		status("EVA-01", history(runs, pools)) == "missing"
		status("EVA-05", history(runs, pools)) == "missing"
	}
}

test_the_pool_of_exactly_the_runs_that_count_is_read if {
	runs := [first, object.union(second, bad)]
	found := data.sekisho.fixtures.rule("EVA-01", history(runs, [pooled(runs, 25000, good)]))
	found.status == "passed"
	status("EVA-05", history(runs, [pooled(runs, 25000, good)])) == "passed"
	status("EVA-05", history(runs, [pooled(runs, 25000, bad)])) == "failed"
}

test_the_level_shrinks_with_every_result if {
	third := later("third", -7, {})
	runs := [first, second, third]
	status("EVA-01", history(runs, [pooled(runs, 8333, good)])) == "passed"
	status("EVA-01", history(runs, [pooled(runs, 8334, good)])) == "missing"
}

test_a_run_that_repeats_another_is_taken_once if {
	twin := object.union(second, {"final_digest": first.final_digest})
	status("EVA-05", history([first, twin], [])) == "passed"
}

test_a_run_without_the_coverage_does_not_come_first if {
	thin := object.union(object.union(first, bad), {"coverage_bp": 9499})
	status("EVA-05", history([thin, second], [])) == "passed"
}

test_a_later_run_without_the_coverage_is_pooled if {
	thin := object.union(second, {"coverage_bp": 9499})
	status("EVA-05", history([first, thin], [])) == "missing"
	status("EVA-05", history([first, thin], [pooled([first, thin], 25000, good)])) == "passed"
}

test_where_no_run_has_the_coverage_pooling_does_not_make_up_for_it if {
	thin := [object.union(run, {"coverage_bp": 9400}) | some run in [first, second]]
	document := history(thin, [pooled(thin, 25000, {})])
	status("EVA-01", document) == "passed"
	status("EVA-03", document) == "failed"
}

test_a_run_out_of_the_window_makes_room_for_the_next if {
	stale := later("stale", -24 * 31, bad)
	status("EVA-05", history([stale, second], [])) == "passed"
	status("EVA-02", history([stale, second], [])) == "passed"
}

test_where_every_run_is_stale_they_are_told_to_be if {
	stale := later("stale", -24 * 31, {})
	status("EVA-02", history([stale], [])) == "failed"
	status("EVA-05", history([stale], [])) == "passed"
}

known(patch) := data.sekisho.fixtures.changed({"evidence": {"recorded": [
	sound.evidence.recorded[0],
	object.union(sound.evidence.recorded[1], patch),
]}})

test_a_run_that_the_ledger_knows_and_nobody_shows_is_noticed if {
	found := data.sekisho.fixtures.rule("EVA-01", known({"finished": 2}))
	found.status == "missing"
	contains(found.observed, "another number in the ledger")
	every document in [
		known({"finished": 2}),
		known({"finished": 0}),
		known({"abandoned": 1}),
		data.sekisho.fixtures.changed({"evidence": {"recorded": []}}),
	] {
		status("EVA-01", document) == "missing"
		status("EVA-05", document) == "missing"
		status("EVA-06", document) == "missing"
	}
}

stopped := {
	"id": "stopped",
	"suite": fixtures.answers.suite,
	"suite_name": "docs-answers",
	"dataset": fixtures.answers.dataset,
	"state": "cancelled",
	"origin": "measured",
	"producer": "ci",
	"done": 0,
	"planned": 300,
	"ended_at": sound.now - day,
}

stopped_times(times) := data.sekisho.fixtures.changed({"evidence": {"abandoned": [tried |
	some time in numbers.range(1, times)
	tried := object.union(stopped, {"id": sprintf("stopped-%d", [time])})
]}})

test_cancelled_runs_are_listed_in_the_decision if {
	found := data.sekisho.fixtures.rule("EVA-01", stopped_times(1))
	found.status == "passed"
	"run stopped-1 of suite/docs-answers was cancelled after 0 of 300 results: it does not count" in found.details
}

test_a_run_given_up_with_results_to_see_is_a_look if {
	seen := object.union(sound, {"evidence": {"abandoned": [object.union(stopped, {"done": 12})]}})
	status("EVA-01", seen) == "missing"
	half := [pooled([fixtures.answers], 25000, {})]
	status("EVA-01", object.union(seen, {"evidence": {"pools": half}})) == "passed"
	whole := [pooled([fixtures.answers], 25001, {})]
	status("EVA-01", object.union(seen, {"evidence": {"pools": whole}})) == "missing"
}

test_too_many_runs_that_came_to_nothing_are_inconclusive if {
	status("EVA-01", stopped_times(5)) == "passed"
	status("EVA-01", stopped_times(6)) == "inconclusive"
}

test_runs_that_came_to_nothing_long_ago_are_forgotten if {
	old := data.sekisho.fixtures.changed({"evidence": {"abandoned": [object.union(stopped, {"ended_at": sound.now - (31 * day)})]}})
	not "run stopped of suite/docs-answers was cancelled after 0 of 300 results: it does not count" in data.sekisho.fixtures.rule("EVA-01", old).details
}

fooled := {"controls": {"planned": 5, "missed": 2, "allowed": 1, "missed_cases": ["c1", "c2"]}}

test_a_run_whose_scorer_missed_its_controls_is_inconclusive if {
	found := data.sekisho.fixtures.rule("EVA-01", history([object.union(first, fooled)], []))
	found.status == "inconclusive"
	"run first of suite/docs-answers does not count: its scorer missed 2 of 5 control cases, and the suite allows 1" in found.details
	both := [object.union(first, fooled), second]
	status("EVA-05", history(both, [])) == "missing"
	status("EVA-05", history(both, [pooled([second], 25000, {})])) == "passed"
}

test_the_baselines_later_runs_are_pooled_too if {
	again := object.union(sound.evidence.baseline_runs[0], {
		"id": "again",
		"finished_at": sound.evidence.baseline_runs[0].finished_at + 1,
		"final_digest": "sha256:again",
	})
	document := data.sekisho.fixtures.changed({"evidence": {"baseline_runs": array.concat(sound.evidence.baseline_runs, [again])}})
	status("EVA-06", document) == "missing"
}
