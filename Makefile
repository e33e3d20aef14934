# Two commands do all set-up: `make demo` shows Tillwatch at work, `make test` proves it.
# Both need Debian 12, root (or sudo) and nothing else.

PYTHON ?= /usr/bin/python3
VENV ?= .venv
BIN = $(VENV)/bin
SUDO = $(shell [ "$$(id -u)" = 0 ] || echo sudo)
FLAVOUR ?= 6.0

.PHONY: help demo demo-down demo-status test unit lint generated bench

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/simulator ## a chain of stores that trades on a real Zabbix; FLAVOUR=7.0 for Zabbix 7.0
	@$(SUDO) $(abspath $(BIN))/tillwatch demo up --flavour $(FLAVOUR)

demo-down: ## end the demo and leave nothing running
	@$(SUDO) $(abspath $(BIN))/tillwatch demo down

demo-status: ## what of the demo is running, and where
	@$(SUDO) $(abspath $(BIN))/tillwatch demo status

test: $(VENV)/test $(VENV)/tools ## everything: unit tests, contracts, the wheel, both real Zabbix servers
	@$(BIN)/python -m pytest

unit: $(VENV)/test ## the tests that need no server
	@$(BIN)/python -m pytest -q -m "not servers and not weather"

lint: $(VENV)/test ## style, types, import contracts
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

generated: $(VENV)/test ## make templates, schema and golden files anew; read the difference before you commit it
	$(BIN)/python -m zabbix_plugins.provision.builder
	$(BIN)/python -m zabbix_plugins.readers.schema
	$(BIN)/python -m pytest -q tests/readers --golden-write

bench: $(VENV)/test ## the measurements behind every figure in the documentation
	$(BIN)/python bench/lines.py

# The Python environment; each stamp file stands for one set of extras.
$(BIN)/pip:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Installing python3-venv (needs root) ..."; \
	  $(SUDO) apt-get -qq update && $(SUDO) apt-get -qq -y install python3-venv >/dev/null; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/simulator: setup.cfg | $(BIN)/pip
	@echo "Preparing the Python environment in $(VENV) (a minute or two) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[simulator]'
	@touch $@

$(VENV)/test: setup.cfg | $(BIN)/pip
	@echo "Preparing the Python environment for tests in $(VENV) (a minute or two) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

# Programs that tests use beside Python: a browser to look at pages, rsync as a way of transport, git for file lists.
TOOLS = chromium rsync git
$(VENV)/tools: | $(BIN)/pip
	@missing=$$(for tool in $(TOOLS); do command -v $$tool >/dev/null || echo $$tool; done); \
	if [ -n "$$missing" ]; then echo "Installing" $$missing "(needs root) ..."; \
	  $(SUDO) apt-get -qq update && \
	  $(SUDO) apt-get -qq -y --no-install-recommends install $$missing fonts-dejavu-core >/dev/null; fi
	@touch $@
