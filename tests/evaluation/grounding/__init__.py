"""The grounding scorer: features, head, verdicts."""
