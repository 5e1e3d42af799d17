# Framewatch. `make demo` shows it, `make test` proves it; both work on a machine with Python 3.11+, make and git.
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
SHELL := /bin/bash

VENV := .venv
PY := $(VENV)/bin/python
# The newest Python here that is new enough; `make PYTHON=/path/to/python3 ...` names another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)
# Of what is installed most is never imported, and compiling all of it takes longer than fetching it: what is imported
# is compiled then, and kept.
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-compile
unexport PYTHONDONTWRITEBYTECODE

# What each step reads: a step runs again when one of these is newer than its stamp.
OURS := $(shell find framewatch edge_client lambdas infra local_cloud -name '*.py' -o -name '*.json' -o -name '*.yaml' | grep -v __pycache__) config/prices.yaml
WEB := $(shell find web_ui -path web_ui/node_modules -prune -o -path web_ui/dist -prune -o -type f -print)

.PHONY: help setup demo test test-python test-web test-fast test-long lint benchmarks lock clean

help:
	@echo "make demo        the whole of it on this machine: http://127.0.0.1:8080"
	@echo "                 SOURCE=0 | clip.mp4 | folder | rtsp://... | http://...   your own camera or clip"
	@echo "                 CONFIG=site.yaml  your own site; PORT=8081  another port"
	@echo "make setup       the environment and everything built, nothing started"
	@echo "make test        every check and test (make test-fast: the quick ones)"
	@echo "make test-long   what takes long: 50 storms, each fault alone, 200,000 hostile inputs, two soaks; some 85 minutes"
	@echo "make benchmarks  the figures of benchmarks/README.md, measured here"
	@echo "make clean       removes what was built; keeps the environment"

setup: $(VENV)/.stamp-run $(VENV)/.stamp-node web_ui/dist/.stamp build/local/.stamp

# value: a ${NAME} in a camera address is for the edge client to read from the environment, not for make.
demo: setup
	@$(VENV)/bin/framewatch-local demo $(if $(value SOURCE),--source '$(value SOURCE)') $(if $(value CONFIG),--config '$(value CONFIG)') $(if $(PORT),--port $(PORT)) $(ARGS)

test: lint test-web test-python

# Three workers for two cores: cameras, schedules and browsers are mostly waited for.
WORKERS := 3

test-python: setup $(VENV)/.stamp-dev
	$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not long" $(ARGS)

test-web: web_ui/node_modules/.stamp
	cd web_ui && $(call node,npm test)

# Seconds, not minutes: no emulator, no browser, no pixels.
test-fast: $(VENV)/.stamp-dev lint
	$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not long and not pixels" $(ARGS)

test-long: setup $(VENV)/.stamp-dev
	$(PY) -m pytest -m long $(ARGS)

lint: $(VENV)/.stamp-dev
	$(PY) -m ruff format --check -q .
	$(PY) -m ruff check -q .
	$(PY) -m mypy --no-error-summary
	$(VENV)/bin/lint-imports --no-cache >build/lint-imports.txt || { cat build/lint-imports.txt; exit 1; }

benchmarks: setup $(VENV)/.stamp-dev
	for b in edge_client motion_gate savings mjpeg_reading spool drain image_processor fleet load vision_server frame_pages alert_pages stats meter import_time alert_latency dashboard; do $(PY) -m benchmarks.$$b || exit 1; done

# The exact versions, with hashes and without the address of any index.
lock: $(VENV)/.stamp-run
	$(VENV)/bin/uv pip compile $(LOCK) --extra dev pyproject.toml -o requirements-dev.lock
	$(VENV)/bin/uv pip compile $(LOCK) --extra local pyproject.toml -c requirements-dev.lock -o requirements.lock
	$(VENV)/bin/uv pip compile $(LOCK) --extra lambda pyproject.toml -c requirements-dev.lock -o lambdas/requirements.lock
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

clean:
	rm -rf build cdk.out web_ui/dist web_ui/node_modules .local

# -- the steps ---------------------------------------------------------------------------------------------------

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Framewatch needs Python 3.11 or newer; none was found. Install it, or name it: make PYTHON=/path/to/python3"; exit 1; }
	@mkdir -p build
	@$(PYTHON) -m venv $(VENV) >build/venv.txt 2>&1 || { cat build/venv.txt; rm -rf $(VENV); \
		echo "The virtual environment could not be made. On Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/.stamp-run: requirements.lock pyproject.toml | $(VENV)/bin/python
	@mkdir -p build
	@echo "installing the Python packages (about a minute the first time)"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --editable .
	@touch $@

# After Node.js, so that under `make -j` no two pips write into one environment.
$(VENV)/.stamp-dev: requirements-dev.lock $(VENV)/.stamp-run | $(VENV)/.stamp-node
	@mkdir -p build
	@echo "installing the development tools"
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

# Node.js builds the pages and runs the CDK: the machine's where it is 22 or newer, else one from PyPI.
$(VENV)/.stamp-node: infra/requirements-node.lock infra/node.py $(VENV)/.stamp-run
	@$(PY) -m infra.node >/dev/null 2>&1 || { echo "installing Node.js (this machine has none of version 22 or newer)"; \
		$(PIP) --require-hashes -r infra/requirements-node.lock; }
	@$(PY) -m infra.node >/dev/null
	@touch $@

node = PATH="$$(dirname "$$("$(CURDIR)/$(PY)" -m infra.node)"):$$PATH" $(1)

web_ui/node_modules/.stamp: web_ui/package-lock.json $(VENV)/.stamp-node
	@echo "installing the dashboard's packages"
	@cd web_ui && $(call node,npm ci --no-audit --no-fund --loglevel=error) >/dev/null
	@touch $@

web_ui/dist/.stamp: $(WEB) web_ui/node_modules/.stamp
	@echo "building the dashboard"
	@cd web_ui && $(call node,npm run build --silent -- --logLevel error)
	@touch $@

build/local/.stamp: $(OURS) lambdas/requirements.lock $(VENV)/.stamp-node
	@echo "packaging the functions and writing the CloudFormation templates"
	@$(call node,$(VENV)/bin/framewatch-local build)
	@touch $@
