"""A run as a report: one JSON (``sekisho.report/v2``), and Markdown, JUnit and HTML made from nothing else. Pure."""
