# Languages: what is written in each language of the corpus is found as well as in the others.
package sekisho.languages

# METADATA
# title: Retrieval serves every language of the corpus
# description: >-
#   Where the corpus holds documents in several languages, recall was measured for each of them, and the gap between the
#   best and the worst is with its whole confidence interval within the stage's limit. Which languages these are, the
#   documents say and not the evaluation.
# custom:
#   id: FAI-06
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: Measure retrieval in every language of the corpus, and improve it where it falls behind.
#   frameworks:
#     - EU AI Act, Article 10 (data and data governance) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_10>
#     - NIST AI RMF 1.0, MEASURE 2.11 (fairness and bias) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - AI Guidelines for Business (Japan), common guiding principle 3 (fairness) <https://www.meti.go.jp/press/2024/04/20240419004/20240419004.html>
results["FAI-06"] := data.sekisho.report.finding(language_checks, data.sekisho.report.absent(
	sprintf("no limit here reads the recall of %s, or the policy data sets no limit of the gap", [data.sekisho.evidence.path]),
	"recall of a retrieval suite by language, and limit_bp of FAI-06",
	sprintf("add a floor of recall for %s at %s, and limit_bp of FAI-06, to the policy data", [
		data.sekisho.evidence.path, input.stage,
	]),
))

limit := data.sekisho.parameters.parameter("FAI-06", "limit_bp")

languages := {language |
	some node in input.lineage.nodes
	node.kind == "corpus"
	some language in object.get(node.facts, "languages", [])
}

limited := {what | some what in data.sekisho.evidence.limited; startswith(what[1], "recall@")}

# Of these, what was measured by language at all: another suite may look at something else.
recalls := {what |
	some what in limited
	count(object.get(data.sekisho.evidence.metric(what[0], what[1]), ["slices", "language"], {})) > 0
}

language_checks contains data.sekisho.report.check(
	"missing",
	"no recall was measured by language",
	"nothing",
	"recall in every language of the corpus",
	data.sekisho.evidence.remedy(what[0]),
) if {
	count(languages) > 1
	limit >= 0
	count(recalls) == 0
	some what in limited
}

language_checks contains data.sekisho.report.check(
	"passed",
	"the corpus does not hold documents in several languages",
	sprintf("%d languages", [count(languages)]),
	"recall in every language of the corpus",
	"",
) if {
	count(languages) < 2
}

language_checks contains data.sekisho.report.check(
	status,
	sprintf("%s of suite/%s in %s: %s", [what[1], what[0], language, {"passed": "measured", "missing": "not measured"}[status]]),
	sprintf("%d cases", [cases]),
	"cases in every language of the corpus",
	data.sekisho.text.more_cases(sprintf("language %s", [language]), what[0]),
) if {
	count(languages) > 1
	limit >= 0
	some what in recalls
	some language in languages
	cases := object.get(data.sekisho.evidence.metric(what[0], what[1]), ["slices", "language", language, "n"], 0)
	status := {true: "passed", false: "missing"}[cases > 0]
}

language_checks contains data.sekisho.fairness.gap_check(
	data.sekisho.evidence.at_most(data.sekisho.evidence.gap(claim), limit),
	claim,
) if {
	count(languages) > 1
	some what in recalls
	claim := {"suite": what[0], "metric": what[1], "axis": "language", "limit_bp": limit}
}
