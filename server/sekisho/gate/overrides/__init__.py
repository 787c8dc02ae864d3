"""Break-glass: a person sets a denial aside, for a reason and for hours; then the gate judges again of itself."""
