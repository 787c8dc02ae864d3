# Documentation: what the system is for, for whom, and what may go wrong is written down.
package sekisho.documentation

systems := {digest: node | some digest, node in input.lineage.nodes; node.kind == "system"}

no_system := data.sekisho.report.absent(
	"the closure holds no system",
	"a system that the version belongs to",
	"register a system, and the agent with it",
)

# METADATA
# title: The system's card is complete
# description: The latest card of each system in the closure fills every part that the stage asks for.
# custom:
#   id: DOC-01
#   severity: high
#   kinds: [agent, system]
#   actions: [promote]
#   remedy: Write the missing parts of the card.
#   frameworks:
#     - EU AI Act, Article 11 (technical documentation) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_11>
#     - EU AI Act, Article 13 (transparency and provision of information to deployers) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_13>
#     - NIST AI RMF 1.0, MAP 1.1 (intended purposes and settings) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - ISO/IEC 42001:2023, A.6.2.7 (AI system technical documentation) <https://controlstack.au/controls/iso42001-annex-a-6-2-7-ai-system-technical-documentation/>
#     - AI Guidelines for Business (Japan), common guiding principle 6 (transparency) <https://www.meti.go.jp/press/2024/04/20240419004/20240419004.html>
results["DOC-01"] := data.sekisho.report.finding(card_checks, no_system)

wanted_parts := {part | some part in data.sekisho.parameters.parameter("DOC-01", "fields")}

cards := {digest: card |
	some digest, _ in systems
	order := sort([[card.created_at, card.id, place] |
		some place, card in input.evidence.cards
		card.subject == digest
		card.origin == "attested"
	])
	count(order) > 0
	card := input.evidence.cards[order[count(order) - 1][2]]
}

card_checks contains data.sekisho.report.absent(
	sprintf("%s has no card", [data.sekisho.text.label(system)]),
	sprintf("a card with %s", [concat(", ", sort(wanted_parts))]),
	data.sekisho.text.write_card(system),
) if {
	some digest, system in systems
	not digest in object.keys(cards)
}

card_checks contains data.sekisho.report.check(
	card_status(empty),
	sprintf("the card of %s %s", [data.sekisho.text.label(systems[digest]), card_words(empty)]),
	sprintf("%d of %d parts", [count(wanted_parts) - count(empty), count(wanted_parts)]),
	sprintf("%s", [concat(", ", sort(wanted_parts))]),
	data.sekisho.text.write_card(systems[digest]),
) if {
	some digest, card in cards
	empty := {part | some part in wanted_parts; not card.fields[part]}
}

card_status(empty) := "passed" if {
	count(empty) == 0
	count(wanted_parts) > 0
} else := "failed"

card_words(empty) := "is complete" if {
	count(empty) == 0
} else := sprintf("lacks %s", [concat(", ", sort(empty))])

# METADATA
# title: The risk class is set, and the use is not prohibited
# description: Each system in the closure states its purpose, owner and risk class, and the class is not prohibited.
# custom:
#   id: DOC-02
#   severity: critical
#   kinds: [agent, system]
#   actions: [promote]
#   remedy: Register the system with its purpose, owner and risk class; a prohibited use cannot be promoted.
#   frameworks:
#     - EU AI Act, Article 5 (prohibited AI practices) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_5>
#     - EU AI Act, Article 6 (classification rules for high-risk AI systems) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_6>
#     - NIST AI RMF 1.0, MAP 1.5 (risk tolerances) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
results["DOC-02"] := data.sekisho.report.finding(class_checks, no_system)

class_checks contains data.sekisho.report.check(
	class_status(system),
	sprintf("%s: %s", [data.sekisho.text.label(system), class_words(system)]),
	object.get(system.facts, "risk_class", "no risk class"),
	"a purpose, an owner, and a risk class that is not prohibited",
	sprintf("set purpose, owner and risk_class of system/%s, then: %s", [system.name, data.sekisho.text.applied]),
) if {
	some system in systems
}

class_status(system) := "missing" if {
	not system.facts.risk_class
} else := "failed" if {
	system.facts.risk_class == "prohibited"
} else := "passed" if {
	system.facts.purpose_set
	system.facts.owner_set
} else := "missing"

class_words(system) := "the risk class is prohibited" if {
	class_status(system) == "failed"
} else := "purpose, owner and risk class are set" if {
	class_status(system) == "passed"
} else := "purpose, owner or risk class is not set"

# METADATA
# title: What must be assessed has been, and stands
# description: >-
#   About each system whose risk class the stage names, somebody whom policy lets do so attested each document that the
#   stage asks for, such as a risk assessment; it has not expired and was not withdrawn.
# custom:
#   id: DOC-03
#   severity: high
#   kinds: [agent, system]
#   actions: [promote]
#   remedy: Have the document written, and attested by somebody in a role that policy names.
#   frameworks:
#     - EU AI Act, Article 9 (risk management system) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_9>
results["DOC-03"] := data.sekisho.report.finding(document_checks | spared_checks, no_system)

wanted_documents := {type | some type in data.sekisho.parameters.parameter("DOC-03", "documents")}

concerned_classes := {class | some class in data.sekisho.parameters.parameter("DOC-03", "risk_classes")}

# A system whose class nobody set is not spared.
spared(system) if {
	count(wanted_documents) > 0
	system.facts.risk_class in ({"minimal", "limited", "high"} - concerned_classes)
}

document_checks contains data.sekisho.report.absent(
	sprintf("there is no %s about %s", [type, data.sekisho.text.label(system)]),
	sprintf("a %s that stands", [type]),
	data.sekisho.text.attest(system, type),
) if {
	some digest, system in systems
	not spared(system)
	some type in wanted_documents
	not data.sekisho.attested.newest(digest, type)
}

document_checks contains data.sekisho.report.check(
	{true: "passed", false: "missing"}[why == ""],
	sprintf("the %s of %s %s", [type, data.sekisho.text.label(system), standing_words(document, why)]),
	standing_words(document, why),
	sprintf("a %s that stands", [type]),
	data.sekisho.text.attest(system, type),
) if {
	some digest, system in systems
	not spared(system)
	some type in wanted_documents
	document := data.sekisho.attested.newest(digest, type)
	why := data.sekisho.attested.lapsed(document)
}

standing_words(document, "") := sprintf(
	"was attested by %s as %s and stands for %s more",
	[document.principal, document.role, data.sekisho.text.days(document.expires_at - input.now)],
)

standing_words(_, why) := why if why != ""

spared_checks contains data.sekisho.report.check(
	"passed",
	sprintf("%s: the risk class %s needs none", [data.sekisho.text.label(system), system.facts.risk_class]),
	system.facts.risk_class,
	sprintf("needed for %s", [concat(", ", sort(concerned_classes))]),
	"",
) if {
	some system in systems
	spared(system)
}

# METADATA
# title: People are told that they deal with an AI system
# description: Each system in the closure says how people are told so; its manifest has an `ai_notice`.
# custom:
#   id: DOC-04
#   severity: medium
#   kinds: [agent, system]
#   actions: [promote]
#   remedy: Write into the system's ai_notice how people are told that they deal with an AI system.
#   frameworks:
#     - EU AI Act, Article 50(1) (informing people that they interact with an AI system) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_50>
results["DOC-04"] := data.sekisho.report.finding(notice_checks, no_system)

notice_checks contains data.sekisho.report.check(
	{true: "passed", false: "missing"}[told],
	sprintf("%s %s", [data.sekisho.text.label(system), {true: "has an AI notice", false: "has no AI notice"}[told]]),
	{true: "an AI notice", false: "no AI notice"}[told],
	"an AI notice",
	sprintf("set ai_notice in system/%s, then: %s", [system.name, data.sekisho.text.applied]),
) if {
	some system in systems
	told := object.get(system.facts, "ai_notice_set", false)
}

# METADATA
# title: Outputs are marked as made by an AI system
# description: Each system in the closure marks its outputs by one of the methods that the stage accepts.
# custom:
#   id: DOC-05
#   severity: medium
#   kinds: [agent, system]
#   actions: [promote]
#   remedy: Mark the outputs, and write into the system's output_marking by which methods.
#   frameworks:
#     - EU AI Act, Article 50(2) (marking of outputs in a machine-readable format) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_50>
results["DOC-05"] := data.sekisho.report.finding(marking_checks, no_system)

accepted_methods := {method | some method in data.sekisho.parameters.parameter("DOC-05", "methods")}

marking_checks contains data.sekisho.report.check(
	marking_status(methods),
	sprintf("%s marks its outputs by %s", [data.sekisho.text.label(system), method_words(methods)]),
	method_words(methods),
	sprintf("one of %s", [concat(", ", sort(accepted_methods))]),
	sprintf("set output_marking.methods in system/%s, then: %s", [system.name, data.sekisho.text.applied]),
) if {
	some system in systems
	methods := {method | some method in system.facts.output_marking}
}

marking_status(methods) := "missing" if {
	count(methods) == 0
} else := "passed" if {
	count(methods & accepted_methods) > 0
} else := "failed"

method_words(methods) := "nothing" if {
	count(methods) == 0
} else := concat(", ", sort(methods))
