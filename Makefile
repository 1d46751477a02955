# What people type. `make` alone lists the targets.
#
# Nothing is installed by hand: each target depends on a stamp in the virtual
# environment, and the stamp on the lock file, so the first call installs and
# the next ones start at once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV ?= .venv
PYTHON ?=
# More workers than two compete for the cores with the servers they start.
PYTEST_WORKERS ?= 2
PYTEST_ARGS ?=

BIN := $(VENV)/bin
PACKAGING := setup.cfg pyproject.toml
TYPED := rules loyalty_engine

.PHONY: help run test test-cdnow test-faults check format bench lock clean venv

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.run.stamp ## set everything up, import the demo, and serve the API
	$(BIN)/loyalty up $(ARGS)

test: $(VENV)/.dev.stamp ## all tests, on SQLite and on a PostgreSQL that the tests start
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) $(PYTEST_ARGS)

test-cdnow: $(VENV)/.dev.stamp ## the import of a whole real data set, twice, audited
	$(BIN)/python -m pytest tests/long/test_cdnow_import.py

test-faults: $(VENV)/.dev.stamp ## 5,000 faults while messages are sent, and workers killed: nothing goes out twice
	$(BIN)/python -m pytest tests/long/test_sending_faults.py -s

check: $(VENV)/.dev.stamp ## format, lint, types, layers, known vulnerabilities
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports
	$(BIN)/python tools/audit_dependencies.py requirements/dev.lock

format: $(VENV)/.dev.stamp ## put the code into the house's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.dev.stamp ## measure, and write the figures to benchmarks/results/
	$(BIN)/python -m benchmarks $(ARGS)

venv: $(VENV)/.dev.stamp ## the virtual environment with everything in it

lock: $(VENV)/.dev.stamp ## resolve the lock files anew (UPGRADE=1: to the newest versions)
	UPGRADE=$(UPGRADE) tools/lock.sh $(BIN)/uv

clean: ## remove the virtual environment, caches and builds; never data
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/pip:
	tools/venv.sh $(VENV) $(PYTHON)
	touch $@

# Both locks hold the same versions. What runs is a part of what develops: an
# environment for development serves `make run` too, and isn't touched by it.
$(VENV)/.run.stamp: requirements/run.lock requirements/installer.lock tools/install.sh $(PACKAGING) | $(VENV)/bin/pip
	if [ -e $(VENV)/.dev.stamp ]; then $(MAKE) $(VENV)/.dev.stamp; else tools/install.sh $(VENV) requirements/run.lock; fi
	touch $@

$(VENV)/.dev.stamp: requirements/dev.lock requirements/installer.lock tools/install.sh $(PACKAGING) | $(VENV)/bin/pip
	tools/install.sh $(VENV) requirements/dev.lock
	touch $@
