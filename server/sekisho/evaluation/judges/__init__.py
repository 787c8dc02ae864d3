"""Language models as judges: how they are asked, what of their answers counts, and how they are qualified."""
