# Needs Python 3.11 or newer. Everything goes into .venv; nothing else on the machine is changed.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt

# One worker more than there are cores, because some tests wait for others' processes. By default the files with the
# fewest tests come last, and some of these are the slowest.
PYTEST := $(BIN)/python -m pytest
PARALLEL = -n $$($(BIN)/python -c "from picturewise.cores import available_cores; print(1 + available_cores())") \
  --dist loadfile --no-loadscope-reorder

.PHONY: demo check test campaign scale lint docs licences fuzz bench bench-smoke bench-gpu bench-mnist bench-hostile bench-import clean

demo: .venv/installed  ## the whole way on built-in data, under a minute
	$(BIN)/picturewise demo

# Compiled files are kept, because hundreds of processes are started.
check test campaign scale: export PYTHONDONTWRITEBYTECODE :=

check: lint  ## after every edit, about 2 minutes: linters, types, contracts, and the tests that are not slow
	$(PYTEST) $(PARALLEL) -m "not slow"

test: lint  ## everything that must hold before a change lands, about a quarter of an hour
	$(PYTEST) $(PARALLEL)

# One after the other, because each takes all cores or measures memory.
campaign: .venv/installed-dev  ## the long tests whole, under an hour: fuzz, crash, load, browser, packages
	$(PYTEST) --whole -m campaign -v

scale: .venv/installed-dev  ## many pictures in parts: 50 kills, and a Ray cluster that loses a node, if Ray is installed
	$(PYTEST) --whole tests/scaling -m campaign -v -s

# Only names and calls are checked in the benchmarks, most of which are too slow for a test.
CALLS = --cache-dir .mypy_cache/benchmarks --check-untyped-defs --allow-untyped-defs --allow-incomplete-defs \
  --allow-untyped-calls --allow-any-generics --implicit-reexport --no-warn-return-any --no-warn-unused-ignores --disable-error-code import-not-found \
  $(foreach code,arg-type assignment call-overload dict-item func-returns-value index misc return-value union-attr \
  var-annotated,--disable-error-code $(code))

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=src:benchmarks:benchmarks/contenders $(BIN)/mypy $(CALLS) benchmarks/*.py
	$(BIN)/lint-imports

docs: .venv/installed-dev  ## the site, strictly, into build/site; it also writes the generated tables of docs/reference anew
	$(BIN)/python docs/generate.py
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --fresh-env docs build/site

licences: .venv/installed-dev  ## write THIRD-PARTY-LICENCES.md anew, after a change of dependencies
	$(BIN)/python tests/packaging/third_party.py

fuzz: .venv/installed-dev  ## 10,000 damaged files a reader: READER=idx for one, CASE=17 too for one file, CASES=500 for fewer
	$(BIN)/python tests/fuzz/fuzz.py $(READER) $(if $(CASE),--case $(CASE)) $(if $(CASES),--cases $(CASES))

bench: .venv/installed  ## speed beside other tools, see benchmarks/README.md for .venv-peers: OUT=file for the tables
	$(BIN)/python benchmarks/speed.py --peers-python .venv-peers/bin/python --markdown $(or $(OUT),build/speed.md)

bench-smoke: .venv/installed  ## whether that benchmark still runs, without the peers, in about a minute
	$(BIN)/python benchmarks/speed.py --smoke

bench-gpu: .venv/installed  ## time to accuracy on a GPU: DATA=cifar10, OPTIONS='--preset best', AIRBENCH=checkout, OUT=file
	$(BIN)/python benchmarks/gpu.py $(or $(DATA),cifar10) $(if $(AIRBENCH),--airbench $(AIRBENCH)) \
	  --markdown $(or $(OUT),build/gpu.md) -- $(or $(OPTIONS),--preset best)

bench-mnist: .venv/installed  ## MNIST accuracy over three seeds, memory, import time: MNIST=folder with the IDX files
	$(BIN)/python benchmarks/mnist.py $(MNIST)

bench-import: .venv/installed  ## time and memory of importing, up to 8 GB: PICTURES=folder of class folders
	$(BIN)/python benchmarks/importing.py pictures $(PICTURES)
	$(BIN)/python benchmarks/importing.py large

bench-hostile: .venv/installed-dev  ## time and memory of each hostile file, and whether it did anything
	$(BIN)/python benchmarks/hostile_files.py

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) -e '.[train]'
	touch $@

# Without dependencies: tritonclient refuses the ml_dtypes that onnx brings, so what its HTTP client imports is listed;
# timm wants torchvision, and tests/standins takes its place.
.venv/installed-dev: .venv/installed Makefile
	$(PIP) -e '.[dev]'
	$(PIP) --no-deps tritonclient geventhttpclient gevent greenlet zope.event zope.interface brotli python-rapidjson
	$(PIP) --no-deps timm
	$(BIN)/python -c "import tritonclient.http"  # otherwise its test would be skipped without a word
	touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build
