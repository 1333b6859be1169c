# facezoo. `make demo` and `make test` do all the set-up on a bare machine with Python 3.11 or 3.12.
# PYTHON=... chooses the interpreter, PORT=... the port of the demo.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test check release ray examples learn clean

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
PORT ?= 7860
VENV := .venv
BIN := $(VENV)/bin
INSTALLED_FROM := pyproject.toml constraints.txt

# $(call apt_install,PACKAGES) succeeds when Debian's packages could be installed: apt-get, and root or sudo without password.
define apt_install
{ command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null; } && \
  as_root=$$([ "$$(id -u)" = 0 ] || echo "sudo -n") && \
  echo "Installing with apt-get: $(1)" && $$as_root apt-get update -qq && \
  $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1) >/dev/null; }
endef

help:  ## show this
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 14

demo: $(VENV)/.demo  ## set up, then start the hub on http://127.0.0.1:7860 (PORT=8000 changes it)
	@echo "facezoo lies in $(BIN). For the command line: . $(BIN)/activate   then: facezoo --help"
	@exec $(BIN)/facezoo demo --port $(PORT)

test: $(VENV)/.test  ## set up, then run the whole test suite
	@command -v chromium chromium-browser google-chrome google-chrome-stable >/dev/null || \
	  $(call apt_install,chromium fonts-dejavu-core) || \
	  echo "No Chromium here and it cannot be installed (apt-get as root or sudo is needed): the browser tests will be skipped."
	@OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=40 $(PYTEST)

check: $(VENV)/.test  ## format, lint, types, import rules, and the quick tests
	$(BIN)/ruff format --check hub tests training
	$(BIN)/ruff check hub tests training
	$(BIN)/basedpyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not slow and not browser" $(PYTEST)

release: $(VENV)/.test  ## build wheel and sdist, start the hub and every Space from them, and the tests that take longest
	rm -rf dist
	$(BIN)/python -m hatchling build -d dist
	$(BIN)/python -m pytest -q -s -m release $(PYTEST)

ray: $(VENV)/.test  ## install Ray (about 500 MB), then test replicas and folders of any size
	$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e ".[ray]"
	$(BIN)/python -m pytest -q -m ray tests/runner $(PYTEST)

examples: $(VENV)/.test  ## make the finished results anew that the hub opens with
	$(BIN)/python -m facezoo.ui.examples

learn: $(VENV)/.test  ## make the exhibits of the Learn tab anew; GROUPS=head makes some alone
	$(BIN)/python -m facezoo.ui.learn.make $(GROUPS)

clean:  ## remove the virtual environment and all caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .import_linter_cache dist build

$(VENV)/.demo: EXTRAS := hub,speech
$(VENV)/.test: EXTRAS := hub,public,mcp,fan,train,speech,dev
$(VENV)/.demo $(VENV)/.test: $(BIN)/pip $(INSTALLED_FROM)
	@echo "Installing facezoo[$(EXTRAS)] into $(VENV), the first time a few minutes"
	@$(BIN)/pip install -q --disable-pip-version-check -c constraints.txt -e ".[$(EXTRAS)]"
	@$(BIN)/python -c "import cv2" 2>/dev/null || $(call apt_install,libgl1 libglib2.0-0) || \
	  { echo "OpenCV lacks system libraries. On Debian: apt-get install libgl1 libglib2.0-0"; exit 1; }
	@$(BIN)/python -c "import cv2"
	@command -v espeak-ng >/dev/null || $(call apt_install,espeak-ng) || \
	  echo "espeak-ng is not here and cannot be installed (apt-get as root or sudo is needed): pictures will speak recordings, no sentences."
	@touch $@

$(BIN)/pip:
	@[ -n "$(PYTHON)" ] || { echo "No Python found. facezoo needs Python 3.11 or 3.12; make PYTHON=/path/to/python3.11 demo"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' || \
	  { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1). facezoo needs Python 3.11 or 3.12; make PYTHON=/path/to/python3.11 demo"; exit 1; }
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || $(call apt_install,$(notdir $(PYTHON))-venv) || \
	  { echo "$(PYTHON) cannot make virtual environments. On Debian: apt-get install $(notdir $(PYTHON))-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
