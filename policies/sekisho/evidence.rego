# Which evidence counts here: the requirements that name the subject, their pinned suites, and what was measured by each.
package sekisho.evidence

path := sprintf("%s/%s/%s", [input.project, input.subject.kind, input.subject.name])

requirements := [requirement |
	some requirement in data.parameters.requirements
	input.stage in requirement.stages
	true in {glob.match(pattern, ["/"], path) | some pattern in requirement.subjects}
]

claims(kind) := {claim |
	some requirement in requirements
	some claim in object.get(requirement, kind, [])
}

kinds_of_claims := ["floors", "caps", "margins", "groups", "gaps", "group_floors", "flips", "refusal_gaps"]

suites := {name | some requirement in requirements; some name in requirement.suites} | {claim.suite |
	some kind in kinds_of_claims
	some claim in claims(kind)
}

# Every [suite, metric] that some limit reads.
limited := {[claim.suite, claim.metric] | some kind in kinds_of_claims; some claim in claims(kind)}

pins := {name: pin | some name in suites; pin := data.parameters.suites[name]}

counted := data.sekisho.runs.counted

metric(suite, name) := object.get(counted, [suite, "metrics", name], {})

slice(claim, group) := object.get(metric(claim.suite, claim.metric), ["slices", claim.axis, group], {})

gap(claim) := object.get(metric(claim.suite, claim.metric), ["gaps", claim.axis], {})

whole(interval) if interval.low_bp <= interval.high_bp

# The interval with every case that could not be scored taken for the worst; as it stands where that is not told.
careful(interval) := object.union(interval, {
	"low_bp": min([interval.low_bp, object.get(interval, "pessimistic_low_bp", interval.low_bp)]),
	"high_bp": max([interval.high_bp, object.get(interval, "pessimistic_high_bp", interval.high_bp)]),
}) if {
	whole(interval)
} else := interval

# Three-valued: wholly inside the limit, wholly outside, or not to be told.
at_least(interval, floor) := "passed" if {
	whole(interval)
	interval.low_bp >= floor
} else := "failed" if {
	whole(interval)
	interval.high_bp < floor
} else := "inconclusive" if {
	whole(interval)
} else := "missing"

at_most(interval, cap) := "passed" if {
	whole(interval)
	interval.high_bp <= cap
} else := "failed" if {
	whole(interval)
	interval.low_bp > cap
} else := "inconclusive" if {
	whole(interval)
} else := "missing"

seen(interval) := sprintf("%s to %s", [data.sekisho.text.percent(interval.low_bp), data.sekisho.text.percent(interval.high_bp)]) if {
	whole(interval)
} else := "nothing"

remedy(suite) := data.sekisho.text.evaluate(suite, pins[suite].suite) if {
	suite in object.keys(pins)
} else := data.sekisho.text.pin(suite)

# What to do about a measured claim: where nothing was measured, measure; else look at the worst cases first.
mend(status, suite, hint) := sprintf(
	"`sekisho run report %s` shows the worst cases; improve the version for them%s, then: `%s`",
	[counted[suite].id, hint, data.sekisho.text.again],
) if {
	status != "missing"
	suite in object.keys(counted)
} else := remedy(suite)

no_requirement := data.sekisho.report.absent(
	sprintf("no requirement in the policy data names %s at %s", [path, input.stage]),
	"a requirement that says what to measure",
	sprintf("add a requirement for %s at %s to the policy data", [path, input.stage]),
)

nothing_claimed(kind) := data.sekisho.report.absent(
	sprintf("the policy data sets no %s for %s at %s", [kind, path, input.stage]),
	sprintf("%s in a requirement that names this version", [kind]),
	sprintf("add %s for %s at %s to the policy data", [kind, path, input.stage]),
)
