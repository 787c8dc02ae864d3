"""A decision told: one JSON shape; text, JUnit, SARIF, GitHub annotations and Markdown from nothing else. Pure."""
