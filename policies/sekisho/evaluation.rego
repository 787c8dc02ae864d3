# Evaluation: what the policy pins was measured on exactly these bytes, lately, on enough cases, and well enough.
package sekisho.evaluation

# METADATA
# title: The required suites have run on this version
# description: >-
#   For each suite that policy data requires here there is a finished run of the pinned suite version with the pinned
#   dataset on this digest, measured by a worker or imported by a producer whom the policy names.
# custom:
#   id: EVA-01
#   severity: critical
#   kinds: [agent]
#   actions: [promote]
#   remedy: Run the suite on this version.
#   frameworks:
#     - EU AI Act, Article 9 (risk management system)
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity)
#     - NIST AI RMF, MEASURE
results["EVA-01"] := data.sekisho.report.finding(run_checks, data.sekisho.evidence.no_requirement)

run_checks contains data.sekisho.report.check(
	"missing",
	sprintf("the policy data pins no digest for suite/%s", [name]),
	"no pin",
	"a suite and a dataset pinned by digest",
	data.sekisho.text.pin(name),
) if {
	some name in data.sekisho.evidence.suites
	not name in object.keys(data.sekisho.evidence.pins)
}

run_checks contains data.sekisho.report.check(
	"missing",
	sprintf("no run of suite/%s@%s on this version counts", [name, data.sekisho.text.short(pin.suite)]),
	sprintf("%d other runs on record", [count(input.evidence.runs)]),
	sprintf("a finished run of %s with dataset %s", [pin.suite, pin.dataset]),
	data.sekisho.text.evaluate(name, pin.suite),
) if {
	some name, pin in data.sekisho.evidence.pins
	not name in object.keys(data.sekisho.evidence.latest)
}

run_checks contains data.sekisho.report.check(
	{"finished": "passed", "inconclusive": "inconclusive"}[run.state],
	sprintf("the latest run of suite/%s is %s", [name, run.state]),
	sprintf("run %s: %s", [run.id, run.state]),
	"finished",
	data.sekisho.evidence.remedy(name),
) if {
	some name, run in data.sekisho.evidence.latest
}

# METADATA
# title: The measurements are fresh
# description: The latest run of each required suite is no older than the stage allows, and not from the future.
# custom:
#   id: EVA-02
#   severity: medium
#   kinds: [agent]
#   actions: [promote]
#   remedy: Run the suite again.
#   frameworks:
#     - EU AI Act, Article 9 (risk management system)
#     - NIST AI RMF, MEASURE
results["EVA-02"] := data.sekisho.report.finding(age_checks, data.sekisho.evidence.no_requirement)

longest := data.sekisho.parameters.parameter("EVA-02", "max_age_ms")

age_checks contains data.sekisho.report.check(
	aged(name),
	sprintf("suite/%s %s", [name, age_words[aged(name)]]),
	age(name),
	max_age,
	data.sekisho.evidence.remedy(name),
) if {
	some name in data.sekisho.evidence.suites
}

aged(name) := "missing" if {
	not name in object.keys(data.sekisho.evidence.latest)
} else := "passed" if {
	elapsed := input.now - data.sekisho.evidence.latest[name].finished_at
	elapsed >= 0
	elapsed <= longest
} else := "failed"

age_words := {
	"missing": "has no run that counts",
	"passed": "was measured lately enough",
	"failed": "was not measured within the time allowed",
}

age(name) := sprintf("%s old", [data.sekisho.text.days(input.now - data.sekisho.evidence.latest[name].finished_at)]) if {
	input.now >= data.sekisho.evidence.latest[name].finished_at
} else := "finished in the future" if {
	data.sekisho.evidence.latest[name].finished_at
} else := "nothing"

max_age := sprintf("at most %s old", [data.sekisho.text.days(longest)])

# METADATA
# title: Enough cases were scored
# description: >-
#   Each required run, and each metric that a limit reads, rests on at least the stage's number of scored cases and
#   share of cases that could be scored.
# custom:
#   id: EVA-03
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: See why cases went unscored (`sekisho run report`), mend that, and run the suite again.
#   frameworks:
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity)
#     - NIST AI RMF, MEASURE
results["EVA-03"] := data.sekisho.report.finding(size_checks, data.sekisho.evidence.no_requirement)

min_n := data.sekisho.parameters.parameter("EVA-03", "min_n")

min_coverage := data.sekisho.parameters.parameter("EVA-03", "min_coverage_bp")

sample(suite, "all metrics") := {"n": run.scored, "coverage_bp": run.coverage_bp} if {
	run := data.sekisho.evidence.latest[suite]
} else := {}

sample(suite, name) := data.sekisho.evidence.metric(suite, name) if name != "all metrics"

measured_names := {[name, "all metrics"] | some name in data.sekisho.evidence.suites} | {[claim.suite, claim.metric] |
	some kind in ["floors", "caps"]
	some claim in data.sekisho.evidence.claims(kind)
}

size_checks contains data.sekisho.report.check(
	status,
	sprintf("suite/%s, %s: %s", [what[0], what[1], size_words[status]]),
	size(found),
	sprintf("at least %d cases and %s of them scored", [min_n, data.sekisho.text.percent(min_coverage)]),
	data.sekisho.evidence.remedy(what[0]),
) if {
	some what in measured_names
	found := sample(what[0], what[1])
	status := sized(found)
}

sized(found) := "passed" if {
	found.n >= min_n
	found.coverage_bp >= min_coverage
} else := "failed" if {
	found.n + found.coverage_bp >= 0
} else := "missing"

size_words := {
	"passed": "enough cases were scored",
	"failed": "too few cases were scored",
	"missing": "there is no run that counts",
}

size(found) := sprintf("%d cases, %s scored", [found.n, data.sekisho.text.percent(found.coverage_bp)]) if {
	found.n + found.coverage_bp >= 0
} else := "nothing"

# METADATA
# title: Metrics stay above their floors
# description: The lower bound of each required metric's confidence interval reaches the floor that policy data sets.
# custom:
#   id: EVA-04
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: See which cases got worse (`sekisho run report`), improve the version, and evaluate it again.
#   frameworks:
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity)
#     - NIST AI RMF, MEASURE
results["EVA-04"] := data.sekisho.report.finding(floor_checks, data.sekisho.evidence.nothing_claimed("floors"))

floor_checks contains data.sekisho.report.check(
	status,
	sprintf("%s of suite/%s %s %s", [claim.metric, claim.suite, floor_words[status], data.sekisho.text.percent(claim.floor_bp)]),
	data.sekisho.evidence.seen(interval),
	sprintf("lower bound at least %s", [data.sekisho.text.percent(claim.floor_bp)]),
	data.sekisho.evidence.mend(status, claim.suite, ""),
) if {
	some claim in data.sekisho.evidence.claims("floors")
	interval := data.sekisho.evidence.metric(claim.suite, claim.metric)
	status := data.sekisho.evidence.at_least(interval, claim.floor_bp)
}

floor_words := {
	"passed": "is above its floor of",
	"failed": "is below its floor of",
	"inconclusive": "cannot be told from its floor of",
	"missing": "was not measured; its floor is",
}

# METADATA
# title: Made-up answers stay under their cap
# description: >-
#   The upper bound of each capped rate's confidence interval, the hallucination rate first, stays within the cap that
#   policy data sets.
# custom:
#   id: EVA-05
#   severity: critical
#   kinds: [agent]
#   actions: [promote]
#   remedy: See which answers are not grounded (`sekisho run report`), improve the version, and evaluate it again.
#   frameworks:
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity)
#     - NIST AI RMF, MEASURE
results["EVA-05"] := data.sekisho.report.finding(cap_checks, data.sekisho.evidence.nothing_claimed("caps"))

cap_checks contains data.sekisho.report.check(
	status,
	sprintf("%s of suite/%s %s %s", [claim.metric, claim.suite, cap_words[status], data.sekisho.text.percent(claim.cap_bp)]),
	data.sekisho.evidence.seen(interval),
	sprintf("upper bound at most %s", [data.sekisho.text.percent(claim.cap_bp)]),
	data.sekisho.evidence.mend(status, claim.suite, ""),
) if {
	some claim in data.sekisho.evidence.claims("caps")
	interval := data.sekisho.evidence.metric(claim.suite, claim.metric)
	status := data.sekisho.evidence.at_most(interval, claim.cap_bp)
}

cap_words := {
	"passed": "is within its cap of",
	"failed": "is over its cap of",
	"inconclusive": "cannot be told from its cap of",
	"missing": "was not measured; its cap is",
}

# METADATA
# title: Not worse than the version there now
# description: >-
#   Compared case by case with the version now at the target stage, no metric falls by more than its margin, with the
#   whole confidence interval. Where no version stands there yet, there is nothing to fall behind.
# custom:
#   id: EVA-06
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: See which cases got worse (`sekisho compare`), improve the version, and evaluate it again.
#   frameworks:
#     - EU AI Act, Article 9 (risk management system)
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity)
#     - NIST AI RMF, MANAGE
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
	sprintf("no worse by more than %s", [data.sekisho.text.percent(claim.margin_bp)]),
	margin_remedy(status, claim.suite),
) if {
	input.current.digest != input.subject.digest
	some claim in data.sekisho.evidence.claims("margins")
	difference := compared(claim)
	status := no_worse(claim, difference)
}

compared(claim) := found[0] if {
	found := [comparison |
		some comparison in input.evidence.comparisons
		comparison.suite == data.sekisho.evidence.pins[claim.suite].suite
		comparison.baseline == input.current.digest
		comparison.metric == claim.metric
	]
	count(found) == 1
} else := {}

no_worse(claim, difference) := data.sekisho.evidence.at_least(difference, 0 - claim.margin_bp) if claim.better == "higher"

no_worse(claim, difference) := data.sekisho.evidence.at_most(difference, claim.margin_bp) if claim.better == "lower"

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
	suite in object.keys(data.sekisho.evidence.latest)
} else := data.sekisho.evidence.remedy(suite)

margin_remedy(status, suite) := data.sekisho.evidence.mend(status, suite, "") if status != "missing"
