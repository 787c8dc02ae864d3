# Evaluation: what the policy pins was measured on exactly these bytes, lately, on enough cases, and well enough.
package sekisho.evaluation

# METADATA
# title: The required suites have run on this version
# description: >-
#   For each suite that policy data requires here a finished run of the pinned suite version with the pinned dataset on
#   this digest counts: the first with the required coverage within the freshness window, of an origin that the stage
#   takes. Later runs are only pooled with it, and runs that came to nothing are listed.
# custom:
#   id: EVA-01
#   severity: critical
#   kinds: [agent]
#   actions: [promote]
#   remedy: Run the suite on this version.
#   frameworks:
#     - EU AI Act, Article 9 (risk management system) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_9>
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_15>
#     - NIST AI RMF 1.0, MEASURE 2.1 (test sets and metrics documented) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - NIST AI RMF 1.0, MEASURE 2.3 (performance in conditions like deployment) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - ISO/IEC 42001:2023, A.6.2.4 (AI system verification and validation) <https://controlstack.au/controls/iso42001-annex-a-6-2-4-ai-system-verification-and-validation/>
results["EVA-01"] := data.sekisho.report.noted(
	data.sekisho.report.finding(run_checks, data.sekisho.evidence.no_requirement),
	data.sekisho.runs.notes,
)

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
	observed_instead(name),
	sprintf("a finished run of %s with dataset %s", [pin.suite, pin.dataset]),
	data.sekisho.text.evaluate(name, pin.suite),
) if {
	some name, pin in data.sekisho.evidence.pins
	not name in object.keys(data.sekisho.evidence.counted)
}

# Why nothing counts: runs out of sight, an estimate that is not over the runs it must be over, or other runs only.
observed_instead(name) := sprintf("%d finished runs in evidence, another number in the ledger", [finished]) if {
	not data.sekisho.runs.whole(name)
	finished := count(data.sekisho.runs.finished(data.sekisho.evidence.pins[name].suite))
	finished > 0
} else := sprintf("no estimate over exactly these runs: %s", [concat(", ", data.sekisho.runs.ids(data.sekisho.runs.chosen[name]))]) if {
	count(data.sekisho.runs.chosen[name]) > 0
} else := sprintf("%d other runs on record", [count(input.evidence.runs)])

run_checks contains data.sekisho.report.check(
	{"finished": "passed", "inconclusive": "inconclusive"}[found.state],
	sprintf("%s of suite/%s %s", [
		{true: "the run that counts", false: "the pool of the runs that count"}[count(found.runs) == 1],
		name,
		{"finished": "is finished", "inconclusive": "came to no result"}[found.state],
	]),
	sprintf("%s: %s", [told(found.runs), found.state]),
	"finished",
	data.sekisho.evidence.remedy(name),
) if {
	some name, found in data.sekisho.evidence.counted
}

told(runs) := concat(", ", [sprintf("run %s, %s", [run.id, run.origin]) | some run in runs])

run_checks contains data.sekisho.report.check(
	"inconclusive",
	sprintf("too many runs of suite/%s on this version came to nothing", [name]),
	sprintf("%d runs cancelled, failed or inconclusive within %s", [tries, data.sekisho.text.days(longest)]),
	sprintf("at most %d", [most]),
	"find out why runs end without a result; a changed version starts anew",
) if {
	most := data.sekisho.parameters.parameter("EVA-01", "max_abandoned")
	some name, _ in data.sekisho.evidence.pins
	tries := count(data.sekisho.runs.abandoned(name))
	tries > most
}

# METADATA
# title: The measurements are fresh
# description: No run that counts is older than the stage allows, and none is from the future.
# custom:
#   id: EVA-02
#   severity: medium
#   kinds: [agent]
#   actions: [promote]
#   remedy: Run the suite again.
#   frameworks:
#     - EU AI Act, Article 9 (risk management system) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_9>
#     - NIST AI RMF 1.0, MEASURE 1.2 (metrics kept up to date) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
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

ends(name) := [run.finished_at | some run in data.sekisho.evidence.counted[name].runs]

aged(name) := "missing" if {
	not name in object.keys(data.sekisho.evidence.counted)
} else := "passed" if {
	input.now - min(ends(name)) <= longest
	input.now >= max(ends(name))
} else := "failed"

age_words := {
	"missing": "has no run that counts",
	"passed": "was measured lately enough",
	"failed": "was not measured within the time allowed",
}

age(name) := "nothing" if {
	not name in object.keys(data.sekisho.evidence.counted)
} else := "finished in the future" if {
	max(ends(name)) > input.now
} else := sprintf("%s old", [data.sekisho.text.days(input.now - min(ends(name)))])

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
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_15>
#     - NIST AI RMF 1.0, MAP 2.3 (integrity of evaluation and data selection) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - ISO/IEC 42001:2023, A.6.2.4 (AI system verification and validation) <https://controlstack.au/controls/iso42001-annex-a-6-2-4-ai-system-verification-and-validation/>
results["EVA-03"] := data.sekisho.report.finding(size_checks, data.sekisho.evidence.no_requirement)

min_n := data.sekisho.parameters.parameter("EVA-03", "min_n")

min_coverage := data.sekisho.parameters.parameter("EVA-03", "min_coverage_bp")

sample(suite, "all metrics") := {"n": run.scored, "coverage_bp": run.coverage_bp} if {
	run := data.sekisho.evidence.counted[suite]
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
	size_remedy(status, found, what[0]),
) if {
	some what in measured_names
	found := sample(what[0], what[1])
	status := sized(found)
}

size_remedy("failed", found, suite) := data.sekisho.text.more_cases("any kind", suite) if {
	found.n < min_n
	found.coverage_bp >= min_coverage
}

size_remedy("failed", found, suite) := sprintf(
	"`sekisho run report %s` shows why cases went unscored; mend that, then: `%s`",
	[data.sekisho.evidence.counted[suite].id, data.sekisho.text.again],
) if {
	found.coverage_bp < min_coverage
}

size_remedy(status, _, suite) := data.sekisho.evidence.remedy(suite) if status != "failed"

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
# description: >-
#   The lower bound of each required metric's confidence interval, with unscored cases taken for the worst, reaches the
#   floor that policy data sets. A judge that is not qualified tells nothing.
# custom:
#   id: EVA-04
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: See which cases got worse (`sekisho run report`), improve the version, and evaluate it again.
#   frameworks:
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_15>
#     - NIST AI RMF 1.0, MEASURE 2.5 (valid and reliable) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - ISO/IEC 42001:2023, A.6.2.4 (AI system verification and validation) <https://controlstack.au/controls/iso42001-annex-a-6-2-4-ai-system-verification-and-validation/>
results["EVA-04"] := data.sekisho.report.finding(floor_checks, data.sekisho.evidence.nothing_claimed("floors"))

floor_checks contains data.sekisho.report.check(
	status,
	sprintf("%s of suite/%s %s %s", [claim.metric, claim.suite, floor_words[status], data.sekisho.text.percent(claim.floor_bp)]),
	data.sekisho.evidence.seen(interval),
	sprintf("lower bound at least %s", [data.sekisho.text.percent(claim.floor_bp)]),
	data.sekisho.evidence.mend(status, claim.suite, ""),
) if {
	some claim in data.sekisho.evidence.claims("floors")
	interval := data.sekisho.evidence.careful(data.sekisho.evidence.metric(claim.suite, claim.metric))
	status := believed(claim, data.sekisho.evidence.at_least(interval, claim.floor_bp))
}

# What a judge says that nobody qualified tells nothing, whichever way it speaks.
believed(_, "missing") := "missing"

believed(claim, status) := status if {
	status != "missing"
	data.sekisho.judging.trusted(claim.suite, claim.metric)
}

believed(claim, status) := "inconclusive" if {
	status != "missing"
	not data.sekisho.judging.trusted(claim.suite, claim.metric)
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
#   The upper bound of each capped rate's confidence interval, the hallucination rate first and with unscored cases
#   taken for the worst, stays within the cap that policy data sets. A judge that is not qualified tells nothing.
# custom:
#   id: EVA-05
#   severity: critical
#   kinds: [agent]
#   actions: [promote]
#   remedy: See which answers are not grounded (`sekisho run report`), improve the version, and evaluate it again.
#   frameworks:
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_15>
#     - NIST AI RMF 1.0, MEASURE 2.5 (valid and reliable) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - OWASP Top 10 for LLM Applications, LLM07:2026 (Misinformation) <https://genai.owasp.org/resource/owasp-genai-llm-top-10-2026/>
results["EVA-05"] := data.sekisho.report.finding(cap_checks, data.sekisho.evidence.nothing_claimed("caps"))

cap_checks contains data.sekisho.report.check(
	status,
	sprintf("%s of suite/%s %s %s", [claim.metric, claim.suite, cap_words[status], data.sekisho.text.percent(claim.cap_bp)]),
	data.sekisho.evidence.seen(interval),
	sprintf("upper bound at most %s", [data.sekisho.text.percent(claim.cap_bp)]),
	data.sekisho.evidence.mend(status, claim.suite, ""),
) if {
	some claim in data.sekisho.evidence.claims("caps")
	interval := data.sekisho.evidence.careful(data.sekisho.evidence.metric(claim.suite, claim.metric))
	status := believed(claim, data.sekisho.evidence.at_most(interval, claim.cap_bp))
}

cap_words := {
	"passed": "is within its cap of",
	"failed": "is over its cap of",
	"inconclusive": "cannot be told from its cap of",
	"missing": "was not measured; its cap is",
}
