# The decision: allow only when every required rule passed or is waived. Nothing is allowed for want of an objection.
package sekisho.gate

findings := object.union_n([
	data.sekisho.extensions.results,
	data.sekisho.lineage.results,
	data.sekisho.provenance.results,
	data.sekisho.evaluation.results,
	data.sekisho.dependencies.results,
	data.sekisho.overlap.results,
	data.sekisho.comparison.results,
	data.sekisho.judging.results,
	data.sekisho.fairness.results,
	data.sekisho.languages.results,
	data.sekisho.licences.results,
	data.sekisho.documentation.results,
	data.sekisho.oversight.results,
	data.sekisho.operations.results,
])

# Rules of packages under `user` come first, so that ours stand where two had the same id.
declared := object.union(data.sekisho.extensions.declared, data.sekisho.rules.declared)

concerned := {id |
	some id, rule in declared
	input.subject.kind in rule.kinds
	input.action in rule.actions
}

modes := {id: data.sekisho.parameters.mode(id) | some id, _ in declared}

required := {id | some id in concerned; modes[id] == "enforce"}

judged := {id | some id in concerned; modes[id] != "off"}

passed := {id | some id in judged; findings[id].status == "passed"}

waived := {id | some id in judged; not id in passed; data.sekisho.waivers.covers(id)}

blocking := required - (passed | waived)

default allow := false

allow if {
	count(required) > 0
	count(blocking) == 0
}

decision := {
	"allow": allow,
	"required": sort(required),
	"passed": sort(passed),
	"waived": sort(waived),
	"blocking": sort(blocking),
	"rules": {id: result(id) | some id, _ in declared},
}

result(id) := object.union(told(id), {"mode": modes[id], "waived": id in waived})

told(id) := findings[id] if {
	id in judged
	id in object.keys(findings)
}

told(id) := silent("missing", "the rule came to no finding on this input") if {
	id in judged
	not id in object.keys(findings)
}

told(id) := silent("not_applicable", sprintf("policy data switches it off at %s", [input.stage])) if {
	id in concerned
	not id in judged
}

told(id) := silent("not_applicable", sprintf("it does not concern the %s of this kind", [act])) if {
	not id in concerned
	act := {"promote": "promotion", "rollback": "roll-back"}[input.action]
}

silent(status, message) := {
	"status": status,
	"message": message,
	"observed": "",
	"required": "",
	"remedy": "",
	"details": [],
}
