PYTHON ?= python3
BIN := .venv/bin
# A test worker for each core; one that has nothing left to do takes tests from another.
PARALLEL := --numprocesses logical --maxprocesses 8 --dist worksteal

.PHONY: help venv book pdf lint test check coverage lab reproduce lock clean

help: ## print this list
	@echo "Usage: make TARGET [PYTHON=python3.12]"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

venv: .venv/.installed ## set up .venv from the lock file; every target below does this first

book: venv ## execute every chapter and build the site into _build/html
	@$(BIN)/python -m fflib.book

pdf: venv ## print the built site into _build/book.pdf (needs Chromium, no TeX)
	@$(BIN)/python -m fflib.book.pdf

lint: venv ## check format, style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

test: lint ## for every change: lint, then each test that needs no chapter, cluster, site, browser or minute
	$(BIN)/pytest $(PARALLEL) -m "not (chapters or cluster or build or browser or training)"

check: lint ## lint, then every test
	$(BIN)/pytest $(PARALLEL)

coverage: venv ## run every test and list the lines of fflib that none of them reaches
	$(BIN)/pytest $(PARALLEL) --cov=fflib --cov-report=term-missing:skip-covered

lab: venv ## open the chapters in JupyterLab
	@$(BIN)/jupyter lab chapters

reproduce: venv ## retrain what is behind the published numbers; options in ARGS="--dry-run"
	@$(BIN)/fflib reproduce $(ARGS)

lock: ## resolve requirements.lock again for Linux, macOS and Windows (needs uv)
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --fork-strategy fewest \
	    --all-extras --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

clean: ## remove the site and every cache; keeps .venv and data
	rm -rf _build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage* build *.egg-info
	find fflib tests chapters -type d \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

# Done again only when the dependencies change; the package itself is installed editable, without
# build isolation, because its build backend is in the lock file already.
.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "fflib needs Python 3.11 or newer: name one, as in 'make venv PYTHON=python3.12'" >&2; exit 1; }
	@echo "Setting up .venv from requirements.lock: about 6 GB on Linux, usually 2 to 5 minutes"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "Set up: .venv/bin/fflib --help"
