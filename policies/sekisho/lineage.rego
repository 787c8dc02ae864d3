# Lineage: what is promoted is exactly what was registered, down to its last part.
package sekisho.lineage

nodes := input.lineage.nodes

edges := {digest: object.get(input.lineage.edges, digest, []) | some digest, _ in nodes}

# METADATA
# title: Every version hashes to its digest
# description: >-
#   The stored bytes of each version in the pinned closure were hashed again for this decision and give the digest
#   they are kept under, and the closure's root is the version that is to move.
# custom:
#   id: LIN-01
#   severity: critical
#   kinds: [system, prompt, corpus, index, agent, dataset, suite, model]
#   actions: [promote, rollback]
#   remedy: Register the content again from its source; what is stored under this digest has been altered.
#   frameworks:
#     - EU AI Act, Article 12 (record-keeping) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_12>
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_15>
#     - NIST AI RMF 1.0, MEASURE 2.7 (security and resilience) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - OWASP Top 10 for LLM Applications, LLM04:2026 (Supply Chain) <https://genai.owasp.org/resource/owasp-genai-llm-top-10-2026/>
results["LIN-01"] := data.sekisho.report.finding(
	bytes_checks | root_checks,
	data.sekisho.report.absent("the closure is empty", "the versions this one is made from", "register the version again"),
)

bytes_checks contains data.sekisho.report.check(
	hashed(digest, node),
	sprintf("%s %s", [data.sekisho.text.label(node), hash_words[hashed(digest, node)]]),
	hash_words[hashed(digest, node)],
	"bytes that hash to the digest",
	sprintf("register %s/%s again from its source; its stored bytes have been altered", [node.kind, node.name]),
) if {
	some digest, node in nodes
}

hashed(digest, node) := "passed" if {
	node.integrity == "verified"
	node.digest == digest
} else := "failed"

hash_words := {"passed": "hashes to its digest", "failed": "does not hash to its digest"}

root_checks contains data.sekisho.report.check(
	rooted,
	{"passed": "the closure is the subject's", "failed": "the closure is not the subject's"}[rooted],
	data.sekisho.text.short(input.lineage.root),
	input.subject.digest,
	"report this: the gate assembled another version's closure",
)

rooted := "passed" if {
	input.lineage.root == input.subject.digest
	nodes[input.lineage.root].kind == input.subject.kind
	nodes[input.lineage.root].name == input.subject.name
} else := "failed"

# METADATA
# title: Nothing in the closure is missing or loose
# description: >-
#   Every digest that a version names is registered and stands in the closure, every version in the closure is reached
#   from the subject, and whatever would move along under this decision is one of those judged here.
# custom:
#   id: LIN-02
#   severity: critical
#   kinds: [system, prompt, corpus, index, agent, dataset, suite, model]
#   actions: [promote, rollback]
#   remedy: Register the named version, or register the subject again with digests that exist.
#   frameworks:
#     - EU AI Act, Article 11 (technical documentation) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_11>
#     - NIST AI RMF 1.0, MAP 4.2 (controls of components) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - ISO/IEC 42001:2023, A.6.2.7 (AI system technical documentation) <https://controlstack.au/controls/iso42001-annex-a-6-2-7-ai-system-technical-documentation/>
results["LIN-02"] := data.sekisho.report.finding(
	((edge_checks | reach_checks) | moving_checks),
	data.sekisho.report.absent("the closure is empty", "the versions this one is made from", "register the version again"),
)

unregistered := {digest | some digest in input.lineage.dangling} | (targets - object.keys(nodes))

targets := {target | some _, pointed in input.lineage.edges; some target in pointed}

edge_checks contains data.sekisho.report.check(
	"failed",
	sprintf("%s is named and not registered", [digest]),
	"a digest that nobody registered",
	"every named digest registered",
	sprintf("register the version with the digest %s", [digest]),
) if {
	some digest in unregistered
}

reached := graph.reachable(edges, {input.subject.digest})

reach_checks contains data.sekisho.report.check(
	reach_status,
	sprintf("%d of %d versions of the closure are reached from the subject", [count(reached), count(nodes)]),
	sprintf("%d reached", [count(reached)]),
	sprintf("%d reached", [count(nodes)]),
	"report this: the gate assembled a closure that does not hang together",
) if {
	count(nodes) > 0
}

reach_status := "passed" if {
	count(object.keys(nodes) - reached) == 0
	count(object.keys(input.lineage.edges) - object.keys(nodes)) == 0
} else := "failed"

moving_checks contains data.sekisho.report.check(
	"failed",
	sprintf("%s would move along, and is not judged here", [digest]),
	"a version outside the closure",
	"every version that moves is judged in this decision",
	"report this: the gate would move what it did not look at",
) if {
	some digest in object.get(input, "along", [])
	not digest in object.keys(nodes)
}

# METADATA
# title: Nothing in the closure is archived or revoked
# description: No version in the pinned closure has been taken out of use.
# custom:
#   id: LIN-03
#   severity: critical
#   kinds: [system, prompt, corpus, index, agent, dataset, suite, model]
#   actions: [promote, rollback]
#   remedy: Restore the archived version if it is sound, or register the subject with another; a revoked one stays out.
#   frameworks:
#     - EU AI Act, Article 9 (risk management system) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_9>
#     - NIST AI RMF 1.0, MANAGE 2.4 (superseding and deactivating) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
results["LIN-03"] := data.sekisho.report.finding(
	use_checks,
	data.sekisho.report.absent("the closure is empty", "the versions this one is made from", "register the version again"),
)

use_checks contains data.sekisho.report.check(
	{true: "passed", false: "failed"}[word == "in use"],
	sprintf("%s is %s", [data.sekisho.text.label(node), word]),
	word,
	"in use",
	out_of_use_remedy(node),
) if {
	some node in nodes
	word := use(node)
}

use(node) := "revoked" if {
	node.revoked
} else := "archived" if {
	node.archived
} else := "in use"

out_of_use_remedy(node) := sprintf("register the subject with another %s than %s, which is revoked", words) if {
	node.revoked
	words := [node.kind, data.sekisho.text.label(node)]
} else := data.sekisho.text.restore(node)

# METADATA
# title: Models are pinned to a digest
# description: Each model in the closure names the digest of its weights, so that a host cannot swap them unseen.
# custom:
#   id: LIN-04
#   severity: high
#   kinds: [agent, model]
#   actions: [promote]
#   remedy: Register the model with the digest that its host reports, and the agent with that model.
#   frameworks:
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_15>
#     - NIST AI RMF 1.0, MANAGE 3.2 (pre-trained models) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - OWASP Top 10 for LLM Applications, LLM04:2026 (Supply Chain) <https://genai.owasp.org/resource/owasp-genai-llm-top-10-2026/>
results["LIN-04"] := data.sekisho.report.finding(
	model_checks,
	data.sekisho.report.absent("the closure holds no model", "at least one model, pinned", "register the agent with a model"),
)

model_checks contains data.sekisho.report.check(
	{true: "passed", false: "failed"}[node.facts.pinned],
	sprintf("%s %s", [data.sekisho.text.label(node), {true: "is pinned", false: "is not pinned to a digest"}[node.facts.pinned]]),
	{true: "pinned", false: "not pinned"}[node.facts.pinned],
	"pinned to a digest",
	sprintf("register model/%s with the digest its host reports, then the agent with it", [node.name]),
) if {
	some node in nodes
	node.kind == "model"
}

# METADATA
# title: The index is what its manifest says
# description: >-
#   The index's vectors and chunks were recomputed and equal what the store holds, and its embedder is recorded with
#   its digest and dimension and is the one that the build used, so that questions are embedded as the documents were.
# custom:
#   id: LIN-05
#   severity: high
#   kinds: [agent, index]
#   actions: [promote]
#   remedy: Verify the index, and build it again where it has drifted.
#   frameworks:
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_15>
#     - NIST AI RMF 1.0, MEASURE 2.7 (security and resilience) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - OWASP Top 10 for LLM Applications, LLM09:2026 (Vector and Embedding Weaknesses) <https://genai.owasp.org/resource/owasp-genai-llm-top-10-2026/>
results["LIN-05"] := data.sekisho.report.finding(
	index_checks | embedder_checks,
	data.sekisho.report.absent("the closure holds no index", "an index that verifies", "register the agent with an index"),
)

index_checks contains data.sekisho.report.check(
	{"verified": "passed", "drifted": "failed", "unverified": "missing"}[node.facts.integrity],
	sprintf("%s is %s", [data.sekisho.text.label(node), node.facts.integrity]),
	node.facts.integrity,
	"verified against its manifest",
	index_remedy(node),
) if {
	some node in nodes
	node.kind == "index"
}

index_remedy(node) := data.sekisho.text.verify_index(node) if {
	node.facts.integrity != "drifted"
} else := sprintf("sekisho apply\n%s", [data.sekisho.text.verify_index(node)])

embedder_checks contains data.sekisho.report.check(
	embedded(node),
	sprintf("%s %s", [data.sekisho.text.label(node), embedder_words[embedded(node)]]),
	sprintf("embedder %s of %d dimensions", [node.facts.embedder, node.facts.dimension]),
	"an embedder with its digest and dimension, over a corpus of the closure",
	sprintf("build index/%s again with this release, then register the agent with it", [node.name]),
) if {
	some node in nodes
	node.kind == "index"
}

embedded(node) := "passed" if {
	node.facts.embedder != ""
	node.facts.embedder_digest
	node.facts.dimension > 0
	object.get(node.facts, "built_with", node.facts.embedder_digest) == node.facts.embedder_digest
	nodes[node.facts.corpus].kind == "corpus"
} else := "failed"

embedder_words := {"passed": "records its embedder", "failed": "does not record its embedder or corpus whole"}

# METADATA
# title: Stages are taken in order
# description: >-
#   The target is a stage of this policy, and versions may begin there or this one stands at the stage before it.
# custom:
#   id: LIN-06
#   severity: critical
#   kinds: [system, prompt, corpus, index, agent, dataset, suite, model]
#   actions: [promote]
#   remedy: Promote the version to the stage before this one first.
#   frameworks:
#     - EU AI Act, Article 9 (risk management system) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_9>
#     - NIST AI RMF 1.0, MANAGE 1.1 (whether deployment should proceed) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
results["LIN-06"] := data.sekisho.report.finding(
	order_checks,
	data.sekisho.report.absent(
		sprintf("%s is not a stage of this policy", [input.stage]),
		sprintf("one of %s", [concat(", ", data.sekisho.parameters.order)]),
		sprintf("promote to one of %s", [concat(", ", data.sekisho.parameters.order)]),
	),
)

order_checks contains data.sekisho.report.check(
	"passed",
	sprintf("versions may begin at %s", [input.stage]),
	input.stage,
	"a stage where versions may begin, or the one after where this stands",
	"",
) if {
	input.stage in data.sekisho.parameters.entry
}

order_checks contains data.sekisho.report.check(
	{true: "passed", false: "failed"}[stands],
	sprintf("the version %s at %s", [{true: "stands", false: "does not stand"}[stands], before]),
	standing,
	sprintf("the version stands at %s", [before]),
	data.sekisho.text.promote(before),
) if {
	some place, stage in data.sekisho.parameters.order
	place > 0
	stage == input.stage
	not stage in data.sekisho.parameters.entry
	before := data.sekisho.parameters.order[place - 1]
	stands := before in input.from_stages
}

standing := concat(", ", sort(input.from_stages)) if {
	count(input.from_stages) > 0
} else := "no stage"

# METADATA
# title: A roll-back goes to what was allowed before
# description: The version was once moved to this stage by an allowing decision.
# custom:
#   id: LIN-07
#   severity: critical
#   kinds: [system, prompt, corpus, index, agent, dataset, suite, model]
#   actions: [rollback]
#   remedy: Promote the version instead; it has never been allowed at this stage.
#   frameworks:
#     - EU AI Act, Article 14 (human oversight) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_14>
#     - NIST AI RMF 1.0, MANAGE 2.4 (superseding and deactivating) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - NIST AI RMF 1.0, MANAGE 4.1 (recovery and change management) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
results["LIN-07"] := data.sekisho.report.finding(
	past_checks,
	data.sekisho.report.absent(
		sprintf("%s is not a stage of this policy", [input.stage]),
		sprintf("one of %s", [concat(", ", data.sekisho.parameters.order)]),
		sprintf("roll back at one of %s", [concat(", ", data.sekisho.parameters.order)]),
	),
)

past_checks contains data.sekisho.report.check(
	{true: "passed", false: "failed"}[input.formerly_allowed],
	{true: "the version was allowed here before", false: "the version was never allowed here"}[input.formerly_allowed],
	{true: "allowed before", false: "never allowed"}[input.formerly_allowed],
	"allowed before at this stage",
	data.sekisho.text.promote(input.stage),
) if {
	input.stage in data.sekisho.parameters.order
}
