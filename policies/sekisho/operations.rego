# Operations: what runs there has limits, and tools it may use there.
package sekisho.operations

agents := {digest: node | some digest, node in input.lineage.nodes; node.kind == "agent"}

no_agent := data.sekisho.report.absent("the closure holds no agent", "an agent", "register the agent again")

# METADATA
# title: The agent has limits
# description: >-
#   Steps, tokens, time and cost of a request to the agent are limited by its manifest, as far as the stage asks for it
#   (all four where it says nothing). Whoever runs the agent must hold it to them.
# custom:
#   id: OPS-01
#   severity: medium
#   kinds: [agent]
#   actions: [promote]
#   remedy: Set max_steps, max_tokens, timeout_ms and max_cost_micros in the agent's limits.
#   frameworks:
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_15>
#     - OWASP Top 10 for LLM Applications, LLM06:2026 (Unbounded Consumption) <https://genai.owasp.org/resource/owasp-genai-llm-top-10-2026/>
results["OPS-01"] := data.sekisho.report.finding(limit_checks, no_agent)

limit_checks contains data.sekisho.report.check(
	{true: "passed", false: "failed"}[is_set],
	sprintf("%s: %s is %s", [data.sekisho.text.label(agent), name, {true: "set", false: "not set"}[is_set]]),
	{true: "set", false: "not set"}[is_set],
	sprintf("%s set", [concat(", ", sort(wanted_limits))]),
	sprintf("set limits.%s in agent/%s, then: %s", [name, agent.name, data.sekisho.text.applied]),
) if {
	some agent in agents
	some name in wanted_limits
	is_set := object.get(agent.facts.limits, name, 0) > 0
}

every_limit := {"max_steps", "max_tokens", "timeout_ms", "max_cost_micros"}

wanted_limits := {name | some name in object.get(data.sekisho.parameters.rule("OPS-01"), ["parameters", "limits"], every_limit)}

# METADATA
# title: The tools' effects are allowed at this stage
# description: No tool of the agent has an effect that the stage does not allow.
# custom:
#   id: OPS-02
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: Take the tool out of the agent, or have the stage allow its effect.
#   frameworks:
#     - EU AI Act, Article 14 (human oversight) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_14>
#     - NIST AI RMF 1.0, MAP 3.5 (human oversight) <https://airc.nist.gov/AI_RMF_Knowledge_Base/AI_RMF/Core_And_Profiles/5-sec-core>
#     - OWASP Top 10 for LLM Applications, LLM03:2026 (Excessive Agency) <https://genai.owasp.org/resource/owasp-genai-llm-top-10-2026/>
results["OPS-02"] := data.sekisho.report.finding(tool_checks | toolless_checks, no_agent)

effects := {effect | some effect in data.sekisho.parameters.parameter("OPS-02", "effects")}

tool_checks contains data.sekisho.report.check(
	{true: "passed", false: "failed"}[tool.effect in effects],
	sprintf("%s: tool %s has the effect %s", [data.sekisho.text.label(agent), tool.name, tool.effect]),
	tool.effect,
	sprintf("effects among %s", [concat(", ", sort(effects))]),
	sprintf("take the tool %s out of agent/%s, then: %s", [tool.name, agent.name, data.sekisho.text.applied]),
) if {
	some agent in agents
	some tool in agent.facts.tools
}

toolless_checks contains data.sekisho.report.check(
	"passed",
	sprintf("%s uses no tools", [data.sekisho.text.label(agent)]),
	"no tools",
	"effects that the stage allows",
	"",
) if {
	some agent in agents
	count(agent.facts.tools) == 0
}

# METADATA
# title: The tools' scopes are on the stage's allow-list
# description: >-
#   Each tool of the agent declares its scopes, and each of them matches a pattern of the stage. Scopes have parts, with
#   colons between them; in a pattern `*` stands for any one part, and `**` alone for every scope.
# custom:
#   id: OPS-03
#   severity: high
#   kinds: [agent]
#   actions: [promote]
#   remedy: Declare the tool's scopes, take out those that the stage does not allow, or have the stage allow them.
#   frameworks:
#     - EU AI Act, Article 14 (human oversight) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_14>
results["OPS-03"] := data.sekisho.report.finding(scope_checks | toolless_checks, no_agent)

patterns := {pattern | some pattern in data.sekisho.parameters.parameter("OPS-03", "scopes")}

in_scope(scope) if {
	some pattern in patterns
	matches(split(pattern, ":"), split(scope, ":"))
}

# Not glob.match: with other delimiters than a slash regorus and OPA differ.
matches(wanted, _) if wanted == ["**"]

matches(wanted, parts) if {
	count(wanted) == count(parts)
	every place, part in parts {
		part != ""
		wanted[place] in {"*", part}
	}
}

scope_checks contains data.sekisho.report.absent(
	sprintf("%s: tool %s declares no scopes", [data.sekisho.text.label(agent), tool.name]),
	sprintf("scopes among %s", [concat(", ", sort(patterns))]),
	sprintf("declare the scopes of the tool %s in agent/%s, then: %s", [tool.name, agent.name, data.sekisho.text.applied]),
) if {
	some agent in agents
	some tool in agent.facts.tools
	count(object.get(tool, "scopes", [])) == 0
}

scope_checks contains data.sekisho.report.check(
	{true: "passed", false: "failed"}[fits],
	sprintf("%s: tool %s has the scope %s", [data.sekisho.text.label(agent), tool.name, scope]),
	scope,
	sprintf("scopes among %s", [concat(", ", sort(patterns))]),
	sprintf("take the scope %s out of agent/%s, then: %s", [scope, agent.name, data.sekisho.text.applied]),
) if {
	some agent in agents
	some tool in agent.facts.tools
	some scope in tool.scopes
	fits := count([1 | in_scope(scope)]) > 0
}

# METADATA
# title: Destructive tools wait for a person
# description: Each tool of the agent with a destructive effect is called only after a person said yes to the call.
# custom:
#   id: OPS-04
#   severity: critical
#   kinds: [agent]
#   actions: [promote]
#   remedy: Set human_approval for the tool, and have whoever runs the agent ask a person before each call.
#   frameworks:
#     - EU AI Act, Article 14 (human oversight) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_14>
results["OPS-04"] := data.sekisho.report.finding(destructive_checks | harmless_checks, no_agent)

destructive(agent) := [tool | some tool in agent.facts.tools; tool.effect == "destructive"]

destructive_checks contains data.sekisho.report.check(
	{true: "passed", false: "failed"}[waits],
	sprintf("%s: tool %s %s", [data.sekisho.text.label(agent), tool.name, waiting_words[waits]]),
	waiting_words[waits],
	"a person's approval of each call",
	sprintf("set human_approval: true for the tool %s in agent/%s, then: %s", [tool.name, agent.name, data.sekisho.text.applied]),
) if {
	some agent in agents
	some tool in destructive(agent)
	waits := object.get(tool, "human_approval", false)
}

waiting_words := {true: "waits for a person's approval", false: "destroys without asking anybody"}

harmless_checks contains data.sekisho.report.check(
	"passed",
	sprintf("%s has no destructive tool", [data.sekisho.text.label(agent)]),
	"no destructive tool",
	"a person's approval of each call",
	"",
) if {
	some agent in agents
	count(destructive(agent)) == 0
}

# METADATA
# title: What the agent does is logged, and the log is kept
# description: >-
#   The agent's manifest says that it is logged and for how many days the log is kept: at least as many as the stage asks
#   for, and no more than it lets.
# custom:
#   id: OPS-05
#   severity: medium
#   kinds: [agent]
#   actions: [promote]
#   remedy: Log what the agent does, and set logging.retention_days in its manifest within the stage's bounds.
#   frameworks:
#     - EU AI Act, Article 12 (record-keeping) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_12>
#     - EU AI Act, Article 26(6) (deployers keep logs for at least six months) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_26>
results["OPS-05"] := data.sekisho.report.finding(logging_checks, no_agent)

shortest_log := data.sekisho.parameters.parameter("OPS-05", "min_retention_days")

longest_log := object.get(data.sekisho.parameters.rule("OPS-05"), ["parameters", "max_retention_days"], 36500)

logging_checks contains data.sekisho.report.absent(
	sprintf("%s says nothing of a log", [data.sekisho.text.label(agent)]),
	log_words,
	sprintf("set logging.retention_days in agent/%s, then: %s", [agent.name, data.sekisho.text.applied]),
) if {
	some agent in agents
	not agent.facts.log_retention_days
}

logging_checks contains data.sekisho.report.check(
	{true: "passed", false: "failed"}[fits],
	sprintf("%s keeps its log for %d days", [data.sekisho.text.label(agent), kept]),
	sprintf("%d days", [kept]),
	log_words,
	sprintf("set logging.retention_days in agent/%s to %s, then: %s", [agent.name, log_words, data.sekisho.text.applied]),
) if {
	some agent in agents
	kept := agent.facts.log_retention_days
	fits := count([1 | kept >= shortest_log; kept <= longest_log]) > 0
}

log_words := sprintf("%d to %d days", [shortest_log, longest_log])
