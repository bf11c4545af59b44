# citefold: `make chat` is all a reader needs; `make` alone lists what else there is.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 7860
# An extra package index that holds PyTorch's CPU wheels, where the configured one does not.
TORCH_INDEX ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH := $(shell sed -n 's/^torch==/torch==/p' requirements.lock 2>/dev/null)
# On Linux the plain version is the CUDA build, gigabytes that nothing here uses; "+cpu" cannot be mistaken.
ifeq ($(shell uname -s),Linux)
TORCH := $(TORCH)+cpu
endif

# What installs, and what `make lock` resolves with; and the torch that is locked.
UV := uv==0.13.8
TORCH_VERSION ?= 2.13.0
# pip's indexes as options of uv, which does not read pip's settings.
PIP_INDEXES = $(PIP) config list 2>/dev/null | awk '{ at = index($$0, "="); key = substr($$0, 1, at - 1); \
	sub(/.*\./, "", key); value = substr($$0, at + 1); gsub(/\\n|\047/, " ", value); count = split(value, url, " "); \
	option["index-url"] = "--default-index"; option["extra-index-url"] = "--index"; option["find-links"] = "--find-links"; \
	if (key in option) for (i = 1; i <= count; i++) print option[key], url[i] }'
# uv installs in a third of pip's time; where it cannot, pip does. The dependencies are locked, so none is added.
define INSTALL
$(VENV)/uv/bin/uv pip install --python $(BIN)/python --no-deps --system-certs --index-strategy unsafe-best-match $$($(PIP_INDEXES)) $(1) || \
$(PIP) install --no-deps $(1)
endef

.DEFAULT_GOAL := help
.PHONY: help setup prepare chat test soak lint lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*##/make \1\t/p' Makefile | expand -t 12

chat: prepare  ## set up what is missing, then serve the page on http://127.0.0.1:7860 (PORT=, HOST=)
	@exec $(BIN)/rag chat --host $(HOST) --port $(PORT)

# The page has the language model read a new index while nobody asks; the command line has no such time.
setup: READ := && $(BIN)/rag prefill
setup: prepare  ## make .venv, fetch and verify the models, index corpus/ unless there is an index, and have it read

prepare: $(VENV)/installed
	@$(BIN)/rag models pull
	@status=0; $(BIN)/rag info >/dev/null 2>&1 || status=$$?; \
	case $$status in \
	    0) ;; \
	    2) test ! -d corpus || { $(BIN)/rag index corpus $(READ); } ;; \
	    *) $(BIN)/rag info >/dev/null ;; \
	esac

# The language model takes all cores, and beside another process it is many times as slow: its tests run alone.
test: lint  ## the same environment with the test extras: ruff, mypy --strict, every test on the real models
	@$(BIN)/rag models pull
	@$(BIN)/rag models pull multilingual-e5-small
	$(BIN)/python -m pytest -p tests.skip_policy -n auto --dist loadfile -m "not llm"
	$(BIN)/python -m pytest -p tests.skip_policy -m llm

soak: $(VENV)/installed-test  ## the tests of damage and of odd files at length: two hours or more
	CITEFOLD_SOAK=50 $(BIN)/python -m pytest -q --timeout=3600 tests/indexing
	CITEFOLD_SOAK=3 CITEFOLD_KILLS_WITH=multilingual-e5-small $(BIN)/python -m pytest -q --timeout=3600 tests/indexing/test_kills.py

lint: $(VENV)/installed-test  ## ruff and mypy alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Locks are made for every platform and Python from 3.11 on. The CUDA stack is left out: see TORCH above.
lock: $(VENV)/made  ## renew requirements.lock and requirements-test.lock
	@$(PYTHON) -m venv $(VENV)/lock
	@$(VENV)/lock/bin/python -m pip --disable-pip-version-check install --quiet $(UV)
	@printf 'torch==%s\n' '$(TORCH_VERSION)' > $(VENV)/lock/torch.txt
	@index=$$($(PIP) config get global.index-url 2>/dev/null || true); \
	compile() { \
	    $(VENV)/lock/bin/uv pip compile --quiet --system-certs --universal --fork-strategy fewest \
	        --python-version 3.11 --no-header --no-annotate --upgrade $${index:+--default-index "$$index"} \
	        -o $(VENV)/lock/out "$$@" pyproject.toml >/dev/null; \
	}; \
	write() { \
	    { echo "# Made by 'make lock'; do not edit."; grep -Ev '^(nvidia|cuda|triton)' $(VENV)/lock/out; } > $$1; \
	}; \
	set -e; \
	compile --extra test -c $(VENV)/lock/torch.txt; write requirements-test.lock; \
	rm $(VENV)/lock/out; compile -c requirements-test.lock; write requirements.lock

clean:  ## remove .venv and what the tools left behind (models and index stay)
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "citefold needs Python 3.11 or newer; name one, for example: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@$(PIP) install --quiet --target $(VENV)/uv $(UV) || echo "Without uv; pip takes longer."
	@touch $@

# Everything is locked, so nothing is resolved (--no-deps) and `pip check` proves that nothing is missing.
$(VENV)/installed: requirements.lock pyproject.toml | $(VENV)/made
	@{ $(call INSTALL,$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) '$(TORCH)'); } || \
	    { echo "pip could not install $(TORCH): name PyTorch's CPU wheel index (pytorch.org, Get started, CPU) as make TORCH_INDEX=URL $(MAKECMDGOALS), or add it to pip's settings as PIP_EXTRA_INDEX_URL." >&2; exit 1; }
	@$(call INSTALL,-r requirements.lock)
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	$(PIP) check
	@touch $@

$(VENV)/installed-test: requirements-test.lock $(VENV)/installed
	@$(call INSTALL,-r requirements-test.lock)
	$(PIP) check
	@touch $@
