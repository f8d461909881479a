# Every target does its own set-up on a fresh machine: Python 3.11 or newer is all that it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help setup demo test lint types unit bench clean

help: ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/  -/'

setup: $(VENV)/.ready ## make .venv with the quadrift command in it

$(VENV)/.ready: pyproject.toml constraints.txt
	@echo "quadrift: making $(VENV) (about a minute, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --constraint constraints.txt torch 2>&1 | grep -v '^WARNING: Location' || true
	@$(PIP) install --constraint constraints.txt --editable '.[demo,test]' 2>&1 | grep -v '^WARNING: Location' || true
	@test -x $(BIN)/quadrift
	@touch $@
