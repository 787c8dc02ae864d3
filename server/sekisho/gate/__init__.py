"""Builds the input, asks the policy engine, records the decision, moves the pointer."""
