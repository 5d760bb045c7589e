# From a bare checkout: `make run`. Everything lands in .venv and in ~/.cache/lares.

PYTHON ?= python3
BIN    := .venv/bin
SETUP  := $(PYTHON) -m scripts.setup
# Only Linux has everything that the tests need: there a skipped test is a failure.
STRICT := $(if $(filter Linux,$(shell uname)),--no-skips)

# pyenv, conda and a person's own modules stay out of .venv
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.PHONY: help setup run demo test check bench docs lock clean
.NOTPARALLEL:

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv and install what the lock says
	@$(SETUP)

run: setup ## from a bare checkout to a running assistant
	@$(BIN)/lares models pull embedded
	@$(BIN)/lares run

demo: ## a spoken conversation in a simulated room, no device needed; writes build/demo.wav
	@$(SETUP) --tests
	@$(BIN)/lares models pull embedded
	@$(BIN)/python scripts/demo.py

check: ## lint, types, import contracts, lock, unit tests, generated pages
	@$(SETUP) --lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/lock.py --check
	$(BIN)/python -m pytest -q tests/unit
	$(BIN)/python scripts/docs.py --check

test: ## everything: check, then the tests with real engines, real sound and the built wheel
	@$(SETUP) --tests
	@$(MAKE) --no-print-directory check
	@$(BIN)/lares models pull embedded
	$(BIN)/python -m pytest -q --durations=10 $(STRICT) tests/integration

bench: ## the table of docs/benchmarks.md, measured here; BENCH=--docs writes that page
	@$(SETUP) --tests
	@$(BIN)/lares models pull embedded
	@$(BIN)/python tests/bench/run.py $(BENCH)

docs: ## write docs/events.md and docs/config.md from the code
	@$(BIN)/python scripts/docs.py

lock: ## resolve pyproject.toml into requirements/*.txt
	@$(SETUP) --lint
	$(BIN)/python scripts/lock.py

clean: ## remove .venv, build products and caches of tools (models and the llama wheel stay)
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
