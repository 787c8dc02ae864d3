# A rule is a set of checks, and its finding is the worst of them. No check at all is missing evidence: nothing
# passes because nothing was looked at.
package sekisho.report

ranks := ["failed", "missing", "inconclusive", "passed"]

check(status, message, observed, wanted, remedy) := {
	"status": status,
	"message": message,
	"observed": observed,
	"required": wanted,
	"remedy": mending(status, remedy),
}

mending("passed", _) := ""

mending(status, remedy) := remedy if status != "passed"

absent(message, wanted, remedy) := check("missing", message, "nothing", wanted, remedy)

finding(checks, nothing) := summary([nothing]) if count(checks) == 0

finding(checks, _) := summary(checks) if count(checks) > 0

summary(checks) := {
	"status": status,
	"message": clip(headline(lines)),
	"observed": clip(lines[0][1]),
	"required": clip(lines[0][2]),
	"remedy": clip(concat("\n", array.slice(remedies, 0, 5))),
	"details": details,
} if {
	status := worst(checks)
	details := [clip(message) | some message in array.slice(told(status, checks), 0, 100)]
	lines := sort([[c.message, c.observed, c.required, c.remedy] | some c in checks; c.status == status])
	remedies := sort({line[3] | some line in lines; line[3] != ""})
}

# The finding with more to tell beside it, whatever its status.
noted(found, notes) := object.union(found, {"details": array.slice(sort(lines), 0, 100)}) if {
	lines := {line | some line in found.details} | {clip(note) | some note in notes}
}

worst(checks) := found[0] if {
	statuses := {c.status | some c in checks}
	found := [rank | some rank in ranks; rank in statuses]
}

headline(lines) := lines[0][0] if count(lines) == 1

headline(lines) := sprintf("%s (and %d more)", [lines[0][0], count(lines) - 1]) if count(lines) > 1

told("passed", checks) := messages if {
	messages := sort({c.message | some c in checks})
}

told(status, checks) := messages if {
	status != "passed"
	messages := sort({c.message | some c in checks; c.status != "passed"})
}

clip(words) := substring(words, 0, 2000)
