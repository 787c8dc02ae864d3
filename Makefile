# Sekisho on a bare machine: Python 3.11 or later, make, and what pip can reach.
#
#   make demo     one LLM change on its way to production, on real input; Ctrl-C ends it
#   make help     everything else

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# `make test ARGS="tests/registry -x"`; two processes at a time unless said otherwise.
ARGS ?= -n 2

.DEFAULT_GOAL := help
.PHONY: help install demo demo-services test check services services-stop bench fmt clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.dev  ## make .venv with everything that developing needs

demo: $(VENV)/.worker  ## the whole journey of one change; ONCE=1 ends when it is told
	$(BIN)/sekisho demo $(if $(ONCE),--once)

demo-services: $(VENV)/.dev services  ## the same on PostgreSQL, a Chroma server, OPA and Ollama
	$(BIN)/python -m tests.services.demo $(if $(ONCE),--once)

test: $(VENV)/.dev  ## run the tests; with `make services` before, on the real servers too
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev  ## everything that can be said without running the product
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && export SEKISHO_DATA_DIR="$$scratch" SEKISHO_DATABASE_URL= \
	    && $(BIN)/sekisho db upgrade && $(BIN)/sekisho db check
	PATH="$(CURDIR)/.services/bin:$$PATH" $(BIN)/sekisho policy check

services: $(VENV)/.dev  ## start OPA, Ollama, PostgreSQL and Chroma for the tests (installs what is absent)
	$(BIN)/python -m tests.services start

services-stop:  ## stop them
	@[ ! -x $(BIN)/python ] || $(BIN)/python -m tests.services stop

bench: $(VENV)/.dev  ## print rates and times; nothing is asserted
	$(BIN)/python -m benchmarks

fmt: $(VENV)/.dev  ## format the code and mend what ruff can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean: services-stop  ## remove what the demo and the tools left; .venv and .services stay
	rm -rf .sekisho dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Stamps, so that a second call costs nothing. Developing needs all that the demo needs.
$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing Sekisho with its development tools into $(VENV) (torch is large; this takes minutes once)"
	$(PIP_INSTALL) -e '.[dev]'
	@touch $(VENV)/.worker $@

$(VENV)/.worker: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "installing Sekisho into $(VENV) (torch is large; this takes minutes once)"
	$(PIP_INSTALL) -e '.[worker]'
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Sekisho needs Python 3.11 or later; say which: make PYTHON=python3.12 …" >&2; exit 1; }
	@# On Debian the module stands in a package of its own, and a half-made folder would be taken for a whole one.
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "install the package python3-venv, then try again" >&2; exit 1; }
