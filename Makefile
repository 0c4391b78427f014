# The two commands of the README are `make demo` and `make test`; `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help install demo refresh health dashboard catalog ui screenshots test test-browser test-review test-kills test-snowflake snowflake-check bench lint style types model-lint workflows units format docs plan-diff sandbox lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DAY ?= 0
BATCH ?= 1
BASE ?= main

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install: $(VENV)/installed  ## Make .venv from requirements.lock

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 10) <= v < (3, 14) or sys.exit(f"Marquee needs Python 3.10 to 3.13; {sys.executable} is {v[0]}.{v[1]}. Try: make PYTHON=python3.12")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@

demo: install  ## Load both sandboxes, build the warehouse, report (DAY=N: films N days later; BATCH=2, 3: the studio's next days)
	$(BIN)/python pipelines/tmdb.py --sandbox --day $(DAY) --pages 500
	$(BIN)/python pipelines/studio.py --sandbox --batch $(BATCH)
	@$(MAKE) --no-print-directory refresh
	$(BIN)/python pipelines/report.py

refresh: install  ## Bring prod up to date: changed models, then new data
	@test "$$SQLMESH__DEFAULT_GATEWAY" != snowflake || $(BIN)/python pipelines/snowflake_check.py
	$(BIN)/sqlmesh plan --auto-apply --no-prompts --skip-tests
	$(BIN)/sqlmesh run --ignore-cron

# Nothing here may touch the user's warehouse, not even to look whether another process holds it.
test test-snowflake lint style types model-lint units: export MARQUEE_DUCKDB := :memory:
test test-snowflake lint style types model-lint units: export MARQUEE_STATE_DUCKDB := :memory:

test: install  ## Everything: style, types, model lint, SQLMesh unit tests, pytest
	@$(MAKE) --no-print-directory --jobs 2 units lint
	$(BIN)/pytest --quiet --numprocesses 3 --dist loadfile --no-loadscope-reorder \
	  --junitxml .cache/test/pytest.xml

test-review: install  ## Whole plan diffs, environments, and the bot against a stand-in of GitHub (minutes)
	$(BIN)/pytest --quiet -m review -rP

test-kills: install  ## The long tests: a load and refresh of 2,000 movies killed 28 times, a studio's three batches (minutes)
	$(BIN)/pytest --quiet -m wide -rP

FAKESNOW := .cache/fakesnow

test-snowflake: install $(FAKESNOW)/installed  ## The whole path on an emulated Snowflake, with state in Postgres
	$(BIN)/pytest --quiet -m snowflake --numprocesses 2 --dist loadfile

# fakesnow's pins clash with SQLMesh's, so it has an environment of its own and is spoken to by HTTP.
$(FAKESNOW)/installed: tests/fakes/emulator/requirements.lock
	$(BIN)/uv venv --quiet --clear --python '>=3.11,<3.14' $(FAKESNOW)
	$(BIN)/uv pip install --quiet --python $(FAKESNOW)/bin/python --no-deps --require-hashes -r $<
	@touch $@

snowflake-check: install  ## Is a Snowflake account set up as it should be? (SNOWFLAKE_* variables)
	$(BIN)/python pipelines/snowflake_check.py

lint: style types model-lint workflows  ## Style, types, model lint, GitHub workflows

style: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

model-lint: install
	$(BIN)/sqlmesh format --check
	$(BIN)/sqlmesh lint

# Without the shell's linter, which is there on some machines only.
workflows: install
	$(BIN)/actionlint -shellcheck= -pyflakes= .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet .github/workflows

units: install
	$(BIN)/python -m tests.model_tests

bench: install  ## Benchmarks into benchmarks/results, 25 minutes (QUICK=1: under 3; OUT=folder)
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick) $(if $(OUT),--out $(OUT))

format: install  ## Let the formatters decide
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlmesh format

health: install  ## Is the warehouse well? A line a check; fails if not (JSON=1: for machines)
	@$(BIN)/python pipelines/health.py $(if $(JSON),--json)

dashboard: install  ## Serve the dashboard on http://127.0.0.1:8501
	$(BIN)/python pipelines/dashboard.py

catalog: install  ## Write a static site of models, columns, checks and lineage (OUT=folder)
	@$(BIN)/python -m marquee.cli.catalog $(if $(OUT),--out $(OUT))

ui: install  ## Serve SQLMesh's UI on http://127.0.0.1:8000, on a copy of the warehouse
	@$(BIN)/python -m marquee.cli.ui

test-browser: install  ## The dashboard, the catalogue and SQLMesh's UI in headless Chromium
	$(BIN)/pytest --quiet -m browser

screenshots: install  ## Take the pictures of docs/screenshots anew, of the warehouse as it is
	$(BIN)/python -m tests.e2e.screenshots

docs: install  ## Write docs/data-dictionary.md and snowflake/semantic_view.sql from the models
	$(BIN)/python -m marquee.catalog.data_dictionary
	$(BIN)/python -m marquee.catalog.semantic_view

plan-diff: install  ## Write plan-diff.md: what the working tree does to the warehouse (BASE=main)
	$(BIN)/python -m marquee.cli.plan_diff --base $(BASE) $(if $(HEAD),--head $(HEAD)) --out plan-diff.md

sandbox: install  ## Serve the sandbox TMDb on port 8899 (DAY=N: N days later)
	$(BIN)/python -m marquee.sandbox --port 8899 --day $(DAY)

RESOLVE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header

lock: install  ## Resolve the lock files anew: the project's, the benchmarks', the emulator's
	$(RESOLVE) --python-version 3.10 pyproject.toml --extra dashboard --extra dev --extra ui --output-file requirements.lock
	$(RESOLVE) --python-version 3.10 benchmarks/requirements.in --output-file benchmarks/requirements.lock
	$(RESOLVE) --python-version 3.11 tests/fakes/emulator/requirements.in --output-file tests/fakes/emulator/requirements.lock

clean:  ## Delete the warehouse, its vault, SQLMesh's state, dlt's working folder and the caches
	rm -rf warehouse.duckdb* vault.duckdb* state.duckdb* state.snowflake.duckdb* .dlt/work .cache logs plan-diff.md
