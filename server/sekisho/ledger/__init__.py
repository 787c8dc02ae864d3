"""The append-only Merkle log of every state change and decision, its signed checkpoints and its attestations."""
