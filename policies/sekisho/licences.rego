# Licences: everything in the closure may be used here, and somebody besides its manifest says so.
package sekisho.licences

licensed := {digest: node |
	some digest, node in input.lineage.nodes
	node.kind in {"corpus", "dataset", "index", "model"}
}

# The newest scan of each version, by the server that read the bytes itself.
scans := {digest: input.evidence.licences[found[count(found) - 1][2]] |
	some digest, _ in licensed
	found := sort([[one.at, one.id, place] |
		some place, one in input.evidence.licences
		one.subject == digest
		one.origin == "measured"
	])
	count(found) > 0
}

# Whose licence somebody confirmed, in a document that still stands.
confirmed := {digest: data.sekisho.attested.newest(digest, "licence") |
	some digest, _ in licensed
	data.sekisho.attested.stands(digest, "licence")
}

nothing_licensed := data.sekisho.report.absent(
	"the closure holds nothing that is licensed",
	"licences of what it is made from",
	"register what it is made from",
)

# METADATA
# title: Licences are on the allow-list
# description: >-
#   A scan of each corpus, dataset, index (its embedder) and model in the closure read what the manifest declares, what
#   documents and licence files among them say, and what came with the model; each licence found is one that the stage
#   allows. Of alternatives joined by OR one is enough, of licences joined by AND all must be allowed. A standing
#   document of the type `licence` takes the place of what the scan found.
# custom:
#   id: LIC-01
#   severity: high
#   kinds: [agent, index, corpus, dataset, model]
#   actions: [promote]
#   remedy: Scan the licences; use sources whose licence is allowed, or have somebody confirm what the scan cannot tell.
#   frameworks:
#     - NIST AI RMF 1.0, GOVERN 6.1 (third parties and their rights) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - NIST AI RMF 1.0, MAP 4.1 (legal risks of components) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
results["LIC-01"] := data.sekisho.report.finding(((unscanned_checks | licence_checks) | confirmed_checks), nothing_licensed)

allowed := {licence | some licence in data.sekisho.parameters.parameter("LIC-01", "allowed")}

allow_words := sprintf("one of %s", [concat(", ", sort(allowed))])

permitted(alternatives) if {
	some alternative in alternatives
	count(alternative) > 0
	every licence in alternative {
		licence in allowed
	}
}

unscanned_checks contains data.sekisho.report.absent(
	sprintf("%s: its licences were not scanned", [data.sekisho.text.label(node)]),
	"a scan of the bytes themselves",
	data.sekisho.text.scan_licences,
) if {
	some digest, node in licensed
	not digest in object.keys(scans)
}

unscanned_checks contains data.sekisho.report.absent(
	sprintf("%s: nothing says under which licence it is", [data.sekisho.text.label(node)]),
	allow_words,
	data.sekisho.text.attest(node, "licence"),
) if {
	some digest, node in licensed
	not digest in object.keys(confirmed)
	count(scans[digest].findings) == 0
}

licence_checks contains data.sekisho.report.check(
	licence_status(found),
	sprintf("%s: %s says %s%s", [data.sekisho.text.label(node), told_by(found), found.said, licence_words(found)]),
	found.said,
	allow_words,
	licence_remedy(licence_status(found), node),
) if {
	some digest, node in licensed
	not digest in object.keys(confirmed)
	some found in scans[digest].findings
}

confirmed_checks contains data.sekisho.report.check(
	{true: "passed", false: "failed"}[fits],
	sprintf("%s: %s confirmed %s", [data.sekisho.text.label(licensed[digest]), document.principal, names]),
	names,
	allow_words,
	licence_remedy("failed", licensed[digest]),
) if {
	some digest, document in confirmed
	names := concat(" OR ", [concat(" AND ", alternative) | some alternative in document.licence])
	fits := count([1 | permitted(document.licence)]) > 0
}

licence_status(found) := "inconclusive" if {
	count(found.alternatives) == 0
} else := "passed" if {
	permitted(found.alternatives)
} else := "failed"

licence_words(found) := {
	"inconclusive": ", which is no licence that SPDX lists",
	"passed": "",
	"failed": ", which is not on the allow-list",
}[licence_status(found)]

licence_remedy("failed", node) := sprintf(
	"use in %s/%s what the stage allows (or have somebody attest that it says so of something else), then: %s",
	[node.kind, node.name, data.sekisho.text.applied],
)

licence_remedy(status, node) := data.sekisho.text.attest(node, "licence") if status != "failed"

told_by(found) := sprintf("%s (%s)", [found.place, found.source]) if {
	found.count < 2
} else := sprintf("%s and %d more (%s)", [found.place, found.count - 1, found.source])

# METADATA
# title: More than the manifest says what the licence is
# description: >-
#   For each version of the kinds that the stage names, the bytes themselves, whoever delivered them or somebody whom
#   policy lets confirm it say what the licence is; what its author declares in the manifest is not enough.
# custom:
#   id: LIC-02
#   severity: medium
#   kinds: [agent, index, corpus, dataset, model]
#   actions: [promote]
#   remedy: Add a licence file or an SPDX tag, scan again, or have somebody confirm the licence.
#   frameworks:
#     - NIST AI RMF 1.0, GOVERN 6.1 (third parties and their rights) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
results["LIC-02"] := data.sekisho.report.finding(borne_checks | unconcerned_checks, nothing_licensed)

# What is to be borne out; nothing where the parameter is absent, which is missing evidence.
kinds := {kind | some kind in data.sekisho.parameters.parameter("LIC-02", "kinds")}

bearing(digest) := sprintf("%s confirmed it", [confirmed[digest].principal]) if {
	digest in object.keys(confirmed)
} else := sprintf("%s says so too", [places[0]]) if {
	places := sort([told_by(found) |
		some found in scans[digest].findings
		found.source != "manifest"
		count(found.alternatives) > 0
	])
	count(places) > 0
} else := ""

borne_checks contains data.sekisho.report.check(
	{true: "missing", false: "passed"}[borne == ""],
	sprintf("%s: %s", [data.sekisho.text.label(node), bearing_words(borne)]),
	bearing_words(borne),
	"a licence that more than the manifest bears out",
	data.sekisho.text.attest(node, "licence"),
) if {
	some digest, node in licensed
	node.kind in kinds
	borne := bearing(digest)
}

bearing_words("") := "only its manifest says what the licence is"

bearing_words(borne) := borne if borne != ""

unconcerned_checks contains data.sekisho.report.check(
	"passed",
	sprintf("the stage asks it of no %s", [node.kind]),
	node.kind,
	sprintf("kinds: %s", [concat(", ", sort(kinds))]),
	"",
) if {
	some node in licensed
	count(kinds) > 0
	not node.kind in kinds
}
