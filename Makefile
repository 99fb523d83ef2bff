# Every target, in one place. What a target does in more than a few lines lives in scripts/.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo stop demo-compose stop-compose test unit coverage campaign check lint types format bench docs

BIN := .venv/bin
PYTEST_ARGS ?=

help: ## Show what can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

demo: ## Set everything up, start the platform and show a pull request's verdict and live preview
	@scripts/demo

stop: ## End the platform and remove everything it made, except caches and the engine
	@[ ! -x $(BIN)/seatrial ] || scripts/as-engine-user $(BIN)/seatrial down --purge

demo-compose: ## The same as an operator installs it: with Compose, in containers, beside whatever else runs here
	@scripts/demo-compose

stop-compose: ## Remove the demo with Compose: its containers, volumes, previews and files
	@scripts/demo-compose --stop

test: ## Set everything up and run all tests (PYTEST_ARGS="-k word" for some)
	@scripts/test $(PYTEST_ARGS)

unit: ## Run the tests that need no engine, database, bus, browser or ingress: a minute
	@scripts/test --unit $(PYTEST_ARGS)

coverage: ## Show how much of the code the unit tests reach (COVERAGE=1 make test: all of them)
	@COVERAGE=1 scripts/test --unit $(PYTEST_ARGS)

campaign: ## Run kills, storms and attacks for a long time: SEED=n (to repeat one), ROUNDS=m; ONLY=file for one test, WALK=name for one walk through the pages
	@scripts/setup --dev
	@scripts/as-engine-user scripts/engine
	@scripts/as-engine-user $(BIN)/python -m tests.campaign --seed "$(SEED)" --rounds "$(ROUNDS)" --walk "$(WALK)" --only "$(ONLY)"

check: lint types ## What must be green before a change is done: lint, types, import rules, sizes
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/check_sizes.py
	@scripts/duplicates

lint: ## Style and likely mistakes
	@scripts/setup --dev
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: ## Types, strictly
	@scripts/setup --dev
	@$(BIN)/mypy

format: ## Write every file in the one style
	@scripts/setup --dev
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: ## Measure the cost, compared with doing the same by hand, into bench/results (ONLY=webhooks for a part)
	@scripts/setup --dev
	@scripts/as-engine-user scripts/engine
	@scripts/as-engine-user $(BIN)/python -m bench $(ONLY)

docs: ## Write the reference pages from the code
	@scripts/setup --dev
	@$(BIN)/python scripts/write_reference.py
	@$(BIN)/python scripts/write_packs.py
	@$(BIN)/python scripts/write_permissions.py
