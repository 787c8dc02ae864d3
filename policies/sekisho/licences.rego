# Licences: everything in the closure may be used here.
package sekisho.licences

# METADATA
# title: Licences are on the allow-list
# description: >-
#   Each corpus, dataset and model in the closure declares an SPDX licence that the stage allows; of alternatives joined
#   by OR, one is enough.
# custom:
#   id: LIC-01
#   severity: high
#   kinds: [agent, index, corpus, dataset, model]
#   actions: [promote]
#   remedy: Declare the licence in the manifest, use a source whose licence is allowed, or have the allow-list changed.
#   frameworks:
#     - NIST AI RMF 1.0, GOVERN 6.1 (third parties and their rights) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - NIST AI RMF 1.0, MAP 4.1 (legal risks of components) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
results["LIC-01"] := data.sekisho.report.finding(
	licence_checks,
	data.sekisho.report.absent("the closure holds nothing that is licensed", "declared licences", "declare the licences"),
)

allowed := {licence | some licence in data.sekisho.parameters.parameter("LIC-01", "allowed")}

allow_words := sprintf("one of %s", [concat(", ", sort(allowed))])

licence_checks contains data.sekisho.report.check(
	licence_status(node),
	sprintf("%s: %s", [data.sekisho.text.label(node), licence_words(node)]),
	object.get(node.facts, "licence", "no licence"),
	allow_words,
	sprintf("declare an allowed licence in %s/%s, or replace it", [node.kind, node.name]),
) if {
	some node in input.lineage.nodes
	node.kind in {"corpus", "dataset", "model"}
}

licence_status(node) := "missing" if {
	not node.facts.licence
} else := "passed" if {
	some alternative in split(node.facts.licence, " OR ")
	alternative in allowed
} else := "failed"

licence_words(node) := {
	"missing": "declares no licence",
	"passed": "licence allowed",
	"failed": "licence not on the allow-list",
}[licence_status(node)]
