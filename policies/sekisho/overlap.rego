# Overlap: what is asked in an evaluation does not stand ready in the prompt or the corpus.
package sekisho.overlap

# METADATA
# title: The questions have not leaked into the prompt or the corpus
# description: >-
#   For the dataset of each required suite an overlap check of this prompt and this corpus was measured, and the share of
#   cases that stand word for word in the prompt (question or expected answer) or in the corpus (question) is within the
#   stage's caps. Cases that are too short to be recognised count as leaked where that would be over the cap.
# custom:
#   id: EVA-10
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: Take the cases out of the prompt and the corpus, or measure by others.
#   frameworks:
#     - EU AI Act, Article 10 (data and data governance) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_10>
#     - NIST AI RMF 1.0, MAP 2.3 (integrity of evaluation and data selection) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - ISO/IEC 42001:2023, A.7.4 (quality of data for AI systems) <https://controlstack.au/controls/iso42001-annex-a-7-4-quality-of-data-for-ai-systems/>
results["EVA-10"] := data.sekisho.report.finding(overlap_checks, data.sekisho.evidence.no_requirement)

datasets := {pin.dataset | some pin in data.sekisho.evidence.pins}

of_kind(kind) := {digest | some digest, node in input.lineage.nodes; node.kind == kind}

# Everything that must have been looked at: each dataset with each prompt and corpus of the closure.
wanted := {[dataset, prompt, corpus] |
	some dataset in datasets
	some prompt in of_kind("prompt")
	some corpus in of_kind("corpus")
}

found(what) := [overlap |
	some overlap in object.get(input.evidence, "overlaps", [])
	[overlap.dataset, overlap.prompt, overlap.corpus] == what
	overlap.origin == "measured"
	overlap.cases > 0
	overlap.at <= input.now
]

overlap_checks contains data.sekisho.report.check(
	"missing",
	sprintf("suite/%s is not pinned, so its dataset cannot be looked for", [name]),
	"no pin",
	"a suite and a dataset pinned by digest",
	data.sekisho.text.pin(name),
) if {
	some name in data.sekisho.evidence.suites
	not name in object.keys(data.sekisho.evidence.pins)
}

overlap_checks contains data.sekisho.report.check(
	"missing",
	sprintf("nobody looked whether dataset %s stands in the prompt or the corpus", [data.sekisho.text.short(what[0])]),
	"nothing",
	"an overlap check of the dataset with this prompt and corpus",
	data.sekisho.text.overlap(what[0]),
) if {
	some what in wanted
	count(found(what)) == 0
}

overlap_checks contains data.sekisho.report.check(
	status,
	sprintf("%d of %d cases of dataset %s stand in %s, %d cannot be told%s", [
		overlap[place[0]], overlap.cases, data.sekisho.text.short(what[0]), place[1], overlap.untold, named(status, overlap),
	]),
	data.sekisho.text.percent(share(overlap[place[0]], overlap.cases)),
	sprintf("at most %s", [data.sekisho.text.percent(place[2])]),
	sprintf("take the words of these cases out of %s, or have the policy pin a dataset without them, then: `%s`", [
		place[1], data.sekisho.text.again,
	]),
) if {
	some what in wanted
	some overlap in found(what)
	some place in places
	status := leaked(overlap, overlap[place[0]], place[2])
}

places contains ["in_prompt", "the prompt", data.sekisho.parameters.parameter("EVA-10", "max_in_prompt_bp")]

places contains ["in_corpus", "the corpus", data.sekisho.parameters.parameter("EVA-10", "max_in_corpus_bp")]

# Where policy data sets only one of the caps, the other is missing and not forgotten.
overlap_checks contains data.sekisho.report.check(
	"missing",
	"the policy data does not cap the overlap with both prompt and corpus",
	sprintf("%d of 2 caps", [count(places)]),
	"max_in_prompt_bp and max_in_corpus_bp",
	sprintf("set both parameters of EVA-10 at %s in the policy data", [input.stage]),
) if {
	count(places) < 2
}

leaked(overlap, count_there, cap) := "failed" if {
	share(count_there, overlap.cases) > cap
} else := "inconclusive" if {
	share(count_there + overlap.untold, overlap.cases) > cap
} else := "passed"

# Basis points, rounded up: one case too many is too many.
share(part, whole) := (scaled + ((whole - (scaled % whole)) % whole)) / whole if {
	whole > 0
	scaled := part * 10000
}

named(status, overlap) := sprintf(": %s", [concat(", ", array.slice(overlap.found, 0, 5))]) if {
	status != "passed"
	count(overlap.found) > 0
} else := ""
