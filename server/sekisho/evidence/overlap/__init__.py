"""Whether the questions of an evaluation stand ready in the prompt or the corpus: looked for by the worker."""
