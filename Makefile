# The one front door: `make` lists what there is. Everything runs on the project's own Node (node_modules/node), so that
# any Node >= 20 with npm is enough to begin with.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := $(CURDIR)/node_modules/.bin
# npm replaces node_modules, and so must not run on the Node in it.
SYSTEM_PATH := $(PATH)
export PATH := $(BIN):$(PATH)

INSTALLED := node_modules/.widemerge-installed
BUILT := dist/.widemerge-built
SOURCES := $(shell find src -name '*.ts')
TESTS ?= $(shell find test -name '*.test.ts' -not -path '*/soak/*' | sort)
# Two at a time: each file is a process, and many of them start a server, a worker and merges of their own.
TEST_CONCURRENCY ?= 2

.PHONY: help setup demo demo-fallback test test-bigquery soak dev check bench bench-growth matrix clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r name what; do printf '  make %-14s %s\n' "$$name" "$$what"; done

setup: $(BUILT) ## install, build, and fetch the embedded Temporal server (quick the second time)
	@node dist/cli/main.js server --fetch-only

demo: setup ## watch 27 currency pairs being merged, with faults on the way (under two minutes)
	@widemerge demo

demo-fallback: setup ## watch pairs run out of memory and finish on BigQuery, here an emulator (under four minutes)
	@node src/emulator/prepare-python.ts
	@widemerge demo --fallback

dev: setup ## the demo, with server, UI and worker left running until Ctrl-C
	@widemerge demo --keep-running

test: setup ## all tests that belong to every change
	@node test/support/python-env.ts
	@node src/emulator/prepare-python.ts
	@node src/cli/main.ts engines polars dask pandas > /dev/null
	@node --test --test-concurrency=$(TEST_CONCURRENCY) $(TESTS)

test-bigquery: setup ## the contract with BigQuery against the service itself (pennies); needs a project and credentials
	@if [ -z "$${WIDEMERGE_TEST_BIGQUERY_PROJECT:-}" ]; then \
	  echo 'NOT RUN against BigQuery: set WIDEMERGE_TEST_BIGQUERY_PROJECT to a project of yours, and log in with'; \
	  echo '  gcloud auth application-default login'; \
	else node --test test/bigquery/service.test.ts; fi

soak: setup ## the same scenarios, long and wide
	@node test/support/python-env.ts
	@node src/emulator/prepare-python.ts
	@WIDEMERGE_SOAK=1 node --test --test-concurrency=1 $(shell find test -name '*.test.ts' -path '*/soak/*' | sort) test/acceptance/size.test.ts

matrix: setup ## the table of writers, codecs, encodings, types and readers (docs/formats.md); WRITE=1 writes it there
	@node test/support/python-env.ts > /dev/null
	@node test/formats/print.ts $(if $(WRITE),--write)

check: $(INSTALLED) ## format, lint, types, dead code, unused dependencies, import rules between rooms, quoted figures
	@prettier --check --log-level warn .
	@tsc --noEmit -p .
	@eslint .
	@knip
	@depcruise --config .dependency-cruiser.cjs src
	@node bench/show.ts --check

bench: setup ## measure the merge against `cat` and what one would use instead (FULL=1: one real pair, says what disk it needs)
	@node bench/run.ts $(if $(FULL),--full) $(BENCH_ARGS)
	@$(if $(FULL),:,node bench/readers.ts)
	@node bench/show.ts

bench-growth: setup ## measure how time and memory grow with files, columns and rows
	@node bench/growth.ts $(BENCH_ARGS)
	@node bench/show.ts

clean: ## remove what was built and installed here (the Temporal server stays in its cache)
	rm -rf dist node_modules .cache

$(INSTALLED): package.json package-lock.json
	@echo 'installing packages'
	@PATH='$(SYSTEM_PATH)' npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(BUILT): $(INSTALLED) $(SOURCES) tsconfig.json tsconfig.build.json tools/bundle.mjs
	@log=$$(npm run --silent build 2>&1) || { echo "$$log"; exit 1; }
	@ln -sfn ../../bin/widemerge.mjs node_modules/.bin/widemerge
	@touch $@
