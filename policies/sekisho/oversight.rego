# Oversight: a second person looked at this version and this evidence, and said yes.
package sekisho.oversight

# METADATA
# title: A second person approved
# description: >-
#   A person with the approver's role, who neither made nor requested this change, approved exactly this digest for this
#   stage on this evidence, and the approval has not lapsed, nor is it older than the stage lets it be.
# custom:
#   id: OVS-01
#   severity: critical
#   kinds: [system, prompt, corpus, index, agent, dataset, suite, model]
#   actions: [promote]
#   remedy: Ask someone with the approver's role, who had no part in the change, to approve.
#   frameworks:
#     - EU AI Act, Article 14 (human oversight) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_14>
#     - NIST AI RMF 1.0, MAP 3.5 (human oversight) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - NIST AI RMF 1.0, MEASURE 1.3 (independent assessors) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - AI Guidelines for Business (Japan), common guiding principle 7 (accountability) <https://www.meti.go.jp/press/2024/04/20240419004/20240419004.html>
results["OVS-01"] := data.sekisho.report.finding(
	approval_checks,
	data.sekisho.report.absent("nobody has approved this version on this evidence", wanted, data.sekisho.text.approve),
)

wanted := sprintf("%d independent approval(s) of this digest, stage and evidence", [least])

least := data.sekisho.parameters.parameter("OVS-01", "approvals")

involved := {someone.principal | some someone in input.involved} | {input.requester.principal}

lapsed(approval) := "is for another version" if {
	approval.digest != input.subject.digest
} else := "is for another stage" if {
	approval.stage != input.stage
} else := "is for other evidence" if {
	approval.evidence_hash != input.evidence.hash
} else := "has expired" if {
	approval.expires_at <= input.now
} else := "is from the future" if {
	approval.at > input.now
} else := sprintf("is older than %s", [data.sekisho.text.days(oldest)]) if {
	input.now - approval.at > oldest
} else := ""

# An approval ends by itself after thirty days; a stage may say that it is stale sooner.
oldest := data.sekisho.parameters.parameter("OVS-01", "max_age_ms")

refused(approval) := "came from a service" if {
	approval.kind != "person"
} else := "came from someone without the approver's role" if {
	not approval.has_role
} else := "came from someone who had a part in the change" if {
	approval.principal in involved
} else := sprintf("is not independent: %s", [concat("; ", approval.reasons)]) if {
	not approval.independent
} else := ""

valid := {approval.principal |
	some approval in input.approvals
	lapsed(approval) == ""
	refused(approval) == ""
}

approval_checks contains data.sekisho.report.check(
	"passed",
	sprintf("approved by %s", [concat(", ", sort(valid))]),
	sprintf("%d approval(s)", [count(valid)]),
	wanted,
	"",
) if {
	least > 0
	count(valid) >= least
}

approval_checks contains data.sekisho.report.check(
	"missing",
	sprintf("the approval %s of %s %s", [approval.id, approval.principal, lapsed(approval)]),
	"an approval that has lapsed",
	wanted,
	data.sekisho.text.approve,
) if {
	count(valid) < least
	some approval in input.approvals
	lapsed(approval) != ""
}

approval_checks contains data.sekisho.report.check(
	"failed",
	sprintf("the approval %s of %s %s", [approval.id, approval.principal, refused(approval)]),
	"an approval that does not count",
	wanted,
	data.sekisho.text.approve,
) if {
	count(valid) < least
	some approval in input.approvals
	lapsed(approval) == ""
	refused(approval) != ""
}

approval_checks contains data.sekisho.report.check(
	"missing",
	sprintf("%d of %d approvals are given", [count(valid), least]),
	sprintf("%d approval(s)", [count(valid)]),
	wanted,
	data.sekisho.text.approve,
) if {
	count(valid) > 0
	count(valid) < least
}

# METADATA
# title: A person stands behind the change
# description: >-
#   Someone who is known here as a person registered the version or a part of it, or wrote the commit that a service
#   registered it from. With the approval of a second person (OVS-01) no change passes through machines alone.
# custom:
#   id: OVS-02
#   severity: high
#   kinds: [system, prompt, corpus, index, agent, dataset, suite, model]
#   actions: [promote]
#   remedy: Make the commit's author known as a person by the e-mail of the commit, or register again as a person.
#   frameworks:
#     - EU AI Act, Article 14 (human oversight) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_14>
results["OVS-02"] := data.sekisho.report.finding(behind_checks, data.sekisho.report.absent(
	"no person is known to stand behind this change",
	"an author who is known as a person",
	"have its author registered with it: `sekisho apply --author 'NAME <E-MAIL>'`",
))

people_behind := {someone.principal |
	some someone in input.involved
	someone.because in {"author", "commit_author"}
	object.get(someone, "kind", "unknown") == "person"
}

# Authors who are named and whom nobody here is.
strangers := {someone.principal |
	some someone in input.involved
	someone.because == "commit_author"
	not someone.kind
}

behind_checks contains data.sekisho.report.check(
	"passed",
	sprintf("made by %s", [concat(", ", sort(people_behind))]),
	concat(", ", sort(people_behind)),
	"an author who is known as a person",
	"",
) if {
	count(people_behind) > 0
}

behind_checks contains data.sekisho.report.check(
	"inconclusive",
	sprintf("the author %s is not known here", [stranger]),
	stranger,
	"an author who is known as a person",
	"have an admin make the author known: `sekisho principal create NAME --kind person --email E-MAIL`",
) if {
	count(people_behind) == 0
	some stranger in strangers
}
