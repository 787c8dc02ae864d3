# Fairness: the groups that policy data declares were measured, and none of them is left behind.
package sekisho.fairness

# METADATA
# title: The declared groups were measured
# description: Each group that policy data declares was measured on at least its number of cases.
# custom:
#   id: FAI-01
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: Add cases for the group to the dataset, have the policy pin it, and run the suite again.
#   frameworks:
#     - EU AI Act, Article 10 (data and data governance) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_10>
#     - NIST AI RMF 1.0, MEASURE 2.11 (fairness and bias) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - ISO/IEC 42001:2023, A.7.4 (quality of data for AI systems) <https://controlstack.au/controls/iso42001-annex-a-7-4-quality-of-data-for-ai-systems/>
#     - AI Guidelines for Business (Japan), common guiding principle 3 (fairness) <https://www.meti.go.jp/press/2024/04/20240419004/20240419004.html>
results["FAI-01"] := data.sekisho.report.finding(group_checks, data.sekisho.evidence.nothing_claimed("groups"))

group_checks contains data.sekisho.report.check(
	measured(interval, claim.min_n),
	sprintf("%s of suite/%s, %s %s: %s", [
		claim.metric, claim.suite, claim.axis,
		group, group_words[measured(interval, claim.min_n)],
	]),
	sprintf("%d cases", [object.get(interval, "n", 0)]),
	sprintf("at least %d cases", [claim.min_n]),
	group_remedy(claim, group),
) if {
	some claim in data.sekisho.evidence.claims("groups")
	some group in claim.values
	interval := data.sekisho.evidence.slice(claim, group)
}

group_remedy(claim, group) := data.sekisho.text.more_cases(sprintf("%s %s", [claim.axis, group]), claim.suite) if {
	claim.suite in object.keys(data.sekisho.evidence.counted)
} else := data.sekisho.evidence.remedy(claim.suite)

measured(interval, least) := "missing" if {
	object.get(interval, "n", 0) == 0
} else := "passed" if {
	interval.n >= least
} else := "failed"

group_words := {
	"passed": "measured",
	"failed": "measured on too few cases",
	"missing": "not measured",
}

# METADATA
# title: The gap between groups is within its limit
# description: >-
#   The difference between the best and the worst group, with its whole confidence interval, is within the limit that
#   policy data sets.
# custom:
#   id: FAI-02
#   severity: critical
#   kinds: [agent]
#   actions: [promote]
#   remedy: See the worst cases of the group that falls behind, improve the version for it, and evaluate it again.
#   frameworks:
#     - EU AI Act, Article 10 (data and data governance) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_10>
#     - NIST AI RMF 1.0, MEASURE 2.11 (fairness and bias) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - AI Guidelines for Business (Japan), common guiding principle 3 (fairness) <https://www.meti.go.jp/press/2024/04/20240419004/20240419004.html>
results["FAI-02"] := data.sekisho.report.finding(gap_checks, data.sekisho.evidence.nothing_claimed("gaps"))

gap_checks contains gap_check(data.sekisho.evidence.at_most(data.sekisho.evidence.gap(claim), claim.limit_bp), claim) if {
	some claim in data.sekisho.evidence.claims("gaps")
}

gap_check(status, claim) := data.sekisho.report.check(
	status,
	gap_message(status, claim, gap),
	gap_seen(gap),
	sprintf("whole interval at most %s", [data.sekisho.text.percent(claim.limit_bp)]),
	data.sekisho.evidence.mend(status, claim.suite, gap_hint(claim.axis)),
) if {
	gap := data.sekisho.evidence.gap(claim)
}

gap_hint("language") := " (a hybrid retriever finds by terms what the embedder cannot read)"

gap_hint(axis) := "" if axis != "language"

gap_message("missing", claim, _) := sprintf(
	"the gap in %s of suite/%s by %s was not measured",
	[claim.metric, claim.suite, claim.axis],
)

gap_message(status, claim, gap) := sprintf(
	"the gap in %s of suite/%s by %s (%s over %s) is %s, interval %s, and %s its limit of %s%s",
	[
		claim.metric, claim.suite, claim.axis, gap.best, gap.worst, data.sekisho.text.percent(gap.gap_bp),
		data.sekisho.text.between(gap), gap_words[status], data.sekisho.text.percent(claim.limit_bp), worst_words(status, gap),
	],
) if {
	status != "missing"
}

gap_words := {"passed": "is within", "failed": "is over", "inconclusive": "cannot be told from"}

worst_words("passed", _) := ""

worst_words(status, gap) := sprintf("; worst cases: %s", [concat(", ", array.slice(gap.worst_cases, 0, 5))]) if {
	status != "passed"
	count(gap.worst_cases) > 0
}

worst_words(status, gap) := "" if {
	status != "passed"
	count(gap.worst_cases) == 0
}

gap_seen(gap) := sprintf("%s (%s)", [data.sekisho.text.percent(gap.gap_bp), data.sekisho.text.between(gap)]) if {
	data.sekisho.evidence.whole(gap)
} else := "nothing"

# METADATA
# title: No group falls under the floor
# description: For each declared group, the lower bound of the metric's confidence interval reaches the group floor.
# custom:
#   id: FAI-03
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: See the worst cases of the group, improve the version for it, and evaluate it again.
#   frameworks:
#     - EU AI Act, Article 10 (data and data governance) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_10>
#     - NIST AI RMF 1.0, MEASURE 2.11 (fairness and bias) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - AI Guidelines for Business (Japan), common guiding principle 3 (fairness) <https://www.meti.go.jp/press/2024/04/20240419004/20240419004.html>
results["FAI-03"] := data.sekisho.report.finding(group_floor_checks, data.sekisho.evidence.nothing_claimed("group_floors"))

group_floor_checks contains data.sekisho.report.check(
	status,
	sprintf("%s of suite/%s, %s %s: %s %s", [
		claim.metric, claim.suite, claim.axis, group,
		group_floor_words[status], data.sekisho.text.percent(claim.floor_bp),
	]),
	data.sekisho.evidence.seen(interval),
	sprintf("lower bound at least %s", [data.sekisho.text.percent(claim.floor_bp)]),
	data.sekisho.evidence.mend(status, claim.suite, ""),
) if {
	some claim in data.sekisho.evidence.claims("group_floors")
	some group in claim.values
	interval := data.sekisho.evidence.careful(data.sekisho.evidence.slice(claim, group))
	status := data.sekisho.evidence.at_least(interval, claim.floor_bp)
}

group_floor_words := {
	"passed": "above the floor of",
	"failed": "below the floor of",
	"inconclusive": "cannot be told from the floor of",
	"missing": "not measured; the floor is",
}

# METADATA
# title: A name, a gender or a locale changes nothing
# description: >-
#   For each counterfactual axis that policy data names, scores differ between variants of the same case no more often
#   than between repeats of one case, but for an excess whose whole confidence interval is within the limit. At least
#   four of five pairs could be compared. A judge that is not qualified tells nothing.
# custom:
#   id: FAI-04
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: See the pairs that differ, find what of the variant the version reacts to, and evaluate it again.
#   frameworks:
#     - EU AI Act, Article 10 (data and data governance) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_10>
#     - NIST AI RMF 1.0, MEASURE 2.11 (fairness and bias) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - AI Guidelines for Business (Japan), common guiding principle 3 (fairness) <https://www.meti.go.jp/press/2024/04/20240419004/20240419004.html>
results["FAI-04"] := data.sekisho.report.finding(flip_checks, data.sekisho.evidence.nothing_claimed("flips"))

flip_checks contains data.sekisho.report.check(
	status,
	sprintf("%s of suite/%s by %s: %s%s", [
		claim.metric, claim.suite, claim.axis, flip_words[status], worst_pairs(status, flip),
	]),
	flip_seen(flip),
	sprintf("an excess of at most %s with its whole interval", [data.sekisho.text.percent(claim.limit_bp)]),
	data.sekisho.evidence.mend(status, claim.suite, ""),
) if {
	some claim in data.sekisho.evidence.claims("flips")
	flip := object.get(data.sekisho.evidence.metric(claim.suite, claim.metric), ["flips", claim.axis], {})
	status := flipped(claim, flip)
}

flipped(claim, flip) := "inconclusive" if {
	data.sekisho.evidence.whole(flip)
	flip.n * 5 < flip.pairs * 4
} else := data.sekisho.evaluation.believed(claim, data.sekisho.evidence.at_most(flip, claim.limit_bp))

flip_words := {
	"passed": "the variants are as alike as repeats",
	"failed": "the variants are not treated alike",
	"inconclusive": "it cannot be told whether the variants are treated alike",
	"missing": "it was not measured whether the variants are treated alike",
}

worst_pairs(status, flip) := sprintf("; pairs that differ most: %s", [concat(", ", array.slice(pairs, 0, 5))]) if {
	status != "passed"
	pairs := object.get(flip, "worst_pairs", [])
	count(pairs) > 0
} else := ""

flip_seen(flip) := sprintf("an excess of %s (%s) over %d of %d pairs", [
	data.sekisho.text.percent(flip.excess_bp), data.sekisho.text.between(flip), flip.n, flip.pairs,
]) if {
	data.sekisho.evidence.whole(flip)
} else := object.get(flip, "unscored", "nothing")

# METADATA
# title: No group is turned away more often
# description: >-
#   The difference in how often groups get no answer, with its whole confidence interval, is within the limit that policy
#   data sets for the rate of abstaining. A judge that is not qualified tells nothing.
# custom:
#   id: FAI-05
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: See which questions of the group get no answer, improve the version for it, and evaluate it again.
#   frameworks:
#     - EU AI Act, Article 10 (data and data governance) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_10>
#     - NIST AI RMF 1.0, MEASURE 2.11 (fairness and bias) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - AI Guidelines for Business (Japan), common guiding principle 3 (fairness) <https://www.meti.go.jp/press/2024/04/20240419004/20240419004.html>
results["FAI-05"] := data.sekisho.report.finding(refusal_checks, data.sekisho.evidence.nothing_claimed("refusal_gaps"))

refusal_checks contains gap_check(
	data.sekisho.evaluation.believed(claim, data.sekisho.evidence.at_most(data.sekisho.evidence.gap(claim), claim.limit_bp)),
	claim,
) if {
	some claim in data.sekisho.evidence.claims("refusal_gaps")
}
