"""The scorers that need no judge."""
