# Comparison: case by case with the version that stands at the target stage now, several claims at once.
package sekisho.comparison

# METADATA
# title: Not worse than the version there now
# description: >-
#   Compared case by case with the version now at the target stage, no metric falls by more than its margin, with the
#   whole confidence interval and with Holm's correction for several margins. Where no version stands there yet, there
#   is nothing to fall behind.
# custom:
#   id: EVA-06
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: See which cases got worse (`sekisho compare`), improve the version, and evaluate it again.
#   frameworks:
#     - EU AI Act, Article 9 (risk management system) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_9>
#     - NIST AI RMF 1.0, MEASURE 4.3 (improvements and declines) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
results["EVA-06"] := data.sekisho.report.finding(baseline_checks | margin_checks, data.sekisho.evidence.nothing_claimed("margins"))

baseline_checks contains data.sekisho.report.check(
	"passed",
	sprintf("no version stands at %s yet", [input.stage]),
	"no version",
	"no worse than the version there",
	"",
) if {
	not input.current
}

baseline_checks contains data.sekisho.report.check(
	"passed",
	sprintf("this version stands at %s already", [input.stage]),
	"the same version",
	"no worse than the version there",
	"",
) if {
	input.current.digest == input.subject.digest
}

margin_checks contains data.sekisho.report.check(
	status,
	sprintf("%s of suite/%s against %s: %s", [
		claim.metric, claim.suite,
		data.sekisho.text.short(input.current.digest), margin_words[status],
	]),
	data.sekisho.evidence.seen(difference),
	sprintf("no worse by more than %s (%d margins, by Holm's steps)", [
		data.sekisho.text.percent(claim.margin_bp),
		count(margins),
	]),
	margin_remedy(status, claim.suite),
) if {
	input.current.digest != input.subject.digest
	some claim in margins
	difference := compared(claim)
	status := no_worse(claim, difference)
}

margins := data.sekisho.evidence.claims("margins")

# The comparison of exactly the runs that count on both sides, with an interval for each of Holm's steps.
compared(claim) := found[0] if {
	before := data.sekisho.runs.ids(data.sekisho.runs.baseline(claim.suite))
	after := data.sekisho.runs.ids(data.sekisho.runs.chosen[claim.suite])
	data.sekisho.runs.whole(claim.suite)
	found := [comparison |
		some comparison in input.evidence.comparisons
		comparison.suite == data.sekisho.evidence.pins[claim.suite].suite
		comparison.baseline == input.current.digest
		comparison.metric == claim.metric
		comparison.members == after
		comparison.baseline_members == before
		comparison.level_ppm <= data.sekisho.runs.level((count(before) + data.sekisho.runs.looks(claim.suite)) - 1)
		count(comparison.levels) >= count(margins)
	]
	count(found) == 1
} else := {}

# Holm: of m claims, k hold where for each step up to the k-th, as many claims as the step has come to are shown at the
# level divided by the number of those left. `levels` holds the interval at the level divided by 1, 2 …
shown(divisor) := {claim |
	some claim in margins
	within(claim, compared(claim).levels[divisor - 1]) == "passed"
}

steps := {step |
	some step in numbers.range(1, count(margins))
	count(shown((count(margins) - step) + 1)) >= step
}

holding := max([step |
	some step in array.concat([0], numbers.range(1, count(margins)))
	count([before | some before in numbers.range(1, count(margins)); before <= step; not before in steps]) == 0
])

upheld := {claim | some claim in shown((count(margins) - holding) + 1); holding > 0}

no_worse(claim, difference) := "missing" if {
	not data.sekisho.evidence.whole(difference)
} else := "passed" if {
	claim in upheld
	within(claim, difference) == "passed"
	data.sekisho.judging.trusted(claim.suite, claim.metric)
} else := "failed" if {
	within(claim, difference.levels[count(margins) - 1]) == "failed"
	data.sekisho.judging.trusted(claim.suite, claim.metric)
} else := "inconclusive"

within(claim, interval) := data.sekisho.evidence.at_least(interval, 0 - claim.margin_bp) if claim.better == "higher"

within(claim, interval) := data.sekisho.evidence.at_most(interval, claim.margin_bp) if claim.better == "lower"

margin_words := {
	"passed": "not worse",
	"failed": "worse",
	"inconclusive": "cannot be told",
	"missing": "not compared",
}

margin_remedy("missing", suite) := sprintf("sekisho eval %s/%s/%s@%s --suite %s/suite/%s@%s", [
	input.project, input.subject.kind, input.subject.name, input.current.digest,
	input.project, suite, data.sekisho.evidence.pins[suite].suite,
]) if {
	suite in object.keys(data.sekisho.evidence.counted)
} else := data.sekisho.evidence.remedy(suite)

margin_remedy(status, suite) := data.sekisho.evidence.mend(status, suite, "") if status != "missing"
