# The two commands of the README are `make demo` and `make test`; `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help install demo tour export daily dagster test-dagster backup restore disk refresh health dashboard catalog ui screenshots test test-browser test-e2e test-kills test-snowflake snowflake-check snowflake-dashboard bench lint style types layers vocabulary model-lint workflows test-models format docs plan-diff sandbox lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BASE ?= main
DAGSTER := .cache/dagster
TWO_PROCESSES := --numprocesses 2 --dist loadfile

##@ Users

# A line `##@ Users` begins the targets of an audience; an audience may have several such lines.
# A line is at most 80 characters.
help:  ## Show this list
	@awk -F ':.*## ' '/^##@ / { audience = substr($$0, 5); if (!seen[audience]++) order[++n] = audience } \
	  /^[a-z0-9-]+:.*## / { words = split($$2, word, " "); line = sprintf("  %-19s", $$1); \
	    for (i = 1; i <= words; i++) { \
	      if (length(line) + 1 + length(word[i]) > 80) { lines[audience] = lines[audience] line "\n"; line = sprintf("%21s", "") } \
	      line = line " " word[i] } \
	    lines[audience] = lines[audience] line "\n" } \
	  END { for (i = 1; i <= n; i++) printf("%s%s\n%s", (i > 1 ? "\n" : ""), order[i], lines[order[i]]) }' $(MAKEFILE_LIST)

install: $(VENV)/installed  ## Install into .venv from requirements.lock (1 GB; 20 s with uv, 1 to 5 minutes with pip)

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) marquee/cli/install.py

# As for the tests: on two cores SQLMesh's forked helpers cost more than they do.
demo tour: export MAX_FORK_WORKERS := 1

demo: install  ## Load both sandboxes, build the warehouse, print a report (DAY=N, BATCH=N: later days)
	@$(BIN)/python pipelines/demo.py $(if $(DAY),--day $(DAY)) $(if $(BATCH),--batch $(BATCH))

tour: install  ## Play three days and two batches of the sandboxes, and show what each changes
	@$(BIN)/python pipelines/tour.py

##@ Operators

daily: install  ## Load TMDb and the studio's feeds, refresh, check the health (SANDBOX=1 DAY=N: without a key)
	$(BIN)/python pipelines/daily.py $(if $(SANDBOX),--sandbox --day $(DAY))

refresh: install  ## Update the warehouse: changed models, then new data
	@test "$$SQLMESH__DEFAULT_GATEWAY" != snowflake || $(BIN)/python pipelines/snowflake_check.py
	$(BIN)/python -m marquee.cli.refresh

backup: install  ## Back up warehouse, state and, in another place, the vault (TO=folder or URL, VAULT=place)
	@$(BIN)/python -m marquee.cli.backup create "$(TO)" $(if $(VAULT),--vault "$(VAULT)")

restore: install  ## Restore a backup, or the newest one of a folder (FROM=folder or URL, VAULT=place)
	@$(BIN)/python -m marquee.cli.backup restore "$(FROM)" $(if $(VAULT),--vault "$(VAULT)")

dagster: $(DAGSTER)/installed  ## Serve Dagster's UI on http://127.0.0.1:3000 (SANDBOX=1: without a key)
	@mkdir -p $(DAGSTER)/home
	@cp marquee/orchestration/dagster.yaml $(DAGSTER)/home
	DAGSTER_HOME=$(CURDIR)/$(DAGSTER)/home MARQUEE_SANDBOX=$(SANDBOX) \
	  $(DAGSTER)/bin/dagster dev -h 127.0.0.1 -p 3000 -m marquee.orchestration.definitions

# Apart from .venv, which a scheduled job uses and which needs no web server.
$(DAGSTER)/installed: requirements/dagster.lock pyproject.toml | install
	$(BIN)/uv venv --quiet --clear $(DAGSTER)
	$(BIN)/uv pip install --quiet --python $(DAGSTER)/bin/python --no-deps --require-hashes -r $<
	$(BIN)/uv pip install --quiet --python $(DAGSTER)/bin/python --no-deps --editable .
	@touch $@

disk: install  ## Show what uses the disk (CLEAN=1: remove what can be made again)
	@$(BIN)/python -m marquee.cli.disk $(if $(CLEAN),--clean)

##@ Contributors

# These targets must not open the user's warehouse, not even to see whether another process uses it.
test test-snowflake lint style types model-lint test-models: export MARQUEE_DUCKDB := :memory:
test test-snowflake lint style types model-lint test-models: export MARQUEE_STATE_DUCKDB := :memory:
# On two cores SQLMesh's forked helpers cost more than they do.
test test-models model-lint: export MAX_FORK_WORKERS := 1

# Models are linted by the process that tests them: to load the project takes two seconds.
test: install  ## Run lint, SQLMesh's unit tests and pytest
	@$(MAKE) --no-print-directory --jobs 2 test-models $(LINT)
	$(BIN)/pytest --quiet --numprocesses 3 --dist loadfile --no-loadscope-reorder \
	  --junitxml .cache/test/pytest.xml

test-e2e: install  ## Whole plan diffs, environments, and the bot against a fake GitHub (minutes)
	$(BIN)/pytest --quiet -m e2e -rP $(TWO_PROCESSES)

test-kills: install  ## The long tests: a load and refresh of 2,000 movies killed 28 times, a studio's three batches (minutes)
	$(BIN)/pytest --quiet -m slow -rP

test-dagster: $(DAGSTER)/installed  ## Dagster's code location: definitions, a job on the sandbox, the UI in Chromium (minutes)
	$(BIN)/pytest --quiet -m dagster -rP

FAKESNOW := .cache/fakesnow

test-snowflake: install $(FAKESNOW)/installed  ## The whole path on an emulated Snowflake, with state in Postgres
	$(BIN)/pytest --quiet -m snowflake $(TWO_PROCESSES)

# fakesnow's pins clash with SQLMesh's, so it has its own environment and is reached by HTTP.
$(FAKESNOW)/installed: tests/fakes/emulator/requirements.lock
	$(BIN)/uv venv --quiet --clear --python '>=3.11,<3.14' $(FAKESNOW)
	$(BIN)/uv pip install --quiet --python $(FAKESNOW)/bin/python --no-deps --require-hashes -r $<
	@touch $@

##@ Operators

snowflake-check: install  ## Check the setup of a Snowflake account (SNOWFLAKE_* variables)
	$(BIN)/python pipelines/snowflake_check.py

snowflake-dashboard: install  ## Deploy the dashboard as a Streamlit app in Snowflake (needs Snowflake CLI)
	$(BIN)/python -m marquee.dashboard.bundle
	snow streamlit deploy --project .cache/snowflake_dashboard --role "$${SNOWFLAKE_ANALYST_ROLE:-MARQUEE_ANALYST}" --replace

##@ Contributors

LINT = style types layers vocabulary workflows

lint: $(LINT) model-lint  ## Check style, types, import layers, vocabulary, models, GitHub workflows

style: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

layers: install
	$(BIN)/lint-imports

vocabulary: install
	$(BIN)/python -m tests.vocabulary

types: install
	$(BIN)/mypy

model-lint: install
	$(BIN)/sqlmesh format --check
	$(BIN)/sqlmesh lint

# Without shellcheck, which only some machines have.
workflows: install
	$(BIN)/actionlint -shellcheck= -pyflakes= .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet .github/workflows

test-models: install  ## SQLMesh's unit tests of the models (ONLY=word: of names that contain it)
	ONLY=$(ONLY) $(BIN)/python -m tests.model_tests

# Targets that have a new name.
.PHONY: units test-review
units test-review: successor = $(if $(filter units,$@),test-models,test-e2e)
units test-review:
	@echo "'make $@' is now 'make $(successor)'." >&2; exit 2

bench: install .cache/bench/tools/installed  ## Benchmarks into benchmarks/results, 25 minutes (QUICK=1: under 3; OUT=folder)
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick) $(if $(OUT),--out $(OUT))

# What Marquee is compared with has an environment of its own.
.cache/bench/tools/installed: benchmarks/requirements.lock
	$(BIN)/uv venv --quiet --clear .cache/bench/tools
	$(BIN)/uv pip install --quiet --python .cache/bench/tools/bin/python --no-deps --require-hashes -r $<
	@touch $@

format: install  ## Format Python and SQL
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlmesh format

##@ Operators

health: install  ## Check the health of the warehouse, one line per check (JSON=1: as JSON)
	@$(BIN)/python pipelines/health.py $(if $(JSON),--json)

##@ Users

dashboard: install  ## Serve the dashboard on http://127.0.0.1:8501
	$(BIN)/python pipelines/dashboard.py

catalog: install  ## Write a static site of models, columns, checks and lineage (OUT=folder)
	@$(BIN)/python -m marquee.cli.catalog $(if $(OUT),--out $(OUT))

export: install  ## Write gold as Parquet and CSV with a data dictionary (OUT=folder)
	@$(BIN)/python pipelines/export.py $(if $(OUT),--out $(OUT))

##@ Contributors

ui: install  ## Serve SQLMesh's UI on http://127.0.0.1:8000, on a read-only snapshot
	@$(BIN)/python -m marquee.cli.ui

test-browser: install  ## Test the dashboard, the catalog and SQLMesh's UI in headless Chromium
	$(BIN)/pytest --quiet -m browser $(TWO_PROCESSES)

screenshots: install  ## Take the screenshots in docs/screenshots again
	$(BIN)/python -m tests.e2e.screenshots

docs: install  ## Generate docs/data-dictionary.md and snowflake/semantic_view.sql from the models
	$(BIN)/python -m marquee.catalog.data_dictionary
	$(BIN)/python -m marquee.catalog.semantic_view

plan-diff: install  ## Write plan-diff.md: the effect of the working tree on the warehouse (BASE=main)
	$(BIN)/python -m marquee.cli.plan_diff --base $(BASE) $(if $(HEAD),--head $(HEAD)) --out plan-diff.md

sandbox: install  ## Serve the sandbox TMDb on port 8899 (DAY=N: N days later)
	$(BIN)/python -m marquee.sandbox --port 8899 --day $(or $(DAY),0)

RESOLVE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header

lock: install  ## Resolve the lock files again: project, benchmarks, emulator
	$(RESOLVE) --python-version 3.10 pyproject.toml --extra dashboard --extra dev --extra ui --output-file requirements.lock
	$(RESOLVE) --python-version 3.10 benchmarks/requirements.in --output-file benchmarks/requirements.lock
	$(RESOLVE) --python-version 3.11 tests/fakes/emulator/requirements.in --output-file tests/fakes/emulator/requirements.lock
	# A reader of buckets goes into the same environment. Only boto3 may differ: s3fs needs an older botocore.
	@mkdir -p .cache
	grep -oE '^[a-zA-Z0-9._-]+==[^ ;\]+( ; [^\]+)?' requirements.lock | grep -vE '^(boto3|botocore|s3transfer)==' > .cache/constraints.txt
	$(RESOLVE) --python-version 3.10 pyproject.toml --extra dagster --constraint .cache/constraints.txt --output-file requirements/dagster.lock
	for one in s3fs gcsfs adlfs; do $(RESOLVE) --python-version 3.10 requirements/$$one.in --constraint .cache/constraints.txt --output-file requirements/$$one.lock || exit 1; done

##@ Users

clean:  ## Delete the warehouse, its vault, SQLMesh's state, dlt's working folder and the caches
	rm -rf warehouse.duckdb* snapshot vault.duckdb* state.duckdb* state.snowflake.duckdb* .dlt/work .cache logs plan-diff.md
