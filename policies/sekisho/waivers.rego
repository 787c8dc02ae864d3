# When an exception counts: for a waivable rule, this version, this stage, still running, not for long, and granted by
# someone who still holds the role and had no hand in the change.
package sekisho.waivers

covers(id) if {
	id in data.parameters.waivers.waivable
	some waiver in input.waivers
	waiver.rule == id
	waiver.digest == input.subject.digest
	waiver.stage == input.stage
	waiver.independent
	waiver.has_role
	waiver.expires_at > input.now
	waiver.expires_at - input.now <= data.parameters.waivers.longest_ms
	not waiver.principal in {someone.principal | some someone in input.involved}
	waiver.principal != input.requester.principal
}
