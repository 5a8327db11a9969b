# run · test · check · dev · bench. README.md and .ci/run call these and nothing else.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run test check dev docs bench reference

PYTHON ?= python3
# uv from the PATH; where there is none, pip puts one into .uv/.
UV := $(shell command -v uv || echo .uv/bin/uv)
RUN := $(UV) run --no-sync
export ILK_DATA_DIR ?= $(CURDIR)/data
export DAGSTER_HOME = $(ILK_DATA_DIR)/dagster
export DAGSTER_DISABLE_TELEMETRY = 1
export DBT_SEND_ANONYMOUS_USAGE_STATS = False
export PYTHONUTF8 = 1
# Dagster reads its settings there; without them each of its commands keeps usage statistics.
DAGSTER_SETTINGS = mkdir -p "$(DAGSTER_HOME)" && cp dagster.yaml "$(DAGSTER_HOME)/dagster.yaml"

help:  ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 20

setup: .venv/.synced  ## the locked environment, in .venv; needs Python 3.11 or newer and make alone

.venv/.synced: pyproject.toml uv.lock
	@command -v uv >/dev/null || test -x .uv/bin/uv || \
		{ $(PYTHON) -m venv .uv && .uv/bin/python -m pip install --quiet --disable-pip-version-check uv; }
	$(UV) sync --locked --quiet --compile-bytecode  # or each run compiles 3,500 modules anew
	@touch $@

run: setup  ## both example cycles, from raw exports to publication
	@ILK_LANDING_URL="$${ILK_LANDING_URL:-$(CURDIR)/examples/ilk/landing}" \
		ILK_PSEUDONYM_KEY="$${ILK_PSEUDONYM_KEY:-a key for the made-up people of the example}" \
		$(RUN) ilk run ilk-2025-s1 ilk-2025-s2

test: setup  ## everything that is promised
	$(RUN) pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

check: setup  ## formatting, lint, types, definitions
	$(RUN) ruff format --check
	$(RUN) ruff check
	$(RUN) mypy
	$(RUN) sqlfluff lint --processes 2 models
	@$(DAGSTER_SETTINGS)
	$(RUN) dg check defs

dev: setup  ## Dagster's web page, with schedules and sensors
	@$(DAGSTER_SETTINGS)
	$(RUN) dagster dev -m orchestration.definitions

docs: setup  ## every table and column on one page, $(ILK_DATA_DIR)/docs/index.html
	@$(RUN) ilk docs

RESPONDENTS ?= 66000 1000000
bench: setup  ## cycles of RESPONDENTS made-up people: the job, and beside it the same scores by hand
	$(RUN) python -m benchmarks.run $(RESPONDENTS)

reference: run  ## recompute the figures that the tests compare with, in R's survey package
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
		$(RUN) python tests/reference/export_inputs.py \
			"$(ILK_DATA_DIR)/warehouse.duckdb" ilk-2025-s2 "$$folder" && \
		for figures in scores coverage raking; do \
			Rscript tests/reference/$$figures.R "$$folder" tests/reference/$${figures}_ilk-2025-s2.csv.gz || exit; \
		done
