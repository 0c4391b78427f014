# The two commands of the README are `make demo` and `make test`; `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help install demo refresh test lint format docs plan-diff sandbox lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DAY ?= 0
BASE ?= main

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/installed  ## Make .venv from requirements.lock

$(VENV)/installed: requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 10) <= v < (3, 14) or sys.exit(f"Marquee needs Python 3.10 to 3.13; {sys.executable} is {v[0]}.{v[1]}. Try: make PYTHON=python3.12")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@touch $@

demo: install  ## Load real films from the local sandbox, build the warehouse, report (DAY=N: N days later)
	$(BIN)/python pipelines/tmdb.py --sandbox --day $(DAY) --pages 500
	@$(MAKE) --no-print-directory refresh
	$(BIN)/python pipelines/report.py

refresh: install  ## Bring prod up to date: changed models, then new data
	$(BIN)/sqlmesh plan --auto-apply --no-prompts --skip-tests
	$(BIN)/sqlmesh run --ignore-cron

# Nothing here may touch the user's warehouse, not even to look whether another process holds it.
test lint: export MARQUEE_DUCKDB := .cache/test/warehouse.duckdb
test lint: export MARQUEE_STATE_DUCKDB := .cache/test/state.duckdb

test: lint  ## Everything: style, types, model lint, SQLMesh unit tests, pytest
	$(BIN)/sqlmesh test
	$(BIN)/pytest --quiet --numprocesses 2 --dist loadfile

lint: install  ## Style, types and model lint
	@mkdir -p .cache/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlmesh format --check
	$(BIN)/sqlmesh lint

format: install  ## Let the formatters decide
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlmesh format

docs: install  ## Write docs/data-dictionary.md anew from the models
	$(BIN)/python docs/dictionary.py

plan-diff: install  ## Write plan-diff.md: what the working tree does to the warehouse (BASE=main)
	$(BIN)/python review/plan_diff.py --base $(BASE) --out plan-diff.md

sandbox: install  ## Serve the sandbox TMDb on port 8899 (DAY=N: N days later)
	$(BIN)/python pipelines/sandbox --port 8899 --day $(DAY)

lock: install  ## Resolve requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile --quiet pyproject.toml --extra dev --extra ui --universal --python-version 3.10 \
	  --generate-hashes --no-emit-index-url --no-header --output-file requirements.lock

clean:  ## Delete the warehouse, SQLMesh's state, dlt's working folder and the caches
	rm -rf warehouse.duckdb* state.duckdb* .dlt/work .cache logs plan-diff.md
