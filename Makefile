# Two commands: `make rehearse` sets up all and opens the wizard in a rehearsal; `make test` sets up all and passes the tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 3
SPREAD := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Collected once beforehand: what pytest compiles of the tests is kept, and not each worker does it anew.
COLLECT = $(BIN)/python -m pytest --collect-only -qq >/dev/null 2>&1

# Each command of a test is a process of its own: without the compiled files every one of them would compile the program anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help rehearse test lint exhaustive snapshots reference drawing hooks clean

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do printf '  make %-12s %s\n' "$$name" "$$what"; done

rehearse: $(VENV)/.runs ## Set everything up and open the wizard in a rehearsal
	@echo "Starting a rehearsal world on this machine (nothing leaves it) and opening the wizard in it."
	@$(BIN)/nexy-tui rehearse || [ $$? -eq 130 ] # A run that is left open is no error of make's.

test: $(VENV)/.tests ## Set everything up and pass lint and the tests
	@echo "Linting beside the tests; what it says comes last."
	@$(MAKE) --no-print-directory lint > $(VENV)/lint.txt 2>&1 & lint=$$!; \
	$(COLLECT); $(BIN)/python -m pytest $(SPREAD) -m "not exhaustive"; tests=$$?; \
	wait $$lint; linted=$$?; cat $(VENV)/lint.txt; exit $$((tests | linted))

lint: $(VENV)/.tests ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

exhaustive: $(VENV)/.tests ## Walk every long enumeration whole; counts are printed
	$(COLLECT); $(BIN)/python -m pytest $(SPREAD) -m exhaustive -rP

snapshots: $(VENV)/.tests reference ## Make the pictures of the screens and documents anew
	$(BIN)/python -m pytest -n $(WORKERS) tests/snapshots --snapshot-update
	$(BIN)/python scripts/export_picture.py

reference: $(VENV)/.tests ## Make anew what docs/ has from the code
	$(BIN)/python scripts/make_reference.py

drawing: $(VENV)/.tests ## Draw the rooms of docs/architecture.md anew
	$(BIN)/python scripts/draw_rooms.py

hooks: $(VENV)/.tests ## Lint before every commit from now on
	$(INSTALL) -e ".[hooks]"
	$(BIN)/pre-commit install

clean: ## Take away what the others made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or later is needed; this is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12")'
	@echo "Setting up a Python environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runs: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing nexy-tui and what it needs, at the pinned versions"
	$(INSTALL) -e ".[rehearsal]"
	@touch $@

$(VENV)/.tests: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing nexy-tui and what its tests need, at the pinned versions"
	$(INSTALL) -e ".[test]"
	@touch $(VENV)/.runs $@
