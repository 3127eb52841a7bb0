# Two commands need nothing but Python 3.11 or newer: `make demo` and `make test`.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
SAMPLE := sample_notebooks/flight_delays.ipynb
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header --group build --group demo

# uv takes a quarter of pip's time. Where its wheel is missing, or an index that only pip knows is out of its reach, pip
# does it. All is compiled now: the first import of a test must not be the one that warns of another's old syntax.
define install_locked
@sed -n '/^uv==/,/[^\\]$$/p' $(1) >$(VENV)/uv.txt
@$(INSTALL) --require-hashes --requirement $(VENV)/uv.txt || true
@index=$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null)}; \
	$(BIN)/uv pip install --quiet --python $(BIN)/python $${index:+--default-index "$$index"} --compile-bytecode \
		--require-hashes --requirement $(1) \
	|| $(INSTALL) --require-hashes --requirement $(1)
endef

# Tests start a thousand processes: their modules are compiled once, whatever the machine's habit.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo year test lint check-types check-layers check-tests check-reproduce check-mlflow check-spark lock clean

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/.demo ## run the sample pipeline on the flights of 2013
	$(BIN)/nbprod run $(SAMPLE)

year: $(VENV)/.demo ## replay a year of production on the flights, with things gone wrong
	$(BIN)/python benchmarks/year.py .nbprod/year

test: lint check-types check-layers check-tests ## everything that must hold before a change lands

lint: $(VENV)/.test
	$(BIN)/ruff check
	$(BIN)/ruff format --check

check-types: $(VENV)/.test
	$(BIN)/mypy

check-layers: $(VENV)/.test
	$(BIN)/lint-imports

check-tests: $(VENV)/.test
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check-reproduce: $(VENV)/.test ## do the sample's run again in fresh environments (minutes)
	NBPROD_REPRODUCE=1 $(BIN)/python -m pytest tests/tracking/test_reproducing.py

# The full mlflow refuses pandas 3: its server runs in an environment of its own, the thin client in ours.
check-mlflow: $(VENV)/.test ## show a run on a real MLflow server (minutes)
	$(PYTHON) -m venv $(VENV)/mlflow
	$(VENV)/mlflow/bin/python -m pip install -qq --disable-pip-version-check mlflow
	$(INSTALL) "mlflow-skinny>=3.1" "alembic>=1.13" "sqlalchemy>=2.0"
	NBPROD_MLFLOW_SERVER=$(abspath $(VENV)/mlflow/bin/mlflow) $(BIN)/python -m pytest tests/tracking/test_mirror.py

# Spark is 430 MB and wants Java 17: an environment of its own keeps them out of the ordinary tests.
check-spark: $(VENV)/.test ## judge a suite and compute features on Spark and on DuckDB (minutes)
	command -v java >/dev/null || { apt-get update -qq && apt-get install -y -qq openjdk-17-jre-headless; }
	$(INSTALL) --target $(VENV)/spark "pyspark>=4.0,<4.1"
	PYTHONPATH=$(abspath $(VENV)/spark) $(BIN)/python -m pytest tests/validating/test_spark.py tests/running/test_backend.py

lock: $(VENV)/bin/python ## pin anew what demo and tests install
	$(INSTALL) uv
	$(COMPILE) --upgrade --group sidebar --group test pyproject.toml --output-file locks/test.txt
	$(COMPILE) --constraint locks/test.txt pyproject.toml --output-file locks/demo.txt

clean: ## remove the virtual environment and what ran
	rm -rf $(VENV) .nbprod

# A machine without Node and npm's registry can run the demo; what the tests open in a browser must be there.
$(VENV)/.demo: export NBPROD_LABEXT ?= optional

# A stamp is newer than its lock once what the lock names is installed.
$(VENV)/.demo $(VENV)/.test: $(VENV)/.%: locks/%.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what $* needs into $(VENV) (a few minutes the first time) ..."
	$(call install_locked,$<)
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found. Install one, or name it: make PYTHON=/path/to/python3" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
