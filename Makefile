# Every target works from any folder (`make -C path`), as root or not, and needs only Python and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PYTHON := .venv/bin/python
PYTEST := $(PYTHON) -m pytest
# For tools that load the settings and never connect.
NOWHERE := DJANGO_SETTINGS_MODULE=twitterlite.settings.test DATABASE_URL=postgresql://nobody@127.0.0.1:9/nothing
ONLY ?=
QUICK ?=
N ?= 20000
CASES ?= 280
POSTS ?= 5000
SCHEDULES ?= 100000
HOURS ?= 1

.PHONY: help run down test check lint types contracts migrations-check fmt fast oracle faults soak fuzz bench screenshots messages lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile

run: ## Start everything on http://localhost:3000 (stop with Ctrl-C)
	@.ci/setup run
	@exec $(PYTHON) manage.py up $(ARGS)

down: ## Stop what `make run` started in another terminal
	@$(PYTHON) manage.py down

test: ## All checks and all tests, on throw-away engines
	@.ci/setup dev
	@$(MAKE) check
	$(PYTEST) -n 3 --maxschedchunk 1 $(ARGS)

check: ## Every check that runs no test
	@.ci/setup dev
	@$(MAKE) lint types contracts migrations-check

lint: ## Style and security: ruff, ruff's format, bandit
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m bandit --quiet --configfile pyproject.toml --recursive apps twitterlite manage.py

types: ## Types: mypy, strict
	$(NOWHERE) $(PYTHON) -m mypy

contracts: ## Who may import whom: .importlinter
	$(NOWHERE) $(PYTHON) -c 'import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))'

migrations-check: ## Models and migrations agree
	$(NOWHERE) $(PYTHON) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

fmt: ## Format the code and sort the imports
	$(PYTHON) -m ruff check --fix --exit-zero --quiet .
	$(PYTHON) -m ruff format .

fast: ## The quick tests only
	@.ci/setup dev
	$(PYTEST) -q -m 'not slow and not oracle and not browser and not faults' $(ARGS)

oracle: ## Random schedules against the model of home timelines: make oracle N=20000
	@.ci/setup dev
	ORACLE_SCHEDULES=$(N) $(PYTEST) -m oracle --timeout=0 $(ARGS)

faults: N = 200
faults: ## Break everything: make faults N=200 SCHEDULES=100000
	@.ci/setup dev
	$(PYTHON) -m tests.faults --faults $(N) --schedules $(SCHEDULES)

soak: ## Hours under load with a fault a minute, and what grows: make soak HOURS=1
	@.ci/setup dev
	$(PYTHON) -m tests.faults.soak --hours $(HOURS)

fuzz: ## Made-up requests to every operation of the API, odd words in every form: make fuzz CASES=280 POSTS=5000
	@.ci/setup dev
	FUZZ_CASES=$(CASES) FORM_POSTS=$(POSTS) $(PYTEST) -n 2 --timeout=0 tests/conformance/test_fuzz.py tests/flows/test_naughty_forms.py $(ARGS)

bench: ## Measure; ONLY=F2,R1 picks figures, QUICK=1 takes 3 minutes and writes nothing
	@.ci/setup dev
	$(PYTHON) -m bench $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick) $(ARGS)

screenshots: ## Pictures of the main pages, of the demo world, into var/screenshots
	@.ci/setup dev
	@$(PYTHON) -m tests.browser.screenshots $(ARGS)

messages: ## Bring the catalogues in translations/ up to date, and name what is not translated
	@.ci/setup dev
	@$(NOWHERE) $(PYTHON) -W ignore manage.py messages

lock: ## Pin requirements*.txt anew from pyproject.toml
	@.ci/setup dev
	$(PYTHON) -m uv pip compile --universal --python-version 3.11 --quiet --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.txt
	$(PYTHON) -m uv pip compile --universal --python-version 3.11 --quiet --generate-hashes --no-header --no-annotate -c requirements.txt --extra dev pyproject.toml -o requirements-dev.txt
	$(PYTHON) -m uv pip compile --universal --python-version 3.11 --quiet --generate-hashes --no-header --no-annotate -c requirements.txt --extra hot pyproject.toml -o requirements-hot.txt

clean: ## Remove caches; keeps .venv and the data in var/
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find apps twitterlite tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
