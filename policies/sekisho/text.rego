# Words and figures for people: percentages, labels of versions, and the commands that mend a finding.
package sekisho.text

percent(bp) := sprintf("%s%d.%s %s", [sign(bp), (size - (size % 100)) / 100, two_digits(size % 100), "%"]) if {
	size := abs(bp)
}

sign(number) := "-" if number < 0

sign(number) := "" if number >= 0

two_digits(number) := sprintf("0%d", [number]) if number < 10

two_digits(number) := sprintf("%d", [number]) if number >= 10

between(interval) := sprintf("%s to %s", [percent(interval.low_bp), percent(interval.high_bp)])

days(milliseconds) := sprintf("%d days", [(milliseconds - (milliseconds % 86400000)) / 86400000])

short(digest) := substring(digest, 7, 12)

label(version) := sprintf("%s/%s@%s", [version.kind, version.name, short(version.digest)])

reference(version) := sprintf("%s/%s/%s@%s", [input.project, version.kind, version.name, version.digest])

evaluate(suite, digest) := sprintf(
	"sekisho eval %s --suite %s/suite/%s@%s",
	[reference(input.subject), input.project, suite, digest],
)

promote(stage) := sprintf("sekisho promote %s --to %s", [reference(input.subject), stage])

approve := sprintf(
	"sekisho approve %s --to %s --evidence %s",
	[reference(input.subject), input.stage, input.evidence.hash],
)

verify_index(index) := sprintf("sekisho index verify %s", [reference(index)])

overlap(dataset) := sprintf("sekisho overlap check %s --dataset %s", [reference(input.subject), dataset])

more_cases(which, suite) := sprintf(
	"add cases of %s to the dataset of suite/%s and have the policy pin it, then: `%s`",
	[which, suite, again],
)

# After a change of the project. What is registered then is another version, which is measured as such.
again := "sekisho apply && sekisho eval"

restore(version) := sprintf("sekisho restore %s", [reference(version)])

scan_licences := sprintf("sekisho licence scan %s", [reference(input.subject)])

attest(version, type) := sprintf(
	"sekisho attest %s --type %s --file %s.md --days %d",
	[reference(version), type, type, data.sekisho.attested.days(type)],
)

# After a change of the project. An agent that changes with it is another version, which is measured as such.
default applied := "`sekisho apply`"

applied := "`sekisho apply && sekisho eval`" if input.subject.kind == "agent"

write_card(system) := sprintf("sekisho card add %s card.yaml", [reference(system)])

pin(suite) := sprintf("sekisho policy pin %s --suite DIGEST --dataset DIGEST", [suite])

qualify := "sekisho judge qualify --judge JUDGE --labels FILE"
