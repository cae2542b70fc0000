# Each target does its own set-up: `make demo` and `make test` work on a fresh machine with Python 3.11+.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# One more than the cores of a small machine: many tests wait for a process or a server.
JOBS ?= 3

.PHONY: demo hosts test test-long lint bench format clean

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "headnode needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[aws,azure,local,dev]'
	@touch $(READY)

demo: $(READY)
	$(BIN)/headnode demo

# Azurite comes from npm, Azure's worker library needs a Python 3.13: where there is none, the tests that need
# it are skipped, and say so.
hosts: $(READY)
	-@$(BIN)/python -m tests.azurite
	-@$(BIN)/python -m tests.functions_runtime

test: $(READY) hosts
	$(BIN)/pytest -q -n $(JOBS) --dist loadgroup -m 'not long'

test-long: $(READY) hosts
	$(BIN)/pytest -q -n $(JOBS) --dist loadgroup

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python -m tests.bench

format: $(READY)
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
