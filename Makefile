# Needs make and Python 3.11 or newer; everything else is fetched into $(VENV), once.

VENV ?= .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test slow lint

help:
	@echo "make setup   build $(VENV) from constraints.txt"
	@echo "make demo    train a mage pack for five minutes, judge it, film it, write a report"
	@echo "make test    ruff, mypy and the tests"
	@echo "make slow    the tests that take minutes"
	@echo "make lint    ruff and mypy alone"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@python=; for candidate in $(BASE_PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	    if $$candidate -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	    then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "No Python 3.11 or newer with venv was found; install one, or name it: make setup BASE_PYTHON=/path/to/python" >&2; \
	    exit 1; \
	fi; \
	echo "Building $(VENV) with $$($$python --version)"; \
	$$python -m venv $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(READY)
	$(PYTHON) -m scripts.demo

test: lint
	$(PYTHON) -m pytest --numprocesses auto --dist loadfile

slow: $(READY)
	$(PYTHON) -m pytest -m slow

lint: $(READY)
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
