# Needs Python 3.11 to 3.13, make and git; everything else is installed into .venv from requirements.lock.
SHELL := /bin/sh
BIN := .venv/bin
PORT ?= 3000
# Two workers, a file at a time: tests of one file may share a server.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --durations=10

.DEFAULT_GOAL := help
.PHONY: help setup run dev test test-long check check-long bench findings faults hostile kills soak idle crash trading-kills graph lock fmt clean

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install into .venv, only when the lock or pyproject.toml changed
	@tools/setup

run: setup ## one full fund cycle against its own paper venue
	@$(BIN)/hedge run $(ARGS)

dev: setup ## the UI on 127.0.0.1:3000 with schedules and sensors running; PORT=n for another port
	@exec $(BIN)/hedge dev --port $(PORT) $(ARGS)

test: setup ## the test suite without the long tests
	@$(PYTEST) -m "not long" $(ARGS)

test-long: setup ## the long tests alone
	@$(PYTEST) -m long $(ARGS)

check: setup ## everything that decides whether a change is done, in at most 15 minutes
	@$(BIN)/python tools/check.py

check-long: setup ## the same and the long tests, in at most 60 minutes
	@$(BIN)/python tools/check.py --long

bench: setup ## measure what has a budget
	@failed=; for bench in benchmarks/bench_*.py; do \
		name=$$(basename $$bench .py); echo "== $$name"; \
		$(BIN)/python -m benchmarks.$$name || failed="$$failed $$name"; \
	done; [ -z "$$failed" ] || { echo "over budget:$$failed" >&2; exit 1; }

findings: setup ## how many tests prove each audit row; SAMPLE=10 [SEED=n] names the tests of some rows
	@$(BIN)/python tools/findings.py $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED))

faults: setup ## what each way of failing leaves behind, as a table; 3 minutes
	@$(BIN)/python -m tools.fault_table

hostile: setup ## 5,000 spoiled documents before every model, and what became of them; 3 minutes; ARGS=--quick
	@$(BIN)/python -m tools.hostile $(ARGS)

crash: setup ## play the recorded crash below DATA= to a live daemon that trades; FROM=2025-10-10T18:00 MINUTES=360 for all of it
	@$(BIN)/python -m tools.crash $(DATA) $(if $(FROM),--start $(FROM)) $(if $(MINUTES),--minutes $(MINUTES))

trading-kills: setup ## kill -9 what trades: run workers 50 times, the venue 20 times, everything 20 times
	@$(BIN)/python -m tools.kill_trading $(if $(SEED),--seed $(SEED))

kills: setup ## kill -9 what values and what it asks, COUNT=100 times from SEED=n, and prove after each that nothing was lost
	@$(BIN)/python -m tools.kills --count $(or $(COUNT),100) $(if $(SEED),--seed $(SEED))

soak: setup ## let everything happen to the trading stack at once for SECONDS=600, going on with SEED=1 where it stopped
	@PYTHONHASHSEED=0 $(BIN)/python -m tools.soak --seconds $(or $(SECONDS),600) --seed $(or $(SEED),1) $(ARGS)

idle: setup ## leave the default stack alone for SECONDS=1800 and report beats, closures and costs
	@$(BIN)/python -m tools.idle $(or $(SECONDS),1800)

graph: setup ## write the asset graph as text, which a test compares with the definitions
	@$(BIN)/python -m tools.graph

lock: setup ## resolve pyproject.toml into requirements.lock; UPGRADE=1 takes the newest versions
	@$(BIN)/uv pip compile pyproject.toml --output-file requirements.lock --quiet \
		--universal --python-version 3.11 --all-extras --generate-hashes --only-binary :all: \
		--no-strip-extras --no-header --no-annotate --no-emit-index-url $(if $(UPGRADE),--upgrade)
	@git --no-pager diff --stat -- requirements.lock

fmt: setup ## format, and mend what the linter can mend
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

clean: ## remove the venv and caches; .hedge, the fund's state, stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build *.egg-info
	@rm -rf .tmp_dagster_home_*
	@find hedge_pipeline hedge_pipeline_tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
