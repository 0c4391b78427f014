# The two commands of the README are `make demo` and `make test`; `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help install demo refresh test test-snowflake snowflake-check lint format docs sandbox lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DAY ?= 0

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

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
	@test "$$SQLMESH__DEFAULT_GATEWAY" != snowflake || $(BIN)/python pipelines/snowflake_check.py
	$(BIN)/sqlmesh plan --auto-apply --no-prompts --skip-tests
	$(BIN)/sqlmesh run --ignore-cron

# Nothing here may touch the user's warehouse, not even to look whether another process holds it.
test test-snowflake lint: export MARQUEE_DUCKDB := .cache/test/warehouse.duckdb
test test-snowflake lint: export MARQUEE_STATE_DUCKDB := .cache/test/state.duckdb

test: lint  ## Everything: style, types, model lint, SQLMesh unit tests, pytest
	$(BIN)/sqlmesh test
	$(BIN)/pytest --quiet --numprocesses 2 --dist loadfile

FAKESNOW := .cache/fakesnow

test-snowflake: install $(FAKESNOW)/installed  ## The whole path on an emulated Snowflake, with state in Postgres
	$(BIN)/pytest --quiet -m snowflake --numprocesses 2 --dist loadfile

# fakesnow's pins clash with SQLMesh's, so it has an environment of its own and is spoken to by HTTP.
$(FAKESNOW)/installed: tests/emulator/requirements.lock
	$(BIN)/uv venv --quiet --clear --python '>=3.11,<3.14' $(FAKESNOW)
	$(BIN)/uv pip install --quiet --python $(FAKESNOW)/bin/python --no-deps --require-hashes -r $<
	@touch $@

snowflake-check: install  ## Is a Snowflake account set up as it should be? (SNOWFLAKE_* variables)
	$(BIN)/python pipelines/snowflake_check.py

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

sandbox: install  ## Serve the sandbox TMDb on port 8899 (DAY=N: N days later)
	$(BIN)/python pipelines/sandbox --port 8899 --day $(DAY)

lock: install  ## Resolve both lock files anew
	$(BIN)/uv pip compile --quiet pyproject.toml --extra dev --extra ui --universal --python-version 3.10 \
	  --generate-hashes --no-emit-index-url --no-header --output-file requirements.lock
	$(BIN)/uv pip compile --quiet tests/emulator/requirements.in --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --output-file tests/emulator/requirements.lock

clean:  ## Delete the warehouse, SQLMesh's state, dlt's working folder and the caches
	rm -rf warehouse.duckdb* state.duckdb* state.snowflake.duckdb* .dlt/work .cache logs
