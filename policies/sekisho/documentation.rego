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
	sprintf("register system/%s with its purpose, owner and risk class", [system.name]),
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
