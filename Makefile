# Two commands do all set-up: `make demo` shows Tillwatch at work, `make test` proves it.
# Both need Debian 12, root (or sudo) and nothing else.

PYTHON ?= /usr/bin/python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: help demo demo-down demo-status test unit lint golden generated clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/simulator ## a chain of stores that trades on a real Zabbix; FLAVOUR=7.0 for Zabbix 7.0
	@$(BIN)/tillwatch demo up --flavour $(or $(FLAVOUR),6.0)

demo-down: ## end the demo and leave nothing running
	@$(BIN)/tillwatch demo down

demo-status: ## what of the demo is running, and where
	@$(BIN)/tillwatch demo status

test: $(VENV)/test ## everything: unit tests, contracts, the wheel, and both real Zabbix servers
	@VENV=$(VENV) tests/run.sh

unit: $(VENV)/test ## the tests that need no server
	@$(BIN)/python -m pytest -q -m "not servers and not weather"

lint: $(VENV)/test ## style, types, import contracts
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

generated: $(VENV)/test ## make templates, schema and other generated files anew
	$(BIN)/tillwatch develop generate

# A folder with a Python environment; each stamp file stands for one set of extras.
$(VENV)/bin/pip:
	@sh bench/need.sh python3-venv
	@$(PYTHON) -m venv $(VENV)

$(VENV)/simulator: setup.cfg $(VENV)/bin/pip
	@echo "Preparing the Python environment ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[simulator]'
	@touch $@

$(VENV)/test: setup.cfg $(VENV)/bin/pip
	@echo "Preparing the Python environment for tests ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@
