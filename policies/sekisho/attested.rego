# Documents that people attested, and when one still counts: its giver holds a role that policy names, it has not run
# out, and nobody took it back.
package sekisho.attested

# The newest document of this type about this version; an older one does not come back in its place.
newest(digest, type) := input.evidence.attested[found[count(found) - 1][2]] if {
	found := sort([[document.at, document.id, place] |
		some place, document in input.evidence.attested
		document.subject == digest
		document.type == type
		document.origin == "attested"
	])
	count(found) > 0
}

stands(digest, type) if lapsed(newest(digest, type)) == ""

lapsed(document) := "was withdrawn" if {
	document.withdrawn
} else := "has expired" if {
	document.expires_at <= input.now
} else := "is from the future" if {
	document.at > input.now
} else := "was attested for longer than policy lets it" if {
	document.expires_at - document.at > terms(document.type, "longest_ms", 0)
} else := sprintf("was attested as %s, which policy does not let attest it", [document.role]) if {
	not document.role in terms(document.type, "roles", [])
} else := sprintf("was attested by %s, who is no %s any more", [document.principal, document.role]) if {
	not document.has_role
} else := ""

terms(type, name, otherwise) := object.get(data.parameters, ["attested", type, name], otherwise)

# For how many days to attest: a quarter of a year, or as long as policy lets it.
days(type) := min([90, (longest - (longest % 86400000)) / 86400000]) if {
	longest := terms(type, "longest_ms", 7776000000)
}
