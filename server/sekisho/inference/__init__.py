"""What can answer or embed: Ollama hosts, the extractive baseline, sentence-transformers; each with its digest."""
