# Two commands set up everything: `make demo` (the main job) and `make test`.
#   PYTHON    the interpreter to build .venv from (3.11 or newer)
#   PIP_ARGS  more arguments for pip, as an --index-url that holds CPU builds of torch
PYTHON ?= python3
PIP_ARGS ?=
export PYTHON PIP_ARGS

.PHONY: setup demo test check docs bench-setup clean

setup:
	@tools/setup.sh

demo: setup
	.venv/bin/bitline run examples/mnist_reram.toml

test: setup check
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile

check: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

docs: setup
	.venv/bin/python -m pip install -q -c constraints.txt $(PIP_ARGS) -e '.[docs]'
	.venv/bin/mkdocs build --strict

# Other simulators that benchmarks compare with. Nothing of theirs is built: badcrossbar draws with cairo, which it
# solves without, so that its packages are named one by one.
bench-setup: setup
	.venv/bin/python -m pip install -q --no-deps $(PIP_ARGS) -r benchmarks/requirements.txt

clean:
	rm -rf .venv site build dist .mypy_cache .ruff_cache .pytest_cache
