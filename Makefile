# Everything that a fresh machine needs: Python 3.11 or newer, and make.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# Many tests wait, for a lease or a lost answer: two more at a time than there are cores.
TESTS_AT_A_TIME = $(shell $(RUN) -c "import os; print((os.cpu_count() or 1) + 2)")

# Or every process compiles all modules anew where somebody has set it.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help demo up test handbook ledger inbox lint lock bench

help: ## says what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/runtime.ok ## everything on the sandbox: assigns a codename, stays up until Ctrl-C
	@exec $(RUN) -m deployments.up --demo $(ARGS)

up: $(VENV)/runtime.ok ## the same against the live services of .env
	@exec $(RUN) -m deployments.up $(ARGS)

test: $(VENV)/tests.ok ## lint, types and every test; says what it could not run
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	PYRIGHT_PYTHON_USE_BUNDLED_PYRIGHT=1 PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(VENV)/bin/pyright
	$(RUN) -m pytest -m "not whole" --numprocesses $(TESTS_AT_A_TIME) --dist worksteal $(ARGS) || [ $$? -eq 5 ]
	$(RUN) -m pytest -m whole $(ARGS) || [ $$? -eq 5 ]

handbook: $(VENV)/runtime.ok ## writes HANDBOOK.md and docs/handbook.json
	$(RUN) -m deployments.handbook_page

ledger: $(VENV)/runtime.ok ## lists what waits for a person; ARGS="--help" shows how to settle it
	@$(RUN) -m deployments.settle $(ARGS)

inbox: $(VENV)/runtime.ok ## lists what came in and why most needed nothing; ARGS="--ignored", "--open", "--hours 72"
	@$(RUN) -m deployments.inbox_report $(ARGS)

bench: $(VENV)/tests.ok ## every figure that the docs state
	$(RUN) -m bench.business_hours_oracle
	$(RUN) -m bench.leak_guard
	$(RUN) -m bench.webhooks
	$(RUN) -m bench.sweeps

lock: $(VENV)/tests.ok ## makes the lock files anew
	$(RUN) -m uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --quiet --output-file requirements.lock
	$(RUN) -m uv pip compile pyproject.toml --group dev --constraint requirements.lock --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements-dev.lock

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

# uv fetches and compiles side by side, which takes a third of pip's time; pip is asked where uv can't reach an index
# that only pip's own configuration names.
$(VENV)/uv.ok: requirements-dev.lock | $(VENV)/bin/python
	sed -n '/^uv==/,/[^\\]$$/p' $< > $(VENV)/uv.txt
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $(VENV)/uv.txt
	@touch $@

# Compiled at installation, or every start would read Prefect's sources anew.
define install
	$(RUN) -m uv pip install --python $(RUN) --quiet --compile-bytecode --no-deps --require-hashes --requirement $(1) \
		|| $(RUN) -m pip install --quiet --compile --no-deps --require-hashes --requirement $(1)
endef

$(VENV)/runtime.ok: requirements.lock | $(VENV)/uv.ok
	$(call install,$<)
	@touch $@

$(VENV)/tests.ok: requirements-dev.lock | $(VENV)/uv.ok
	$(call install,$<)
	@touch $@ $(VENV)/runtime.ok
