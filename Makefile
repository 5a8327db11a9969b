# services · run · test · mutants · faults · check · dev · bench. README.md and .ci/run call these and nothing else.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup services spark run test test-spark mutants faults check dev dist dist-check docs bench coverage life reference

PYTHON ?= python3
# uv from the PATH; where there is none, pip puts one into .uv/.
UV := $(shell command -v uv || echo .uv/bin/uv)
BIN := .venv/bin
export ILK_DATA_DIR ?= $(CURDIR)/data
export DAGSTER_HOME = $(ILK_DATA_DIR)/dagster
ifdef ILK_DAGSTER_POSTGRES_URL  # with the driver that Dagster needs (orchestration/dagster_home.py)
export ILK_DAGSTER_POSTGRES_URL := $(ILK_DAGSTER_POSTGRES_URL:postgresql://%=postgresql+psycopg2://%)
endif
export DAGSTER_DISABLE_TELEMETRY = 1
export DBT_SEND_ANONYMOUS_USAGE_STATS = False
export PYTHONUTF8 = 1
# Dagster reads its settings there; without them each of its commands keeps usage statistics.
DAGSTER_SETTINGS = $(BIN)/python -m orchestration.dagster_home

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 20

setup: .venv/.synced  ## the locked environment, in .venv; needs Python 3.11 or newer and make alone

.venv/.synced: pyproject.toml uv.lock
	@command -v uv >/dev/null || test -x .uv/bin/uv || \
		{ echo "1/2  uv (.uv) ..." && $(PYTHON) -m venv .uv && \
			.uv/bin/python -m pip install --quiet --disable-pip-version-check uv; }
	@echo "2/2  packages into .venv, about a minute ..."
	$(UV) sync --locked --compile-bytecode  # or each run compiles 3,500 modules anew
	@touch $@

services:  ## what the tests use besides Python: Debian's chromium, postgresql, restic, nginx and faketime, where they are missing
	@missing=; \
	command -v chromium >/dev/null || missing="chromium"; \
	command -v pg_ctl >/dev/null || ls /usr/lib/postgresql/*/bin/pg_ctl >/dev/null 2>&1 || \
		missing="$$missing postgresql"; \
	command -v restic >/dev/null || missing="$$missing restic"; \
	command -v nginx >/dev/null || test -x /usr/sbin/nginx || missing="$$missing nginx-light"; \
	command -v faketime >/dev/null || missing="$$missing faketime"; \
	if [ -z "$$missing" ]; then echo "chromium, postgresql, restic, nginx, faketime: installed"; \
	elif ! command -v apt-get >/dev/null; then \
		echo "no apt-get here: install $$missing by hand, or their tests are skipped"; \
	else \
		sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		echo "$$sudo apt-get install $$missing ..."; \
		$$sudo apt-get update -qq; \
		for each in $$missing; do \
			$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
				$$each || echo "$$each could not be installed: its tests are skipped"; \
		done; \
	fi

spark: .venv/.spark  ## pyspark (435 MB) and Debian's Java 17 (44 MB), where they are missing: docs/scaling.md
	@if command -v java >/dev/null; then echo "Java: installed"; \
	elif ! command -v apt-get >/dev/null; then \
		echo "no apt-get here: install Java 17 by hand, or the tests of Spark are skipped"; \
	else \
		sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
		$$sudo apt-get update -qq; \
		$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
			openjdk-17-jre-headless || echo "no Java: the tests of Spark are skipped"; \
	fi

.venv/.spark: .venv/.synced
	$(UV) sync --locked --inexact --extra spark
	@touch $@

run: setup  ## both example cycles, from raw exports to publication
	@./ilk example

test: setup  ## everything that is promised
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

test-spark: spark  ## shards on a cluster of one master and two workers, on loopback; a quarter of an hour and more
	$(BIN)/pytest tests/spark/test_spark_local.py tests/spark/on_a_cluster.py

mutants: setup  ## wrong formulas, one at a time: do the tests see them? SAMPLE=4: four of them, by date
	$(BIN)/python -m tests.mutants $(if $(SAMPLE),--sample $(SAMPLE))

faults: setup  ## kill -9 at 200 moments, full disks, ...: into docs/reliability.md; an hour or two. SHARE=0.1, ONLY=killed COUNT=9 SEED=1
	$(BIN)/python -m tests.faults $(if $(ONLY)$(COUNT),,--write) $(if $(ONLY),--only $(ONLY)) \
		$(if $(COUNT),--count $(COUNT)) $(if $(SHARE),--share $(SHARE)) $(if $(SEED),--seed $(SEED))

check: setup  ## formatting, lint, types, definitions
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	@$(DAGSTER_SETTINGS)
	$(BIN)/mypy & $(BIN)/sqlfluff lint --processes 2 models && $(BIN)/dg check defs && wait $$!  # mypy takes one core

dev: setup  ## Dagster's web page, with schedules and sensors
	@$(DAGSTER_SETTINGS)
	@PATH="$(CURDIR)/$(BIN):$$PATH" VIRTUAL_ENV="$(CURDIR)/.venv" $(BIN)/dg dev

dist: setup  ## dist/: all that a server without internet needs to install or upgrade (docs/deployment.md)
	@UV="$(UV)" PYTHON="$(abspath $(BIN))/python" deploy/make_dist.sh

dist-check: dist  ## installs dist/ into a fresh environment without a network and runs the example there
	@PYTHON="$(abspath $(BIN))/python" deploy/check_dist.sh

docs: setup  ## every table and column on one page, $(ILK_DATA_DIR)/docs/index.html
	@./ilk docs

RESPONDENTS ?= 66000 1000000
bench: setup  ## cycles of RESPONDENTS made-up people: the job, and beside it the same scores by hand
	$(BIN)/python -m benchmarks.run $(RESPONDENTS)

COVERAGE_SAMPLES ?= 300
coverage: setup  ## how often intervals hold: simulated samples, into docs/method.md; about six minutes
	$(BIN)/python -m benchmarks.coverage --samples $(COVERAGE_SAMPLES) --write

life: setup  ## a cycle's life under simulated time, as each role sees it, into docs/cycle-life.md
	$(BIN)/python -m benchmarks.cycle_life --write

reference: run  ## recompute the figures that the tests compare with, in R's survey package
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
		$(BIN)/python tests/reference/export_inputs.py \
			"$(ILK_DATA_DIR)/warehouse.duckdb" ilk-2025-s2 "$$folder" && \
		$(BIN)/python tests/reference/export_inputs.py \
			"$(ILK_DATA_DIR)/warehouse.duckdb" ilk-2025-s1 "$$folder/previous" && \
		for figures in scores coverage raking jackknife changes; do \
			Rscript tests/reference/$$figures.R "$$folder" tests/reference/$${figures}_ilk-2025-s2.csv.gz || exit; \
		done && \
		$(BIN)/python -m tests.reference.by_unit "$(ILK_DATA_DIR)/warehouse.duckdb" ilk-2025-s2 "$$folder/by_unit" && \
		$(BIN)/python tests/reference/export_inputs.py "$$folder/by_unit/by_unit.duckdb" ilk-2025-s2 "$$folder" && \
		Rscript tests/reference/scores.R "$$folder" tests/reference/scores_by_unit_ilk-2025-s2.csv.gz 4
