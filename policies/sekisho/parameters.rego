# What policy data says about this stage. A rule that the data does not name is enforced.
package sekisho.parameters

order := data.parameters.order

# Stages that a version may enter without standing at the one before.
entry := {stage | some stage in data.parameters.entry; stage in order}

rule(id) := object.get(data.parameters.stages, [input.stage, "rules", id], {})

parameter(id, name) := rule(id).parameters[name]

# Integrity, order and past permission hold at every stage; policy data cannot loosen them.
unconditional := {"LIN-01", "LIN-02", "LIN-03", "LIN-06", "LIN-07"}

written(id) := object.get(rule(id), "mode", object.get(data.parameters.stages, [input.stage, "mode"], "enforce"))

in_force(id) if object.get(rule(id), "in_force_from", 0) <= input.now

mode(id) := "enforce" if id in unconditional

mode(id) := "enforce" if {
	not id in unconditional
	written(id) == "enforce"
	in_force(id)
}

mode(id) := "warn" if {
	not id in unconditional
	written(id) == "enforce"
	not in_force(id)
}

mode(id) := written(id) if {
	not id in unconditional
	written(id) != "enforce"
}
