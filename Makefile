# `make` alone lists the targets.
# The package is installed in editable mode, so that editing a source file needs no
# reinstall: an environment is rebuilt only when pyproject.toml (or the constraints)
# changes. The wheel that users get is built and tested by .ci/run.

PYTHON ?= python3
OLDEST_PYTHON ?= python3.11
VENV ?= .venv
VENV_OLDEST ?= .venv-oldest
ARGS ?=
PYTEST = -m pytest --numprocesses=logical --maxprocesses=8 --dist=worksteal
FAST = -m "not slow and not fuzz"

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-bounds test-python metamorphic fuzz fuzz-gate test-interrupts test-oldest coverage mutation lint doc bench bench-growth bench-normalizers bench-networks accuracy clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.plot  ## install, then choose lambda on real data (table, and choose_lambda.png)
	$(VENV)/bin/python examples/plot_choose_lambda.py $(ARGS)

test: $(VENV)/.test  ## install the test extra and run the suite (ARGS="-k ridge" passes options)
	$(VENV)/bin/python $(PYTEST) $(ARGS)

test-fast: $(VENV)/.test  ## the suite without its slow tests
	$(VENV)/bin/python $(PYTEST) $(FAST) $(ARGS)

metamorphic: $(VENV)/.test  ## try the metamorphic relations on 500 seeds, and write doc/metamorphic.md (hours)
	$(VENV)/bin/python tests/metamorphic.py --report doc/metamorphic.md $(ARGS)

fuzz: $(VENV)/.test  ## judge a million random problems, and write doc/fuzzing.md (ARGS="--problems 20000")
	cd tests && $(abspath $(VENV))/bin/python -m fuzz --report ../doc/fuzzing.md $(ARGS)

fuzz-gate: $(VENV)/.test  ## 100,000 malformed and odd inputs; the report goes to doc/input_gate.md
	cd tests && $(abspath $(VENV))/bin/python -m gate --cases 100000 --jobs 2 --report ../doc/input_gate.md $(ARGS)

test-bounds: $(VENV)/.test  ## the suite with every index of compiled code checked (NUMBA_BOUNDSCHECK)
	NUMBA_BOUNDSCHECK=1 $(VENV)/bin/python $(PYTEST) $(ARGS)

test-python: $(VENV)/.test  ## the suite's small data without compiling (NUMBA_DISABLE_JIT)
	NUMBA_DISABLE_JIT=1 $(VENV)/bin/python $(PYTEST) -m "not slow and not fuzz and not compiled" $(ARGS)

test-interrupts: $(VENV)/.test  ## interrupt all fits at random moments, and write doc/interrupts.md (an hour)
	$(VENV)/bin/python tests/measure_interrupts.py $(ARGS)

test-oldest: $(VENV_OLDEST)/.test  ## the fast suite on the oldest supported versions (Python 3.11)
	$(VENV_OLDEST)/bin/python $(PYTEST) $(FAST) $(ARGS)

# Interpreted, so that what runs inside kernels is seen; which test runs which line is kept for `mutation`.
coverage: $(VENV)/.dev  ## branch coverage of the fast suite, kernels interpreted; fails below 95 %
	NUMBA_DISABLE_JIT=1 $(VENV)/bin/python $(PYTEST) -m "not slow and not fuzz and not compiled" \
		--cov --cov-context=test --junitxml=build/durations.xml $(ARGS)

mutation: $(VENV)/.mutation build/durations.xml  ## do tests notice small faults? goes on where it was stopped
	$(VENV)/bin/python tests/mutation.py run
	$(VENV)/bin/python tests/mutation.py report

build/durations.xml:
	$(MAKE) coverage

lint: $(VENV)/.dev  ## ruff and mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

doc: $(VENV)/.doc  ## build the site, doc/_build/html/index.html, and run its examples (no network)
	$(VENV)/bin/python -m sphinx -W --keep-going -q doc doc/_build/html $(ARGS)
	$(VENV)/bin/python doc/check_site.py doc/_build/html

bench: $(VENV)/.bench $(VENV)-adelie/.bench  ## time the package beside its peers (ARGS="--quick" for small sizes)
	$(VENV)/bin/python -m benchmarks --json build/bench.json $(ARGS)

bench-growth: $(VENV)/.bench  ## how time grows with rows and columns, beside scikit-learn
	$(VENV)/bin/python -m benchmarks.growth --json build/growth.json $(ARGS)

bench-normalizers: $(VENV)/.bench  ## time the normalizers beside StandardScaler (and PyTorch, if installed)
	$(VENV)/bin/python -m benchmarks.normalizers $(ARGS)

bench-networks: $(VENV)/.bench  ## time the networks beside scikit-learn's (and PyTorch's, if installed)
	$(VENV)/bin/python -m benchmarks.networks $(ARGS)

accuracy: $(VENV)/.test  ## write doc/accuracy.md: digits right on NIST's reference data sets
	$(VENV)/bin/python -m benchmarks.accuracy

clean:  ## remove environments, builds and caches
	rm -rf $(VENV) $(VENV)-adelie $(VENV_OLDEST) build dist .pytest_cache .mypy_cache .ruff_cache
	rm -rf doc/_build doc/auto_examples doc/generated
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# $(VENV)/.test is the mark that the extra `test` is installed, and so on.
$(VENV)/.%: pyproject.toml
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --editable ".[$*]"
	touch $@

$(VENV_OLDEST)/.test: pyproject.toml constraints/oldest.txt
	test -x $(VENV_OLDEST)/bin/python || $(OLDEST_PYTHON) -m venv $(VENV_OLDEST)
	$(VENV_OLDEST)/bin/python -m pip install --quiet --constraint constraints/oldest.txt --editable ".[test]"
	touch $@

# adelie needs numpy < 2, this package numpy >= 2; without adelie the benchmarks go on.
$(VENV)-adelie/.bench:
	$(PYTHON) -m venv $(VENV)-adelie
	$(VENV)-adelie/bin/python -m pip install --quiet adelie "numpy<2" scikit-learn && touch $@ \
		|| echo "adelie could not be installed: the benchmarks go on without it"
