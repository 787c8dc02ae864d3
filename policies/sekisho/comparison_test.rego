package sekisho.comparison_test

fixtures := data.sekisho.fixtures

sound := fixtures.promotion

compared(patch) := data.sekisho.fixtures.changed({"evidence": {"comparisons": [
	object.union(sound.evidence.comparisons[0], patch),
	sound.evidence.comparisons[1],
]}})

# The difference at each of Holm's steps: the second one wider by `further` on both sides.
spanned(low, high, further) := compared({
	"diff_bp": (low + high) - ((low + high) / 2),
	"low_bp": low,
	"high_bp": high,
	"levels": [{"low_bp": low, "high_bp": high}, {"low_bp": low - further, "high_bp": high + further}],
})

worse := spanned(-1000, -800, 20)

uncompared := data.sekisho.fixtures.changed({"evidence": {"comparisons": []}})

test_eva_06_fails_where_worse if data.sekisho.fixtures.status("EVA-06", worse) == "failed"

test_eva_06_is_inconclusive_across_the_margin if {
	data.sekisho.fixtures.status("EVA-06", spanned(-301, 101, 0)) == "inconclusive"
}

test_eva_06_is_missing_without_a_comparison if {
	found := data.sekisho.fixtures.rule("EVA-06", uncompared)
	found.status == "missing"
	contains(found.remedy, fixtures.baseline)
}

test_eva_06_is_missing_against_another_baseline if {
	data.sekisho.fixtures.status("EVA-06", compared({"baseline": fixtures.other})) == "missing"
}

test_eva_06_passes_by_holm_where_the_other_claim_is_clear if {
	data.sekisho.fixtures.status("EVA-06", spanned(-300, 100, 200)) == "passed"
}

# Neither claim clears the first step, at half the level: then none holds, though each clears the second.
test_eva_06_is_inconclusive_where_no_claim_clears_the_first_step if {
	first := object.union(sound.evidence.comparisons[0], {
		"low_bp": -290,
		"levels": [{"low_bp": -290, "high_bp": 500}, {"low_bp": -310, "high_bp": 520}],
	})
	second := object.union(sound.evidence.comparisons[1], {
		"high_bp": 190,
		"levels": [{"low_bp": -150, "high_bp": 190}, {"low_bp": -170, "high_bp": 210}],
	})
	both := data.sekisho.fixtures.changed({"evidence": {"comparisons": [first, second]}})
	data.sekisho.fixtures.status("EVA-06", both) == "inconclusive"
}

test_eva_06_fails_only_with_the_widest_interval if {
	data.sekisho.fixtures.status("EVA-06", spanned(-400, -302, 10)) == "inconclusive"
}

test_eva_06_is_missing_for_a_comparison_of_other_runs if {
	every patch in [
		{"members": []},
		{"members": ["another"]},
		{"members": [fixtures.retrieval.id, "another"]},
		{"baseline_members": []},
		{"baseline_members": ["another"]},
		{"level_ppm": 50001},
		{"levels": [{"low_bp": 300, "high_bp": 500}]},
	] {
		data.sekisho.fixtures.status("EVA-06", compared(patch)) == "missing"
	}
}

test_eva_06_passes_where_no_version_stands if {
	first := {key: value | some key, value in uncompared; key != "current"}
	data.sekisho.fixtures.status("EVA-06", first) == "passed"
}

test_eva_06_can_be_waived if {
	data.sekisho.fixtures.waived("EVA-06", worse)
	data.sekisho.fixtures.waived("EVA-06", uncompared)
}
