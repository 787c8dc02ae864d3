# Operations: what runs there has limits, and tools it may use there.
package sekisho.operations

agents := {digest: node | some digest, node in input.lineage.nodes; node.kind == "agent"}

no_agent := data.sekisho.report.absent("the closure holds no agent", "an agent", "register the agent again")

# METADATA
# title: The agent has limits
# description: Steps, tokens and time of the agent are limited by its manifest.
# custom:
#   id: OPS-01
#   severity: medium
#   kinds: [agent]
#   actions: [promote]
#   remedy: Set max_steps, max_tokens and timeout_ms in the agent's limits.
#   frameworks:
#     - EU AI Act, Article 15 (accuracy, robustness and cybersecurity) <https://eur-lex.europa.eu/eli/reg/2024/1689/oj/eng#art_15>
#     - OWASP Top 10 for LLM Applications, LLM06:2026 (Unbounded Consumption) <https://genai.owasp.org/resource/owasp-genai-llm-top-10-2026/>
results["OPS-01"] := data.sekisho.report.finding(limit_checks, no_agent)

limit_checks contains data.sekisho.report.check(
	{true: "passed", false: "failed"}[is_set],
	sprintf("%s: %s is %s", [data.sekisho.text.label(agent), name, {true: "set", false: "not set"}[is_set]]),
	{true: "set", false: "not set"}[is_set],
	"max_steps, max_tokens and timeout_ms set",
	sprintf("set limits.%s in agent/%s, apply, and evaluate it again", [name, agent.name]),
) if {
	some agent in agents
	some name in ["max_steps", "max_tokens", "timeout_ms"]
	is_set := object.get(agent.facts.limits, name, 0) > 0
}

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
	sprintf("take the tool %s out of agent/%s, apply, and evaluate it again", [tool.name, agent.name]),
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
