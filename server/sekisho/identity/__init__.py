"""Projects, principals, their roles and tokens; who may do what, and who is independent of whom."""
