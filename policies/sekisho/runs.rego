# Which runs count. Within the freshness window the first run with the required coverage counts, and later ones are only
# pooled with it: nobody gets a better answer by asking until one comes.
package sekisho.runs

# Millionths: how often the interval of a single run may miss the truth.
one_look := 50000

origins := object.get(data.sekisho.parameters.rule("EVA-01"), ["parameters", "origins"], ["measured"])

producers := object.get(data.sekisho.parameters.rule("EVA-01"), ["parameters", "producers"], [])

# Why a run of the pinned suite on this version counts for nothing here; "" where it does.
refusal(run) := sprintf("it is %s, and %s counts %s runs only", [run.origin, input.stage, concat(" and ", sort(origins))]) if {
	not run.origin in origins
} else := sprintf("it was %s by %s, whom the policy data does not name as a producer", [run.origin, producer(run)]) if {
	run.origin != "measured"
	not producer(run) in producers
} else := sprintf("its scorer missed %d of %d control cases, and the suite allows %d", [
	run.controls.missed, run.controls.planned, run.controls.allowed,
]) if {
	run.controls.missed > run.controls.allowed
} else := "it is inconclusive" if {
	run.state != "finished"
} else := ""

producer(run) := object.get(run, "producer", "nobody")

of_pin(run, pin) if {
	run.suite == pin.suite
	run.dataset == pin.dataset
}

serves(run, pin) if {
	of_pin(run, pin)
	run.subject == input.subject.digest
}

# Of each pinned suite every run of this version, whether it counts or not.
served[name] := found if {
	some name, pin in data.sekisho.evidence.pins
	found := [run | some run in input.evidence.runs; serves(run, pin)]
}

# Those that count, oldest first.
admitted[name] := in_order(found) if {
	some name, runs in served
	found := [run | some run in runs; refusal(run) == ""]
}

in_order(runs) := [runs[key[2]] | some key in sort([[run.finished_at, run.id, place] | some place, run in runs])]

fresh(run) if input.now - run.finished_at <= data.sekisho.parameters.parameter("EVA-02", "max_age_ms")

covered(run) if run.coverage_bp >= data.sekisho.parameters.parameter("EVA-03", "min_coverage_bp")

# Where no run is fresh, or none covers enough, all that are left are taken, for the rules to say what is wrong.
window(runs) := recent if {
	recent := [run | some run in runs; fresh(run)]
	count(recent) > 0
} else := runs

from_the_first(runs) := distinct(array.slice(runs, start, count(runs))) if {
	places := [place | some place, run in runs; covered(run)]
	start := min(array.concat(places, [count(runs)]))
	start < count(runs)
} else := distinct(runs)

# A run that repeats another to the byte says nothing new, and is taken once.
distinct(runs) := [run |
	some place, run in runs
	not run.final_digest in {earlier.final_digest | some earlier in array.slice(runs, 0, place)}
]

chosen := {name: from_the_first(window(runs)) | some name, runs in admitted}

ids(runs) := [run.id | some run in runs]

# Looking again after each further run passes by luck more often than one look. So the first look has the whole level,
# and the m-th has 1/(m(m-1)) of it: however many there are, they add up to twice the first.
level(times) := one_look if times < 2

level(times) := max([1, (one_look - (one_look % parts)) / parts]) if {
	times >= 2
	parts := times * (times - 1)
}

# How often results were there to be looked at: each distinct one, and each run that was given up after it had some.
looks(name) := count(chosen[name]) + count(glimpses(name))

glimpses(name) := array.concat(
	[run.id | some run in abandoned(name); run.done > 0; run.origin in origins],
	[run.id | some run in served[name]; run.state == "finished"; refusal(run) != ""; unsound(run)],
)

# The evidence must show as many runs by the suite as the ledger says ended: none is out of sight. One whose worker died
# is known to have failed before the ledger is told.
whole(name) if {
	suite := data.sekisho.evidence.pins[name].suite
	written := [entry | some entry in input.evidence.recorded; entry.suite == suite]
	count(written) == 1
	written[0].finished == count(finished(suite))
	written[0].abandoned <= count([run | some run in input.evidence.abandoned; run.suite == suite])
}

finished(suite) := [run |
	some run in input.evidence.runs
	run.suite == suite
	run.subject == input.subject.digest
	run.state == "finished"
]

pools(name) := [pool |
	some pool in input.evidence.pools
	serves(pool, data.sekisho.evidence.pins[name])
	pool.members == ids(chosen[name])
	pool.level_ppm <= level(looks(name))
]

# What the rules read of each pinned suite: the one run that counts, or the estimate over exactly those that do.
counted[name] := estimate(name, runs[0], "finished") if {
	some name, runs in chosen
	whole(name)
	count(runs) == 1
	looks(name) == 1
}

counted[name] := object.union(estimate(name, runs[0], "finished"), {
	"cases": pool.cases,
	"scored": pool.scored,
	"coverage_bp": min([pool.coverage_bp, runs[0].coverage_bp]),
	"metrics": pool.metrics,
	"level_ppm": pool.level_ppm,
}) if {
	some name, runs in chosen
	whole(name)
	count(runs) > 0
	looks(name) > 1
	found := pools(name)
	count(found) == 1
	pool := found[0]
}

# No run that counts: the last one that came to no result is shown, and passes nothing.
counted[name] := estimate(name, last, "inconclusive") if {
	some name, runs in chosen
	count(runs) == 0
	unread := in_order([run | some run in served[name]; unsound(run)])
	count(unread) > 0
	last := unread[count(unread) - 1]
}

# Ended without a result, though of an origin that counts.
unsound(run) if refusal(object.union(run, {"state": "finished", "controls": {"missed": 0, "allowed": 0}})) == ""

estimate(name, run, state) := {
	"id": run.id,
	"state": state,
	"runs": tried(name, run),
	"cases": run.cases,
	"scored": run.scored,
	"coverage_bp": run.coverage_bp,
	"metrics": object.get(run, "metrics", {}),
	"level_ppm": one_look,
}

tried(name, _) := chosen[name] if count(chosen[name]) > 0

tried(name, run) := [run] if count(chosen[name]) == 0

# What is told beside the finding: tries that came to nothing, and runs that do not count.
notes contains sprintf("run %s of suite/%s %s after %d of %d results: it does not count", [
	run.id, name, ended[run.state], run.done, run.planned,
]) if {
	some name, _ in data.sekisho.evidence.pins
	some run in abandoned(name)
}

ended := {"cancelled": "was cancelled", "failed": "failed", "inconclusive": "was inconclusive"}

notes contains sprintf("run %s of suite/%s does not count: %s", [run.id, name, refusal(run)]) if {
	some name, runs in served
	some run in runs
	run.state == "finished"
	refusal(run) != ""
}

abandoned(name) := [run |
	some run in input.evidence.abandoned
	of_pin(run, data.sekisho.evidence.pins[name])
	not input.now - run.ended_at > data.sekisho.parameters.parameter("EVA-02", "max_age_ms")
]

# The baseline's runs have no window: it was let in by them, and may not be made to look worse by later ones.
baseline(name) := from_the_first(in_order([run |
	some run in input.evidence.baseline_runs
	of_pin(run, data.sekisho.evidence.pins[name])
	run.subject == input.current.digest
	refusal(run) == ""
]))
