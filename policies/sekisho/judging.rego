# What was measured by an instrument that can be wrong itself: a model that judges, or a head that looks for grounding.
package sekisho.judging

# METADATA
# title: The judge is qualified, and of another family
# description: >-
#   Each judge whose metric a limit reads was measured on labelled cases, its kappa is with the whole interval at least
#   what policy data asks for, and it does not judge answers of its own family.
# custom:
#   id: EVA-07
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: Qualify the judge on labelled cases, or measure by another one.
#   frameworks:
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_15>
#     - NIST AI RMF 1.0, MEASURE 2.13 (effectiveness of the measuring itself) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
results["EVA-07"] := data.sekisho.report.finding(judge_checks, data.sekisho.evidence.no_requirement)

settings := object.get(data.sekisho.parameters.rule("EVA-07"), "parameters", {})

further := object.get(settings, "scorers", [])

judged(scorer) if startswith(scorer, "judge.")

judged(scorer) if scorer in further

# Who gave the metric; "" where the evidence does not say.
scorer_of(suite, metric) := object.get(data.sekisho.evidence.metric(suite, metric), "scorer", "")

judge_checks contains data.sekisho.report.check(
	"missing",
	sprintf("who scored %s of suite/%s is not known", [what[1], what[0]]),
	"nothing",
	"a metric of a scorer that is known",
	data.sekisho.evidence.remedy(what[0]),
) if {
	some what in data.sekisho.evidence.limited
	scorer_of(what[0], what[1]) == ""
}

judge_checks contains data.sekisho.report.check(
	"passed",
	"no limit here reads a judged metric",
	"no judged metric",
	"a qualified judge where a model judges",
	"",
) if {
	count(data.sekisho.evidence.limited) > 0
	count(judged_limits) == 0
}

judged_limits := {[what[0], what[1], scorer_of(what[0], what[1])] |
	some what in data.sekisho.evidence.limited
	judged(scorer_of(what[0], what[1]))
}

judge_checks contains data.sekisho.report.check(
	"missing",
	sprintf("run %s of suite/%s does not say which judge gave %s", [run.id, what[0], what[1]]),
	"no judge",
	"the judge's digest",
	data.sekisho.evidence.remedy(what[0]),
) if {
	some what in judged_limits
	some run in data.sekisho.evidence.counted[what[0]].runs
	count(used(run, what[2])) == 0
}

used(run, scorer) := [instrument | some instrument in run.instruments; instrument.scorer == scorer]

# Every judge of every run that counts, with the run.
judges := {[what[0], what[2], run.id, instrument.digest, object.get(instrument, "family", ""), generator(run)] |
	some what in judged_limits
	some run in data.sekisho.evidence.counted[what[0]].runs
	some instrument in used(run, what[2])
}

judge_checks contains data.sekisho.report.check(
	agreement(judge[3]),
	sprintf("%s by judge %s of suite/%s: %s", [judge[1], data.sekisho.text.short(judge[3]), judge[0], agreement_words[agreement(judge[3])]]),
	kappa_seen(judge[3]),
	kappa_wanted,
	data.sekisho.text.qualify,
) if {
	some judge in judges
}

# What labelled cases say of an instrument. Where several qualifications count, the least of them decides.
agreement(digest) := "missing" if {
	count(counting(digest)) == 0
} else := "passed" if {
	count([found | some found in counting(digest); found.low_bp < settings.min_kappa_bp]) == 0
	settings.min_kappa_bp >= 0
} else := "failed" if {
	count([found | some found in counting(digest); found.high_bp < settings.min_kappa_bp]) > 0
} else := "inconclusive" if {
	settings.min_kappa_bp >= 0
} else := "missing"

counting(digest) := [found |
	some found in input.evidence.qualifications
	found.instrument == digest
	found.origin == "measured"
	found.at <= input.now
	found.low_bp <= found.high_bp
	found.labels in object.get(settings, "labels", [found.labels])
]

agreement_words := {
	"passed": "is qualified",
	"failed": "agrees too little with the labels",
	"inconclusive": "cannot be told to agree enough with the labels",
	"missing": "has no qualification that counts",
}

kappa_seen(digest) := sprintf("kappa %s", [concat("; ", sort(intervals))]) if {
	count(counting(digest)) > 0
	intervals := {data.sekisho.text.between(found) | some found in counting(digest)}
} else := "nothing"

kappa_wanted := sprintf("kappa at least %s with its whole interval", [data.sekisho.text.percent(settings.min_kappa_bp)]) if {
	settings.min_kappa_bp >= 0
} else := "a kappa that the policy data sets (min_kappa_bp)"

# Families of the model that wrote the answers: as the run recorded it, and as the closure's models say.
generator(run) := {run.engine.family | run.engine.family != ""} | {node.facts.family |
	some node in input.lineage.nodes
	node.kind == "model"
	node.facts.family != ""
}

judge_checks contains data.sekisho.report.check(
	kinship(judge[4], judge[5]),
	sprintf("%s by judge %s of suite/%s: %s", [
		judge[1], data.sekisho.text.short(judge[3]),
		judge[0], kinship_words[kinship(judge[4], judge[5])],
	]),
	sprintf("judge of family %s, answers of family %s", [named({judge[4]}), named(judge[5])]),
	"a judge of another family than what it judges",
	"measure by a judge of another family, or set same_family in the policy data",
) if {
	some judge in judges
}

kinship(_, _) := "passed" if object.get(settings, "same_family", false)

kinship(family, families) := related(family, families) if not object.get(settings, "same_family", false)

related(family, families) := "missing" if {
	family == ""
} else := "missing" if {
	count(families) == 0
} else := "failed" if {
	family in families
} else := "passed"

kinship_words := {
	"passed": "is of a family that may judge here",
	"failed": "judges its own family",
	"missing": "may be of the family that it judges",
}

named(families) := concat(", ", sort(families - {""})) if count(families - {""}) > 0

named(families) := "unknown" if count(families - {""}) == 0

# METADATA
# title: The scorers caught their control cases
# description: >-
#   Each run that counts and whose judged or grounded metric a limit reads carried at least the stage's number of
#   control cases, known to be unsupported, and its scorers missed no more of them than its suite allows.
# custom:
#   id: EVA-08
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: Add control cases to the suite, or measure by a scorer that notices them.
#   frameworks:
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_15>
#     - NIST AI RMF 1.0, MEASURE 2.13 (effectiveness of the measuring itself) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
results["EVA-08"] := data.sekisho.report.finding(control_checks, data.sekisho.evidence.no_requirement)

# How many are asked for; where the policy data does not say, none are, and what there is counts all the same.
least := object.get(data.sekisho.parameters.rule("EVA-08"), ["parameters", "min_controls"], 0)

control_checks contains data.sekisho.report.check(
	"missing",
	sprintf("who scored %s of suite/%s is not known", [what[1], what[0]]),
	"nothing",
	"a metric of a scorer that is known",
	data.sekisho.evidence.remedy(what[0]),
) if {
	some what in data.sekisho.evidence.limited
	scorer_of(what[0], what[1]) == ""
}

control_checks contains data.sekisho.report.check(
	"passed",
	"no limit here reads a judged or grounded metric",
	"no judged or grounded metric",
	"control cases where a scorer may be fooled",
	"",
) if {
	count(data.sekisho.evidence.limited) > 0
	count(fallible) == 0
}

# Suites of which some limit reads a metric whose scorer may be fooled.
fallible := {what[0] |
	some what in data.sekisho.evidence.limited
	may_be_fooled(scorer_of(what[0], what[1]))
}

may_be_fooled(scorer) if scorer == "grounding"

may_be_fooled(scorer) if judged(scorer)

control_checks contains data.sekisho.report.check(
	noticed(run),
	sprintf("run %s of suite/%s: %s", [run.id, suite, noticed_words[noticed(run)]]),
	controls_seen(run),
	sprintf("at least %d control cases, and no more missed than the suite allows", [least]),
	controls_remedy(run, suite),
) if {
	some suite in fallible
	some run in data.sekisho.evidence.counted[suite].runs
}

noticed(run) := "inconclusive" if {
	run.controls.missed > run.controls.allowed
} else := "passed" if {
	object.get(run, ["controls", "planned"], 0) >= least
} else := "missing"

noticed_words := {
	"passed": "the scorers did on control cases as they must",
	"inconclusive": "the scorers missed more control cases than the suite allows",
	"missing": "too few control cases",
}

controls_remedy(run, suite) := data.sekisho.text.more_cases("control, known to be unsupported", suite) if {
	noticed(run) == "missing"
} else := sprintf("`sekisho run report %s` names the controls that were missed; score by what notices them, then: `%s`", [
	run.id, data.sekisho.text.again,
])

controls_seen(run) := sprintf("%d of %d control cases missed, %d allowed", [
	run.controls.missed, run.controls.planned, run.controls.allowed,
]) if {
	run.controls.planned > 0
} else := "no control cases"

# Whether a measured metric may bear a limit: not judged at all, or judged by instruments that are qualified.
trusted(suite, metric) if {
	scorer_of(suite, metric) != ""
	not judged(scorer_of(suite, metric))
}

trusted(suite, metric) if {
	scorer := scorer_of(suite, metric)
	judged(scorer)
	every run in data.sekisho.evidence.counted[suite].runs {
		count(used(run, scorer)) > 0
		every instrument in used(run, scorer) {
			agreement(instrument.digest) == "passed"
		}
	}
}
