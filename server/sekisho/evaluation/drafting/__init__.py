"""Questions proposed from documents. Drafts: nothing is evidence before a person has accepted it."""
