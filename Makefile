# `make demo` and `make test` need nothing but Python 3.11 or later: they make .venv, install, and run.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow lint docs wheelhouse bench golden install clean

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("suwen needs Python 3.11, 3.12 or 3.13: make PYTHON=python3.11 ...") if not (3, 11) <= sys.version_info[:2] <= (3, 13) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train,export,dev]'
	touch $@

install: $(VENV)/.installed

demo: install
	@echo 'Before you type the commands below, activate the environment: . $(BIN)/activate'
	$(BIN)/suwen demo

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m 'not slow' --cov=suwen

test-slow: install
	$(BIN)/python -m pytest -m slow

# The documentation site, in build/site; fails on broken links. To read it with its search: python3 -m http.server -d build/site
docs: install
	$(BIN)/python docs/make_site.py

# Wheels of suwen and all that it needs, for computers without internet. See docs/install.md
EXTRAS ?= serve,excel,parquet,pandas,graph
WHEELHOUSE ?= wheelhouse
wheelhouse: | $(BIN)/python
	$(BIN)/python -m pip wheel --quiet --constraint constraints.txt --wheel-dir $(WHEELHOUSE) '.[$(EXTRAS)]'

# The benchmarks that docs/results cites. Those of LCDD need the corpus and take hours: make bench CORPUS=FOLDER RUNS=FOLDER
# Benchmarks that need models of their own, too, are listed with their commands in docs/results/README.md.
RUNS ?= runs
bench: install
	for benchmark in crf training extraction assertion graph page serving; do $(BIN)/python benchmarks/$$benchmark.py || exit 1; done
	$(BIN)/python benchmarks/extraction.py --memory
ifdef CORPUS
	$(BIN)/python benchmarks/concepts.py $(CORPUS)
	for benchmark in foundation encoders curves sampling; do \
		$(BIN)/python benchmarks/$$benchmark.py $(CORPUS) --runs $(RUNS)/$$benchmark || exit 1; done
endif

# Compare all outputs of this tree with those of an earlier commit: make golden BASE=COMMIT
golden: install
	$(BIN)/python benchmarks/golden.py check $(BASE)

clean:
	rm -rf $(VENV) build wheelhouse .cache .coverage .pytest_cache .mypy_cache .ruff_cache demo-output
