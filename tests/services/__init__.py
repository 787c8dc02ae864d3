"""The real OPA, Ollama, PostgreSQL and Chroma that the tests and CI talk to.

`python -m tests.services start` installs what is absent, starts what is not running, and writes the
addresses to `.services/env`. The product itself needs none of this.
"""
