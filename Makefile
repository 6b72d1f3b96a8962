# The two commands a newcomer needs: `make demo` and `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT ?= build/demo
PACK_VERSION ?= 1.0.0
PACK_KEY ?= build/pack.key
RECORDINGS ?= datasets/agent-runs

.PHONY: help setup demo test docs lab browser pictures proof numbers pack bench bench-scorer bench-baseline bench-capture bench-sensor bench-attribution bench-fleet datasets lock format clean

help: ## show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(READY) ## create .venv from the lock, and Debian's bcc when it is missing and we are root

$(READY): requirements.lock pyproject.toml
	@.ci/setup "$(PYTHON)" "$(VENV)"

demo: setup ## the whole way on this machine: record, rules, baseline, pack, score
	@$(BIN)/workbench demo --out $(OUT)

test: setup ## everything CI checks
	@.ci/check $(BIN)

docs: setup ## the pages of docs/ as a site: build/site/index.html
	@$(BIN)/sphinx-build -q -W --keep-going -d build/doctrees docs build/site

lab: setup ## JupyterLab on the notebooks
	@$(BIN)/workbench lab

pictures: setup ## the README's finding, drawn anew: docs/images
	@$(BIN)/python docs/pictures.py

numbers: setup ## what the rules show on the released test split: docs/numbers.md
	@mkdir -p build
	$(BIN)/workbench baseline fit $(RECORDINGS) --split train --out build/train.json > /dev/null
	$(BIN)/workbench numbers rules $(RECORDINGS) --split test --baseline build/train.json --out docs/numbers.md

proof: setup ## measure what the released recordings prove of each rule; write it into rules and docs/coverage.md
	@$(BIN)/workbench prove rules $(RECORDINGS) --engine processes --write
	$(BIN)/workbench coverage rules --page docs/coverage.md > /dev/null

pack: setup ## build, gate and sign build/agent-runtime-<version>.pack
	@.ci/pack $(BIN) $(PACK_VERSION) $(PACK_KEY) $(RECORDINGS)

browser: setup ## JupyterLab in Chromium: notebooks, widgets, every view on both themes; pictures in build/lab
	@.ci/chromium
	@$(BIN)/python -m pytest -q -m "" tests/browser

bench: bench-scorer bench-baseline bench-capture ## speed and memory, side by side

bench-scorer: setup ## the scorer against its bars and other engines
	@$(BIN)/python -m pytest -q -s --timeout 1800 benchmarks/scorer

bench-baseline: setup ## what drift fields cost: time an event, bytes an agent
	@$(BIN)/python -m pytest -q -s --timeout 1800 benchmarks/baseline

bench-capture: setup ## completeness, overhead, latency and memory of capture (root)
	@$(BIN)/python -m pytest -q -s --timeout 1800 benchmarks/capture

bench-sensor: setup ## a watched agent against a bare one, time to verdict, an interpreter's start by stage (root); a day's memory
	@$(BIN)/python -m pytest -q -s --timeout 7200 benchmarks/sensor

bench-attribution: setup ## attribution judged on 200 live tool calls of codex, three minutes (root)
	@$(BIN)/python -m pytest -q -s --timeout 1800 benchmarks/attribution

datasets: setup ## record agent-runs again by its plan and tell what differs, resumable (root, more than an hour; EVERY=38: a dozen runs)
	@.ci/datasets $(BIN) build/agent-runs $(EVERY)

bench-fleet: setup ## a backtest of 20 million events: two processes against one, memory
	@$(BIN)/python -m pytest -q -s --timeout 7200 benchmarks/fleet

lock: setup ## resolve the dependencies anew
	@$(BIN)/uv pip compile pyproject.toml --extra dev --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	for name in harness/mini-swe-agent harness/mcp server/pypiserver; do
		$(BIN)/uv pip compile capture/lab/$$name.in --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o capture/lab/$$name.lock
	done
	for place in capture/lab/harness/*/ capture/lab/server/*/; do
		npm install --prefix "$$place" --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund
	done

format: setup ## format and mend what can be mended
	@$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what was built
	@rm -rf build dist site .venv
