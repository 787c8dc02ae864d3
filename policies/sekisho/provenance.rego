# Provenance: it is told where the documents came from, and their bytes can still be had.
package sekisho.provenance

nodes := input.lineage.nodes

corpora := [node | some node in nodes; node.kind == "corpus"]

nothing := data.sekisho.report.absent(
	"the closure holds no corpus",
	"a corpus",
	"register the version with an index over a corpus",
)

# METADATA
# title: Every source of the corpus is told
# description: >-
#   Each corpus in the closure names its sources, each of them with its URI, the hash of what was taken from there, and
#   a time: when it was retrieved, or else when the corpus was registered.
# custom:
#   id: LIN-08
#   severity: medium
#   kinds: [agent, index, corpus]
#   actions: [promote]
#   remedy: Say in sekisho.yaml where each source comes from, then apply and evaluate again.
#   frameworks:
#     - EU AI Act, Article 10 (data and data governance) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_10>
#     - NIST AI RMF 1.0, MAP 4.1 (legal risks of components) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - ISO/IEC 42001:2023, A.7.5 (data provenance) <https://controlstack.au/controls/iso42001-annex-a-7-5-data-provenance/>
#     - OWASP Top 10 for LLM Applications, LLM05:2026 (Data and Model Poisoning) <https://genai.owasp.org/resource/owasp-genai-llm-top-10-2026/>
results["LIN-08"] := data.sekisho.report.finding(source_checks, nothing)

source_checks contains data.sekisho.report.check(
	"missing",
	sprintf("%s does not say where its files come from", [data.sekisho.text.label(node)]),
	"no source",
	wanted,
	source_remedy(node),
) if {
	some node in corpora
	count(node.facts.sources) == 0
}

source_checks contains data.sekisho.report.check(
	{true: "passed", false: "failed"}[count(lacking) == 0],
	sprintf("source %s of %s %s", [source.uri, data.sekisho.text.label(node), told(lacking)]),
	told(lacking),
	wanted,
	source_remedy(node),
) if {
	some node in corpora
	some source in node.facts.sources
	lacking := lacks(source, node)
}

wanted := "of every source its URI, hash and time"

lacks(source, node) := {word |
	some word, known in {
		"URI": source.uri != "",
		"hash": object.get(source, "digest", "") != "",
		"time": object.get(source, "retrieved_at", object.get(node, "registered_at", -1)) >= 0,
	}
	not known
}

told(lacking) := "is told whole" if count(lacking) == 0

told(lacking) := sprintf("has no %s", [concat(" and no ", sort(lacking))]) if count(lacking) > 0

source_remedy(node) := sprintf(
	"give each folder of corpus/%s in sekisho.yaml its `uri`, or declare it by git, dvc, lakefs or archives, then: `%s`",
	[node.name, data.sekisho.text.again],
)

# METADATA
# title: The bytes can still be had
# description: >-
#   Of each corpus and dataset in the closure every file's bytes are kept; where a stage is to return to the version,
#   the index that it searches is still there as well.
# custom:
#   id: LIN-09
#   severity: high
#   kinds: [agent, index, corpus, dataset, suite]
#   actions: [promote, rollback]
#   remedy: Apply the project of that commit again, which brings back what is absent.
#   frameworks:
#     - EU AI Act, Article 12 (record-keeping) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_12>
#     - NIST AI RMF 1.0, MANAGE 4.1 (recovery and change management) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
results["LIN-09"] := data.sekisho.report.finding(byte_checks | build_checks, data.sekisho.report.absent(
	"the closure holds neither a corpus nor a dataset",
	"a corpus or a dataset",
	"register the version with what it is made from",
))

byte_checks contains data.sekisho.report.check(
	kept(node),
	sprintf("%s: %s", [data.sekisho.text.label(node), absent_words(node)]),
	absent_words(node),
	"every file's bytes",
	sprintf("in the checkout of the commit that it was registered from: `sekisho apply`, which brings back the bytes of %s/%s", [
		node.kind, node.name,
	]),
) if {
	some node in nodes
	node.kind in {"corpus", "dataset"}
}

kept(node) := "passed" if {
	node.facts.absent == 0
} else := "failed" if {
	node.facts.absent > 0
} else := "missing"

absent_words(node) := "every file's bytes are kept" if {
	node.facts.absent == 0
} else := sprintf("the bytes of %d files are gone", [node.facts.absent]) if {
	node.facts.absent > 0
} else := "it was not looked whether the bytes are kept"

build_checks contains data.sekisho.report.check(
	{true: "passed", false: "failed"}[built],
	sprintf("%s %s", [data.sekisho.text.label(node), {true: "is built", false: "is not built here any more"}[built]]),
	{true: "built", false: "not built"}[built],
	"an index that can be searched",
	sprintf("in the checkout of the commit that it was registered from: `sekisho apply` builds index/%s again", [node.name]),
) if {
	input.action == "rollback"
	some node in nodes
	node.kind == "index"
	built := object.get(node.facts, "built_at", -1) >= 0
}
