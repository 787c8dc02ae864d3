"""What OPA says that it decided, held to what it was asked and what it answered."""
