"""Where a corpus's documents come from, and how text is taken out of them. It runs on the caller's side."""
