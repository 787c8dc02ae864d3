"""The append-only Merkle log of state changes and decisions, its signed checkpoints, its attestations."""
