# Order in time: what was measured is younger than everything that it was measured on.
package sekisho.dependencies

nodes := input.lineage.nodes

# METADATA
# title: The measurements are newer than what they are about
# description: >-
#   For each required suite a run that counts began after the last part of the pinned closure was registered, and after
#   its index was last built.
# custom:
#   id: EVA-09
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: Run the suite again.
#   frameworks:
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_15>
#     - NIST AI RMF 1.0, MEASURE 2.3 (performance in conditions like deployment) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - ISO/IEC 42001:2023, A.6.2.4 (AI system verification and validation) <https://controlstack.au/controls/iso42001-annex-a-6-2-4-ai-system-verification-and-validation/>
results["EVA-09"] := data.sekisho.report.finding(order_checks, data.sekisho.evidence.no_requirement)

# When each part was there, and in which way it came.
arrivals := {[node.registered_at, sprintf("%s was registered", [data.sekisho.text.label(node)])] | some node in nodes} | {[
	node.facts.built_at,
	sprintf("%s was built", [data.sekisho.text.label(node)]),
] |
	some node in nodes
	node.kind == "index"
}

undated := {data.sekisho.text.label(node) | some node in nodes; object.get(node, "registered_at", -1) < 0}

last := sort(arrivals)[count(arrivals) - 1] if count(arrivals) > 0

order_checks contains data.sekisho.report.check(
	"missing",
	sprintf("it is not known when %s was registered", [label]),
	"no time",
	"the time of every registration",
	"report this: the gate assembled a version without its time",
) if {
	some label in undated
}

order_checks contains data.sekisho.report.check(
	ordered(name),
	sprintf("suite/%s %s", [name, order_words[ordered(name)]]),
	begun_words(name),
	sprintf("a run begun after %s", [last[1]]),
	data.sekisho.evidence.remedy(name),
) if {
	some name in data.sekisho.evidence.suites
}

begun(name) := max(starts) if {
	starts := [run.started_at | some run in data.sekisho.runs.admitted[name]]
	count(starts) > 0
}

ordered(name) := "passed" if {
	begun(name) >= last[0]
} else := "failed" if {
	begun(name) < last[0]
} else := "missing"

order_words := {
	"passed": "was measured after the last part was there",
	"failed": "was measured on parts that are older than the present ones",
	"missing": "has no run that counts, or none whose begin is known",
}

begun_words(name) := sprintf("begun %d s before %s", [seconds, last[1]]) if {
	short := last[0] - begun(name)
	short > 0
	seconds := (short - (short % 1000)) / 1000
} else := "begun after it" if {
	begun(name) >= last[0]
} else := "nothing"
