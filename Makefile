# Needs Python 3.11 and nothing else; all that it installs goes into .venv.
#
#   make run     set up, build the built-in graph and serve it (HOST=127.0.0.1 PORT=8000)
#   make test    set up and run the tests
#   make check   lint, format, types, import contracts, Turtle, generated pages
#   make bench   measure what the documentation states, and the server and validation beside others (25 minutes)
#   make shacl-suite  fetch the W3C's tests of SHACL, which come with the source of pyshacl
#   make clean   remove the environment, caches and releases

HOST ?= 127.0.0.1
PORT ?= 8000
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)

BIN := .venv/bin
READY := .venv/.installed

.PHONY: run test check bench shacl-suite clean

run: $(READY)
	$(BIN)/kg build
	@exec $(BIN)/kg serve --host "$(HOST)" --port "$(PORT)"

test: $(READY)
	@$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/turtlefmt --check ontology shapes
	$(BIN)/python docs/generate.py --check

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python bench/run.py
	$(BIN)/python bench/serving.py
	$(BIN)/python bench/validation.py peers growth memory change

shacl-suite: .cache/shacl-suite/manifest.ttl

# Nobody's files are committed here: the suite is W3C's, and it is not in the wheel of pyshacl.
.cache/shacl-suite/manifest.ttl: constraints.txt | $(READY)
	rm -rf .cache/shacl-suite .cache/pyshacl && mkdir -p .cache/pyshacl .cache/shacl-suite
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps \
	  --no-binary pyshacl --dest .cache/pyshacl "$$(grep '^pyshacl==' constraints.txt)"
	tar -xzf .cache/pyshacl/pyshacl-*.tar.gz --strip-components=4 -C .cache/shacl-suite \
	  --wildcards '*/test/resources/sht_tests/*'
	@touch $@

clean:
	if [ -d releases ]; then chmod -R u+w releases; fi
	rm -rf .venv .cache build dist releases .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf .import_linter_cache
	find kg mappings tests docs bench -name __pycache__ -type d -prune -exec rm -rf {} +

# uv installs in seconds where pip takes a minute; where uv cannot (no wheel, a proxy or an index
# that only pip is told of), pip does the same with the same pins.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; name it with make PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo "python -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv 2>/dev/null && \
	  $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev]' || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
