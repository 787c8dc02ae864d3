"""Corpus → chunks → vectors and terms → a store that can be verified against its manifest; retrieval."""
