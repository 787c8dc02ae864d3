"""The scorers that a suite may name, one file per family; `catalogue` has them all and reads a suite's list of them."""
