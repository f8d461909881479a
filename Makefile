# Every target does its own set-up on a fresh machine: Python 3.11 or newer is all that it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint unit bench clean

help: ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.ready ## make .venv with the quadrift command in it, and the encoder it starts with

# torch first, by the pinned version: asked for by another package, pip would take the newest with its CUDA libraries
$(VENV)/.ready: pyproject.toml constraints.txt
	@echo "quadrift: making $(VENV) (about two minutes, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --constraint constraints.txt torch
	@$(PIP) install --constraint constraints.txt --editable '.[demo,test]'
	@$(BIN)/quadrift encoder
	@touch $@

demo: setup ## watch it work: real worker, real Valkey, Kafka-protocol broker, three shifts (ONCE=1 ends by itself, QUIET=1 plays none)
	@$(BIN)/quadrift demo $(if $(ONCE),--once) $(if $(QUIET),--quiet)

test: setup lint unit ## everything that CI runs

lint: setup ## ruff and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

unit: setup ## pytest: unit, property, integration on real servers, end to end
	@$(BIN)/python -m pytest

bench: setup ## the measurements of the README
	@$(BIN)/python benchmarks/quiet_hours.py
	@$(BIN)/python benchmarks/scenarios.py
	@$(BIN)/python -m benchmarks.judging

clean: ## remove what the other targets made
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
